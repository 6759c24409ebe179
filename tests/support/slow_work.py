"""A program whose workers are in the midst of writing a file: python slow_work.py FOLDER [own handler]."""

import os
import signal
import sys
import time
from pathlib import Path

from maskwright.ending import Ended, ended_by_exception, finishing, worker_pool
from maskwright.storage import atomic


def hold(path):
    """Begin a file and never finish it."""
    with atomic(path) as temporary:
        temporary.write_text("begun")
        Path(f"{path}.begun").touch()
        time.sleep(600)


def die(*arguments, **more):
    """End the worker, as the system does where no memory is left."""
    os._exit(1)


def main(folder):
    """Two workers that write, one that waits for work."""
    with ended_by_exception():
        try:
            with worker_pool(3) as pool:
                waiting = [pool.submit(finishing, hold, folder / f"{index}.txt") for index in range(2)]
                pool.submit(finishing, int, "3").result()
                with atomic(folder / "own.txt") as temporary:
                    temporary.write_text("begun")
                    (folder / "own.begun").touch()
                    waiting[0].result()
        except Ended:
            sys.exit(143)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    main(Path(sys.argv[1]))

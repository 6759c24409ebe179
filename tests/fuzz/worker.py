"""Reads damaged files in a process of its own, whose memory and time are limited; says what ended otherwise than well.

python worker.py READER SEED:NUMBER ...
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import random
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

SECONDS, BYTES = 20, 2 << 30  # of one file, beside what the process has when it begins
OF_ENGINES = 16 << 30  # TensorFlow reserves addresses for its threads that it never touches


def limit_memory(most: int) -> None:
    """Let the process grow by so many bytes and no more."""
    import resource

    with open("/proc/self/statm") as file:  # noqa: PTH123
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + most, now + most))


def main(name: str, items: list[str]) -> None:
    """Read the files of these seeds and numbers; each failure is a line of JSON, and so is every file that is begun."""
    from readers import READERS, SLOW

    from maskwright.errors import MaskwrightError

    warnings.simplefilter("ignore")
    reader = READERS[name]
    out = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with tempfile.TemporaryDirectory() as place:
        seeds = reader.seeds(Path(place) / "seeds")
        for good in range(len(seeds)):  # so that a reader that refuses everything is no success
            reader.read(reader.write(Path(place) / f"good-{good}", seeds[good][0], seeds[good][1]))
        sys.stderr.flush()
        os.dup2(nowhere, 2)  # decoders in C write what they think
        os.dup2(nowhere, 1)
        limit_memory(OF_ENGINES if name in SLOW else BYTES)
        begin = time.time()
        for item in items:
            seed, index = map(int, item.split(":"))
            draw = random.Random(f"{name} {seed} {index}")
            file, data = draw.choice(seeds)
            try:
                path = reader.write(Path(place) / "file", file, reader.damage(file, data, [d for _, d in seeds], draw))
            except Exception:  # noqa: BLE001 - told, and the next file is made
                out.write(json.dumps({"index": item, "error": f"cannot be made: {traceback.format_exc()}"}) + "\n")
                continue
            out.write(f"{item}\n")
            out.flush()
            faulthandler.dump_traceback_later(SECONDS, exit=True, file=out)
            try:
                reader.read(path)
            except MaskwrightError as error:
                out.write("refused\n")
                if "Traceback" in str(error) or not str(error).strip():
                    out.write(json.dumps({"index": item, "error": f"says {error}"}) + "\n")
            except BaseException as error:  # noqa: BLE001 - what it is, is the finding
                told = traceback.format_exc().splitlines()[-8:]
                out.write(
                    json.dumps({"index": item, "error": f"{type(error).__name__}: {error}"[:300], "where": told}) + "\n"
                )
            faulthandler.cancel_dump_traceback_later()
        out.write(json.dumps({"done": len(items), "seconds": round(time.time() - begin, 1)}) + "\n")
        out.flush()
        with contextlib.suppress(OSError):
            out.close()
        os._exit(0)  # what is left of a library in C is not our matter


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

"""Two trainings never write into one folder, and a dead one holds none."""

import os
import signal
import subprocess
import sys

import pytest

from maskwright.errors import MaskwrightError
from maskwright.training.lock import only_one

HOLD = """
import sys, time
from pathlib import Path
from maskwright.training.lock import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_the_second_is_refused_until_the_first_is_gone_however_it_went(tmp_path):
    run = tmp_path / "runs" / "a"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(run)], stdout=subprocess.PIPE) as first:
        assert first.stdout.readline() == b"held\n"
        with pytest.raises(MaskwrightError, match="trained into by another process"), only_one(run):
            pass
        with only_one(tmp_path / "runs" / "b"):
            pass
        first.kill() if os.name == "nt" else first.send_signal(signal.SIGKILL)
        first.wait(60)
    with only_one(run):
        pass
    assert not run.parent.exists()


def test_it_may_be_taken_again_by_the_same_process(tmp_path):
    for _ in range(2):
        with only_one(tmp_path):
            pass

"""While TensorFlow loads, what its libraries write to the file descriptor is held back, and nothing else is lost."""

import os
import subprocess
import sys

import pytest

FAKE = (
    "import os\n"
    "os.write(2, b'WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\\n')\n"
    "os.write(2, b'I0000 00:00:1795807381.742008 28726 port.cc:153] oneDNN custom operations are on.\\n')\n"
    "os.write(2, b'2026-11-27 19:00:00.123456: W external/tsl: a remark\\n')\n"
    "os.write(2, b'a line of somebody else\\nF0000 00:00:1 the end\\n')\n"
)


def told(code, tmp_path, **environment):
    """What a process writes to the standard error."""
    (tmp_path / "tensorflow.py").write_text(FAKE, encoding="utf-8")
    paths = {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=os.environ | paths | environment, check=False
    )
    return done.stderr.decode().splitlines()


def test_its_log_is_held_back_and_other_lines_are_not(tmp_path):
    code = "import maskwright, sys, tensorflow\nsys.stderr.write('after\\n')"
    assert told(code, tmp_path) == ["a line of somebody else", "F0000 00:00:1 the end", "after"]


def test_all_of_it_is_shown_where_somebody_asks(tmp_path):
    assert len(told("import maskwright, tensorflow", tmp_path, MASKWRIGHT_SHOW_ALL="1")) == 5
    code = "import maskwright.environment as e\ne.show_all()\nimport tensorflow"
    assert len(told(code, tmp_path)) == 5


def test_what_goes_wrong_while_it_loads_is_told(tmp_path):
    code = "import maskwright, sys\ntry:\n    import tensorflow\nexcept ImportError as error:\n    sys.stderr.write(f'{error}\\n')"
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "tensorflow.py").write_text("raise ImportError('no such library')", encoding="utf-8")
    paths = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "broken"), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=os.environ | paths, check=True)
    assert done.stderr.decode().splitlines() == ["no such library"]


@pytest.mark.slow
def test_the_real_one_says_nothing(tmp_path):
    pytest.importorskip("tensorflow")
    code = "import maskwright, tensorflow as tf\ntf.constant(1.0) + 1"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr == b""

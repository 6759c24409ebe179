"""GDCM may die of what it is given; whoever asked it lives."""

import io
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from damage import damaged, edits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scans import write_series

from maskwright.errors import MaskwrightError
from maskwright.volumes import apart
from maskwright.volumes.read import read_volume

pytest.importorskip("gdcm")
LOSSLESS = "1.2.840.10008.1.2.4.70"


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    array = np.random.default_rng(0).integers(-500, 500, (3, 16, 16)).astype(np.int16)
    write_series(folder, array, syntax=LOSSLESS)
    return folder, array


@pytest.fixture
def child():
    one = apart.Child()
    yield one
    one.close()


def first(folder):
    import pydicom

    return pydicom.dcmread(min(folder.iterdir()))


def test_it_decodes_what_gdcm_decodes(series, child):
    folder, array = series
    assert np.array_equal(child.decode(first(folder)).astype(int) - 1024, array[0])
    assert np.array_equal(read_volume(folder).array, array)


@pytest.mark.parametrize("way", ["it aborts", "it ends", "it answers half"])
def test_a_death_is_an_error_and_the_next_one_is_answered(series, child, tmp_path, monkeypatch, way):
    dying = tmp_path / "dying.py"
    dying.write_text({
        "it aborts": "import os, sys; sys.stdin.buffer.read(8); os.abort()",
        "it ends": "",
        "it answers half": "import sys; sys.stdin.buffer.read(8); sys.stdout.buffer.write((99).to_bytes(8, 'little') + b'x')",
    }[way])  # fmt: skip
    with monkeypatch.context() as patched:
        patched.setattr(apart, "_CHILD", dying)
        with pytest.raises(RuntimeError, match="cannot decode"):
            child.decode(first(series[0]))
    child.close()
    assert np.array_equal(child.decode(first(series[0])).astype(int) - 1024, series[1][0])


def test_one_that_never_answers_is_ended(series, child, tmp_path, monkeypatch):
    (tmp_path / "slow.py").write_text("import time; time.sleep(600)")
    monkeypatch.setattr(apart, "_CHILD", tmp_path / "slow.py")
    monkeypatch.setattr(apart, "_SECONDS", 0.5)
    begin = time.monotonic()
    with pytest.raises(RuntimeError):
        child.decode(first(series[0]))
    assert time.monotonic() - begin < 60


def test_it_is_told_nothing_of_the_patient(series):
    import pydicom

    asked = apart._file(first(series[0]))
    assert b"Doe" not in asked and b"P1" not in asked
    assert "PatientName" not in pydicom.dcmread(io.BytesIO(asked))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_pixels_are_refused_or_read(series, tmp_path, data):
    """Aborting is what GDCM does with about every tenth of these."""
    bodies = [path.read_bytes() for path in sorted(series[0].iterdir())]
    start = bodies[0].index(b"\xff\xd8")  # of the codestream
    bodies[0] = bodies[0][:start] + damaged(bodies[0][start:], data.draw(edits(min(len(bodies[0]) - start, 200))))
    for index, body in enumerate(bodies):
        (tmp_path / f"{index}.dcm").write_bytes(body)
    try:
        assert read_volume(tmp_path).array.shape == (3, 16, 16)
    except MaskwrightError as error:
        assert "0.dcm" in str(error) and "gdcm" not in str(error).lower()


@pytest.mark.skipif(os.name == "nt", reason="processes are looked for by ps")
def test_it_ends_with_whoever_asks(series, tmp_path):
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom maskwright.volumes.read import read_volume\n"
        "from maskwright.volumes.apart import CHILD\n"
        "read_volume(Path(sys.argv[1]))\nprint(CHILD._process.pid, flush=True)\ntime.sleep(600)"
    )
    asking = subprocess.Popen([sys.executable, "-c", script, str(series[0])], stdout=subprocess.PIPE, text=True)
    try:
        child = int(asking.stdout.readline())
        os.kill(child, 0)  # it lives
    finally:
        asking.kill()
        asking.wait()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and _lives(child):
        time.sleep(0.05)
    assert not _lives(child)


def _lives(number):
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True).stdout.strip()
    return bool(found) and not found.startswith("Z")

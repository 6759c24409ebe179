import io

import numpy as np
import pytest

from maskwright.errors import MaskwrightError
from maskwright.untrusted.arrays import map_npy, parse_npy, read_npy


def written(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def claiming(shape, dtype="<f4"):
    """The header of an array with nothing behind it."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": dtype, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


ARRAY = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
BROKEN = {
    "empty": b"", "noise": b"noise" * 99, "cut": written(ARRAY)[:-1], "a terabyte": claiming((1 << 38,)),
    "more than counts": claiming((1 << 62, 1 << 62)), "negative": claiming((-1,)) + bytes(99), "objects": claiming((1,), "|O"),
    "no header": written(ARRAY).replace(b"descr", b"descx"), "a version": written(ARRAY).replace(b"NUMPY\x01", b"NUMPY\x09"),
    "brackets": written(ARRAY)[:10] + b"(" * 5000,
}  # fmt: skip


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_is_no_array_is_refused_by_its_name(tmp_path, data):
    (tmp_path / "a.npy").write_bytes(data)
    for read in (read_npy, map_npy, lambda path: parse_npy(path.read_bytes(), path)):
        with pytest.raises(MaskwrightError, match=r"a\.npy: is a damaged array"):
            read(tmp_path / "a.npy")


@pytest.mark.parametrize("array", [ARRAY, np.asfortranarray(ARRAY), np.array(3, np.int64), np.zeros((0, 3), np.uint8)])
def test_arrays_as_they_were_written(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    for found in (read_npy(tmp_path / "a.npy"), parse_npy(written(array), "x")):
        assert found.dtype == array.dtype and np.array_equal(found, array) and found.flags.writeable
    if array.size > 1:
        assert np.array_equal(map_npy(tmp_path / "a.npy"), array)

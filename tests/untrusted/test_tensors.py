import collections

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch_file import Tensor, named, written

from maskwright.errors import MaskwrightError
from maskwright.untrusted.tensors import read_tensors


@pytest.fixture(scope="module")
def names():
    with named() as torch:
        yield torch


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.lists(st.integers(1, 4), min_size=0, max_size=4),
    order=st.randoms(use_true_random=False),
    offset=st.integers(0, 3),
    dtype=st.sampled_from([np.float32, np.int64]),
)
def test_turned_views_are_read_in_their_order(tmp_path, names, shape, order, offset, dtype):
    flat = np.arange(offset + int(np.prod(shape)) + 2).astype(dtype)
    axes = list(range(len(shape)))
    order.shuffle(axes)
    whole = flat[offset : offset + int(np.prod(shape))].reshape(shape).transpose(axes)
    steps = tuple(step // flat.itemsize for step in whole.strides)
    path = written(tmp_path / "a.pth", {"a": Tensor(names, flat, offset, whole.shape, steps)})
    found = read_tensors(path)["a"]
    assert np.array_equal(found, whole) and found.dtype == dtype and found.flags.c_contiguous


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (5,), (1,)), (1, (4,), (1,)), (-1, (2,), (1,)), (0, (2,), (-1,)), (0, (2, 2), (1,)), (0, (10**9,), (0,)),
     (0, (2,), (2**62,)), (0, ("a",), (1,)), (None, (1,), (1,))],
)  # fmt: skip
def test_a_view_beyond_its_storage_is_refused(tmp_path, names, offset, shape, strides):
    path = written(tmp_path / "a.pth", {"a": Tensor(names, np.zeros(4, np.float32), offset, shape, strides)})
    with pytest.raises(MaskwrightError, match=r"a\.pth: .*no PyTorch file of named tensors"):
        read_tensors(path)


class Calls:
    def __init__(self, function, *arguments):
        self.made = function, arguments

    def __reduce__(self):
        return self.made


@pytest.mark.parametrize(
    "hidden", [Calls(print, "ran"), Calls(exec, "raise SystemExit"), {1}, 1.5, b"x", collections.Counter("ab"), Calls]
)
def test_what_a_file_asks_for_is_never_done(tmp_path, names, capsys, hidden):
    path = written(tmp_path / "a.pth", {}, state={"a": hidden})
    with pytest.raises(MaskwrightError, match="no PyTorch file of named tensors"):
        read_tensors(path)
    assert not capsys.readouterr().out


def test_cut_and_other_files(tmp_path, names):
    path = written(tmp_path / "a.pth", {"a": Tensor(names, np.zeros(4, np.float32), 0, (2, 2), (2, 1))})
    data = path.read_bytes()
    for cut in range(0, len(data), 7):
        path.write_bytes(data[:cut])
        with pytest.raises(MaskwrightError, match="no PyTorch file of named tensors"):
            read_tensors(path)
    written(path, {"a": Tensor(names, np.zeros(4, np.float32), 0, (2, 2), (2, 1))}, counts=1 << 60)
    with pytest.raises(MaskwrightError, match="no PyTorch file of named tensors"):
        read_tensors(path)
    with pytest.raises(MaskwrightError, match="no such file"):
        read_tensors(tmp_path / "gone.pth")
    with pytest.raises(MaskwrightError, match="checksum differs"):
        read_tensors(path, sha256="0" * 64)

import collections
import io
import pickle
import struct
import sys
import types

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maskwright.errors import MaskwrightError
from maskwright.untrusted.tensors import read_tensors

MAGIC = 0x1950A86A20F9469CFC6C


@pytest.fixture(scope="module")
def names():
    """Modules of the names that PyTorch's files hold, so that the standard library writes them."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch._utils = utils

    def _rebuild_tensor_v2(*_):
        raise AssertionError("is never called")

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    for name in ("FloatStorage", "LongStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules |= {"torch": torch, "torch._utils": utils}
    yield torch
    for name, module in before.items():
        sys.modules.pop(name) if module is None else sys.modules.update({name: module})


class Tensor:
    """Pickled as PyTorch pickles a tensor: a view of a storage."""

    def __init__(self, torch, flat, offset, shape, strides):
        self.torch, self.flat = torch, flat
        self.view = offset, shape, strides

    def __reduce__(self):
        kind = self.torch.FloatStorage if self.flat.dtype == np.float32 else self.torch.LongStorage
        storage = Storage((kind, str(id(self.flat)), "cpu", len(self.flat), None))
        return self.torch._utils._rebuild_tensor_v2, (storage, *self.view, False, collections.OrderedDict())


class Storage(tuple):
    pass


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return ("storage", *value) if isinstance(value, Storage) else None


def written(path, tensors, *, state=None, counts=None):
    """A file as torch.save wrote it before version 1.6."""
    buffer = io.BytesIO()
    for head in (MAGIC, 1001, {"little_endian": True, "type_sizes": {"int": 4}}):
        pickle.dump(head, buffer, 2)
    Pickler(buffer, 2).dump(collections.OrderedDict(tensors) if state is None else state)
    flats = {str(id(one.flat)): one.flat for one in tensors.values()}
    pickle.dump(list(flats), buffer, 2)
    for flat in flats.values():
        buffer.write(struct.pack("<q", len(flat) if counts is None else counts) + flat.tobytes())
    path.write_bytes(buffer.getvalue())
    return path


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

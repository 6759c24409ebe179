"""Files of tensors as PyTorch wrote them before its version 1.6, made without PyTorch."""

from __future__ import annotations

import collections
import io
import pickle
import struct
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C


@contextmanager
def named() -> Iterator[Any]:
    """Modules of the names that such files hold, so that the standard library writes them."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch._utils = utils

    def _rebuild_tensor_v2(*_: Any) -> None:
        raise AssertionError("is never called")

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    for name in ("FloatStorage", "LongStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules |= {"torch": torch, "torch._utils": utils}
    try:
        yield torch
    finally:
        for name, module in before.items():
            sys.modules.pop(name) if module is None else sys.modules.update({name: module})


def _key(flat: np.ndarray) -> str:
    """The name of a storage; those of one file have different lengths."""
    return str(len(flat))


class Tensor:
    """Pickled as PyTorch pickles a tensor: a view of a storage."""

    def __init__(self, torch, flat, offset, shape, strides):
        self.torch, self.flat = torch, flat
        self.view = offset, shape, strides

    def __reduce__(self):
        kind = self.torch.FloatStorage if self.flat.dtype == np.float32 else self.torch.LongStorage
        storage = Storage((kind, _key(self.flat), "cpu", len(self.flat), None))
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
    flats = {_key(one.flat): one.flat for one in tensors.values()}
    pickle.dump(list(flats), buffer, 2)
    for flat in flats.values():
        buffer.write(struct.pack("<q", len(flat) if counts is None else counts) + flat.tobytes())
    path.write_bytes(buffer.getvalue())
    return path

"""Tensors of a PyTorch file in its first format, read without PyTorch and without running what the file says.

Such a file is a pickle, a program for a stack machine that may call any function of Python. Here only the steps that
build dictionaries, tuples, numbers and tensors exist; whatever else a file asks for is refused.

Layout (torch.save before version 1.6): three small pickles (a magic number, the version, the machine), the pickle of
the state, the pickle of the storages' names, and then each storage: 8 bytes with the count of its numbers, and them.
"""

from __future__ import annotations

import hashlib
import io
import math
import pickletools
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.untrusted.decode import COPY, decoding, too_large

_MAGIC = 0x1950A86A20F9469CFC6C
_LIMIT = 1 << 30  # bytes of a file; the largest that we know has 25 MB
_STORAGES = {
    "torch FloatStorage": "<f4", "torch DoubleStorage": "<f8", "torch HalfStorage": "<f2",
    "torch LongStorage": "<i8", "torch IntStorage": "<i4", "torch ByteStorage": "u1",
}  # fmt: skip
_DICT, _TENSOR = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_NUMBERS = ("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE")


class _Name(NamedTuple):
    """A function or class that a file names; it is never looked up."""

    name: str


class _Storage(NamedTuple):
    dtype: str
    key: str
    length: int


class _View(NamedTuple):
    """Part of a storage: the place of its first number, its shape, and how many numbers lie between neighbours."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Mark:
    pass


def read_tensors(path: Path, *, sha256: str | None = None, fix: str = COPY) -> dict[str, np.ndarray]:
    """The tensors of a file by name, each as an array of its own in C order.

    Args:
        sha256: of the file, where it is known.

    Raises:
        MaskwrightError: no such file, another checksum, no such format, or anything else in it than named tensors.
    """
    what = "is no PyTorch file of named tensors in the first format, or is damaged"
    with decoding(path, what, fix):
        if (size := path.stat().st_size) > _LIMIT:
            raise too_large(path, size, _LIMIT, fix)
        data = path.read_bytes()
        if sha256 and hashlib.sha256(data).hexdigest() != sha256:
            raise MaskwrightError("is not the file that was published (its checksum differs)", where=path, fix=fix)
        file = io.BytesIO(data)
        if _run(file) != _MAGIC:
            raise ValueError("another format")
        _run(file), _run(file)
        state, names = _run(file), _run(file)
        storages = _read_storages(file, names, state)
        return {str(name): _array(view, storages) for name, view in state.items()}


def _run(file: BinaryIO) -> Any:
    """What one pickle builds."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    value: Any
    for step, value, _ in pickletools.genops(file):
        match step.name:
            case "PROTO":
                pass
            case "STOP":
                return stack.pop()
            case "MARK":
                stack.append(_Mark())
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append(_CONSTANTS[step.name])
            case name if name in _NUMBERS:
                stack.append(value)
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_TUPLE":
                stack.append(())
            case "TUPLE":
                stack.append(tuple(_to_mark(stack)))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(step.name[-1])
                stack[-count:] = [tuple(stack[-count:])]
            case "APPEND":
                value = stack.pop()
                stack[-1].append(value)
            case "APPENDS":
                items = _to_mark(stack)
                stack[-1].extend(items)
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                stack[-1][key] = value
            case "SETITEMS":
                items = _to_mark(stack)
                stack[-1].update(zip(items[::2], items[1::2], strict=True))
            case "BINPUT" | "LONG_BINPUT":
                memo[value] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[value])
            case "GLOBAL":
                stack.append(_Name(value))
            case "BINPERSID":
                stack.append(_storage(stack.pop()))
            case "REDUCE":
                arguments, function = stack.pop(), stack.pop()
                stack.append(_call(function, arguments))
            case "BUILD":  # what a dictionary says beside its entries: PyTorch's versions of the layers
                stack.pop()
            case other:
                raise ValueError(f"asks for {other}")
    raise ValueError("no end")


def _to_mark(stack: list[Any]) -> list[Any]:
    items: list[Any] = []
    while not isinstance(item := stack.pop(), _Mark):
        items.append(item)
    return items[::-1]


def _storage(named: Any) -> _Storage:
    kind, name, key, _, count, *_ = named
    if kind != "storage" or not isinstance(count, int):
        raise ValueError("no storage")
    return _Storage(_STORAGES[name.name], key, count)


def _call(function: Any, arguments: tuple[Any, ...]) -> Any:
    if function == _Name(_DICT) and not arguments:
        return {}
    if function == _Name(_TENSOR):
        return _View(*arguments[:4])
    raise ValueError(f"asks for {function}")


def _read_storages(file: BinaryIO, names: list[str], state: dict[str, _View]) -> dict[str, np.ndarray]:
    kinds = {view.storage.key: view.storage for view in state.values()}
    found = {}
    for name in names:
        kind = np.dtype(kinds[name].dtype)
        count = int.from_bytes(file.read(8), "little")
        if count != kinds[name].length:
            raise ValueError("a storage of another size than was said")
        found[name] = np.frombuffer(file.read(count * kind.itemsize), kind, count)
    return found


def _array(view: _View, storages: dict[str, np.ndarray]) -> np.ndarray:
    """A copy, since most tensors of such files are turned: how their numbers lie is in the strides."""
    flat = storages[view.storage.key]
    if len(view.shape) != len(view.strides) or min((view.offset, *view.shape, *view.strides)) < 0:
        raise ValueError("a tensor of no shape")
    last = view.offset + sum((edge - 1) * step for edge, step in zip(view.shape, view.strides, strict=True))
    if 0 in view.shape or last >= len(flat) or math.prod(view.shape) > len(flat):
        raise ValueError("a tensor that is larger than its storage")
    steps = [step * flat.itemsize for step in view.strides]
    return np.lib.stride_tricks.as_strided(flat[view.offset :], view.shape, steps).copy()

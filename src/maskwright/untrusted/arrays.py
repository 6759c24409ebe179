"""NumPy's files: their headers are looked at before anything is allocated."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np

from maskwright.untrusted.decode import COPY, decoding

_HEADER = 10_000  # bytes of an array's header
_TRIES = 9


def read_npy(path: Path, *, fix: str = COPY, what: str = "is a damaged array") -> np.ndarray:
    """The array of a `.npy` file.

    Raises:
        MaskwrightError: no such file, objects instead of numbers, or fewer bytes than its header claims.
    """
    with decoding(path, what, fix), path.open("rb") as file:
        return _array(file, path.stat().st_size)


def parse_npy(data: bytes, where: object, *, fix: str = COPY, what: str = "is a damaged array") -> np.ndarray:
    """As `read_npy`, of bytes."""
    with decoding(where, what, fix):
        return _array(io.BytesIO(data), len(data))


def map_npy(path: Path, *, fix: str = COPY) -> np.ndarray:
    """As `read_npy`, mapped instead of read."""
    with decoding(path, "is a damaged array", fix), path.open("rb") as file:
        shape, fortran, dtype = _header(file, path.stat().st_size)
        return np.memmap(path, dtype, "r", file.tell(), shape, "F" if fortran else "C")


def _array(file: BinaryIO, size: int) -> np.ndarray:
    shape, fortran, dtype = _header(file, size)
    count = int(np.prod(shape, dtype=np.float64))
    array = np.frombuffer(file.read(count * dtype.itemsize), dtype, count)
    return array.reshape(shape, order="F" if fortran else "C").copy()  # of its own, and writable


def _header(file: BinaryIO, size: int) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError("a version that Maskwright never writes")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    # NumPy reads the head with Python's parser, and that of Python 3.11 stumbles now and then where another thread
    # parses at the same moment (python/cpython#106905), as TensorFlow does when it traces a function.
    start = file.tell()
    for left in reversed(range(_TRIES)):
        try:
            shape, fortran, dtype = read(file, max_header_size=_HEADER)
            break
        except SystemError:
            if not left:
                raise
            file.seek(start)
    if dtype.hasobject or any(edge < 0 for edge in shape):
        raise ValueError("no numbers")
    if np.prod(shape, dtype=np.float64) * dtype.itemsize > size - file.tell():
        raise ValueError("the file ends before its array")
    return shape, fortran, dtype

"""Arrays on disk that are read and written row by row.

A memory map would count every page that was ever touched as memory of the process.
"""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np


class Slab:
    """One array on disk, `(N, ...)`, read row by row."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: str) -> None:
        self.path, self.shape, self.dtype = path, shape, np.dtype(dtype)
        self._items = int(np.prod(shape))

    def read(self, index: int) -> np.ndarray:
        """Row `index`."""
        offset = index * self._items * self.dtype.itemsize
        return np.fromfile(self.path, self.dtype, self._items, offset=offset).reshape(self.shape)


class SlabWriter:
    """Writes rows of a `Slab` in any order, from several threads."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._lock = threading.Lock()

    def write(self, index: int, row: np.ndarray) -> None:
        """Write row `index`; all rows have the same size."""
        data = np.ascontiguousarray(row).tobytes()
        with self._lock:
            self._file.seek(index * len(data))
            self._file.write(data)

    def close(self) -> None:
        """Flush and close."""
        self._file.close()

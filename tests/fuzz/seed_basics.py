"""What makers of good files share."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np

Files = list[tuple[str, bytes]]


def npy(array: Any) -> bytes:
    """An array as NumPy writes it."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def zipped(entries: dict[str, bytes]) -> bytes:
    """An archive of names and bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()

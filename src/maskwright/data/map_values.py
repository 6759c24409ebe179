"""The numbers of label maps: by these it is decided what they mean, as by the values of masks of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskwright.data.mask_values import MaskValues
from maskwright.volumes.read import read_labels


def values_in(path: Path) -> MaskValues:
    """The numbers of a label map in a file.

    Raises:
        MaskwrightError: it cannot be read.
    """
    return map_values(read_labels(path).array, path)


def map_values(array: np.ndarray, path: Path) -> MaskValues:
    """The numbers of one label map, whole ones of 8 or 16 bits. No outline of them is smoothed: all fill areas."""
    counts = np.bincount(array.ravel())
    numbers = {float(number): int(counts[number]) for number in np.flatnonzero(counts)}
    return MaskValues(path, int(array.size), numbers, areas=frozenset(numbers))

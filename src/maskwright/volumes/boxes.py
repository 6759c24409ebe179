"""The box around a mask, in any number of dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def bounding_box(mask: np.ndarray, margins: Sequence[int] | int = 0) -> tuple[slice, ...]:
    """Slices of the smallest box around what is True, and `margins` more along each axis, inside the array.

    The mask must hold something.
    """
    found = []
    more = [margins] * mask.ndim if isinstance(margins, int) else list(margins)
    for axis, margin in enumerate(more):
        places = np.flatnonzero(mask.any(axis=tuple(k for k in range(mask.ndim) if k != axis)))
        found.append(slice(max(int(places[0]) - margin, 0), min(int(places[-1]) + 1 + margin, mask.shape[axis])))
    return tuple(found)

"""Probabilities from a network's grid on the scan's own, some slices at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from maskwright.volumes import Grid

_SLICES = 16


def restored(probabilities: np.ndarray, model: Grid, scan: Grid) -> Iterator[tuple[slice, np.ndarray]]:
    """Probabilities on the scan's grid, by linear interpolation.

    Args:
        probabilities: `(D, H, W, K)` on the grid `model`, in memory or in a file. scan: has the same axes.

    Yields:
        Slices of the scan, and their probabilities `(d, H, W, K)` float32.
    """
    matrix = np.linalg.inv(model.affine) @ scan.affine
    step, offset = np.diag(matrix[:3, :3]), matrix[:3, 3]
    same = model.shape == scan.shape and np.allclose(step, 1) and np.allclose(offset, 0, atol=1e-6)
    for first in range(0, scan.shape[0], _SLICES):
        rows = slice(first, min(first + _SLICES, scan.shape[0]))
        if same:
            yield rows, np.asarray(probabilities[rows], np.float32)
            continue
        low = int(np.floor(step[0] * rows.start + offset[0])) - 1
        high = int(np.ceil(step[0] * (rows.stop - 1) + offset[0])) + 2
        low, high = min(max(low, 0), model.shape[0] - 1), max(min(high, model.shape[0]), 1)
        block = np.asarray(probabilities[low : max(high, low + 1)], np.float32)
        start = np.array([step[0] * rows.start + offset[0] - low, *offset[1:]])
        shape = (rows.stop - rows.start, *scan.shape[1:])
        found = [
            ndimage.affine_transform(block[..., k], step, start, output_shape=shape, order=1, mode="nearest")
            for k in range(block.shape[-1])
        ]
        yield rows, np.stack(found, axis=-1)

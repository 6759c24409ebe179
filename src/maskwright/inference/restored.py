"""Probabilities on a network's grid decided on the scan's own, some slices at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from maskwright.inference.masks import decide
from maskwright.volumes import Grid

_SLICES = 16


def decided(probabilities: np.ndarray, model: Grid, scan: Grid, threshold: float) -> Iterator[tuple[slice, np.ndarray]]:
    """Class numbers on the scan's grid, by linear interpolation of the probabilities.

    Args:
        probabilities: `(D, H, W, K)` on the grid `model`, in memory or in a file. scan: has the same axes.

    Yields:
        Slices of the scan, and their class numbers `(d, H, W)` uint8.
    """
    matrix = np.linalg.inv(model.affine) @ scan.affine
    step, offset = np.diag(matrix[:3, :3]), matrix[:3, 3]
    same = model.shape == scan.shape and np.allclose(step, 1) and np.allclose(offset, 0, atol=1e-6)
    for first in range(0, scan.shape[0], _SLICES):
        rows = slice(first, min(first + _SLICES, scan.shape[0]))
        if same:
            yield rows, decide(np.asarray(probabilities[rows], np.float32), threshold)
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
        yield rows, decide(np.stack(found, axis=-1), threshold)

"""Bringing volumes to another grid; always through the affines, never by shape."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from maskwright.volumes.volume import Grid, Volume

_ORDERS = {"nearest": 0, "linear": 1, "cubic": 3}
_STRAIGHT = 1e-6  # voxels; a grid that is turned less against another one shares its axes


def with_spacing(grid: Grid, spacing: tuple[float, float, float]) -> Grid:
    """The same box of the patient with other spacing, in mm a voxel; its size is rounded to whole voxels.

    The outer faces of the first voxels stay where they are.
    """
    old = np.array(grid.spacing)
    shape = tuple(max(1, round(size * o / s)) for size, o, s in zip(grid.shape, old, spacing, strict=True))
    return with_shape(grid, shape)


def with_shape(grid: Grid, shape: tuple[int, int, int]) -> Grid:
    """The same box of the patient cut into `shape` voxels."""
    ratios = np.array(grid.shape) / np.array(shape)
    affine = grid.affine.copy()
    affine[:3, :3] = affine[:3, :3] * ratios
    # Faces, not centres, stay: the first centre moves by half of what a voxel grows.
    affine[:3, 3] = grid.affine[:3, 3] + grid.affine[:3, :3] @ ((ratios - 1) / 2)
    return Grid(shape, affine)


def resample(volume: Volume, grid: Grid, order: str = "linear", *, fill: float | None = None) -> Volume:
    """A volume on another grid.

    Args:
        order: `nearest` (labels), `linear` or `cubic`. Linear averages over what a larger voxel covers.
        fill: value outside the volume; its edge goes on where None.

    Returns:
        Of the volume's type, integers rounded.
    """
    if volume.grid.same_as(grid, 1e-6):
        return volume
    matrix = np.linalg.inv(volume.affine) @ grid.affine
    array = volume.array
    if array.dtype.kind != "f" and order != "nearest":
        array = array.astype(np.float32)
    if order == "linear":
        array = _average(array, np.linalg.norm(matrix[:3, :3], axis=1))
    mode, value = ("nearest", 0.0) if fill is None else ("constant", fill)
    options = {
        "output_shape": grid.shape,
        "order": _ORDERS[order],
        "mode": mode,
        "cval": value,
        "prefilter": order == "cubic",
    }
    off_axis = matrix[:3, :3] - np.diag(np.diag(matrix[:3, :3]))
    straight = np.abs(off_axis * np.array(grid.shape)).max() < _STRAIGHT
    step = np.diag(matrix[:3, :3]) if straight else matrix[:3, :3]
    channels = array[..., None] if array.ndim == 3 else array
    parts = [
        ndimage.affine_transform(np.ascontiguousarray(channels[..., c]), step, matrix[:3, 3], **options)
        for c in range(channels.shape[-1])
    ]
    found = parts[0] if array.ndim == 3 else np.stack(parts, axis=-1)
    return replace(volume, array=_as(found, volume.array.dtype), affine=grid.affine)


def _average(array: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Each voxel the mean of as many neighbours as a larger voxel covers, so that thin things do not fall through."""
    for axis, step in enumerate(steps):
        width = round(float(step))
        if width > 1:
            array = ndimage.uniform_filter1d(array, width | 1, axis=axis, mode="nearest")
    return array


def _as(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if array.dtype == dtype:
        return array
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        array = np.clip(np.rint(array), limits.min, limits.max)
    return array.astype(dtype)

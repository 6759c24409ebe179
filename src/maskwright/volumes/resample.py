"""Bringing volumes to another grid; always through the affines, never by shape."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from maskwright.errors import MaskwrightError
from maskwright.volumes.volume import Grid, Volume

_ORDERS = {"nearest": 0, "linear": 1, "cubic": 3}
_BYTES = 8  # of a voxel while it is resampled: what was and what is made, as floats
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


def memory_bytes() -> int:
    """Of this machine; 16 GiB where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 16 << 30


def require_fits(volume: Volume, grid: Grid, channels: int = 1) -> None:
    """Refuse to bring a volume to a grid that this machine cannot hold; see `require_voxels`."""
    require_voxels(volume.name, volume.grid.spacing, grid.shape, grid.spacing, channels)


def require_voxels(
    name: str, spacing: Sequence[float], shape: Sequence[int], wanted: Sequence[float], channels: int = 1
) -> None:
    """Refuse a scan that this machine could not hold at another spacing.

    Args:
        name: for messages. spacing: of the scan, mm. shape: what it would become at the spacing `wanted`.

    Raises:
        MaskwrightError: naming it, its spacing and what it would become.
    """
    needed = _BYTES * channels * math.prod(shape)
    if needed <= memory_bytes():
        return
    own, new = (" x ".join(f"{step:.4g}" for step in one) for one in (spacing, wanted))
    raise MaskwrightError(
        f"has voxels of {own} mm, and would become {' x '.join(map(str, shape))} voxels of {new} mm "
        f"({needed / 1e9:,.0f} GB; this machine has {memory_bytes() / 1e9:.0f})",
        where=name,
        fix="Correct the spacing in its header, or set a coarser data.spacing.",
    )


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

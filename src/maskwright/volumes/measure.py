"""What can be measured of the labels of a scan: volumes in ml, surfaces, extents, centroids, and HU inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from maskwright.volumes.boxes import bounding_box
from maskwright.volumes.volume import Volume

_QUANTILES = {"p5": 5, "median": 50, "p95": 95}


def measure(
    labels: Volume, image: Volume | None = None, names: Mapping[int, str] | None = None
) -> dict[int, dict[str, Any]]:
    """Measures of each label that occurs, by its number.

    Args:
        labels: `(D, H, W)` whole numbers. image: the scan, on the same voxels, for the statistics of its values.
        names: of the labels.

    Returns:
        For each label: `voxels`; `volume_ml`; `surface_mm2` (faces between label and not label, corrected for the
        staircase by 2/3, the mean over all directions of a flat surface); `extent_mm` (along left-right, back-front,
        foot-head, from voxel face to voxel face, of the box around it in the patient's frame); `centroid_mm` (RAS);
        `slices`, how many hold it; `components`; with an image `mean`, `std`, `min`, `max`, `p5`, `median`, `p95` of
        its values (HU in a CT); of a scan with channels `mean_1`, `mean_2`, … of each.
    """
    numbers, counts = np.unique(labels.array, return_counts=True)
    found: dict[int, dict[str, Any]] = {}
    for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        if number == 0:
            continue
        box = bounding_box(labels.array == number)
        inside = labels.array[box] == number
        facts: dict[str, Any] = {"name": names[number]} if names and number in names else {}
        facts |= {
            "voxels": count,
            "volume_ml": count * labels.grid.voxel_ml,
            "surface_mm2": surface(inside, labels.affine),
            "extent_mm": _extent(inside, box, labels.affine),
            "centroid_mm": _centroid(inside, box, labels.affine),
            "slices": int(inside.any(axis=(1, 2)).sum()),
            "components": _components(inside),
        }
        if image is not None:
            values = image.array[box][inside]
            for channel in range(values.shape[1] if values.ndim > 1 else 0):
                facts |= {f"{key}_{channel + 1}": one for key, one in statistics(values[:, channel]).items()}
            facts |= statistics(values) if values.ndim == 1 else {}
        found[number] = facts
    return found


def statistics(values: np.ndarray) -> dict[str, float]:
    """Mean, deviation, extremes and quantiles of some values."""
    values = values.astype(np.float64)
    quantiles = np.percentile(values, list(_QUANTILES.values()))
    return {
        "mean": float(values.mean()),
        "std": float(values.std()),
        "min": float(values.min()),
        "max": float(values.max()),
        **{name: float(value) for name, value in zip(_QUANTILES, quantiles, strict=True)},
    }


def surface(inside: np.ndarray, affine: np.ndarray) -> float:
    """Surface in mm² of a mask `(D, H, W)`; see `measure`."""
    padded = np.pad(inside, 1)
    total = 0.0
    for axis in range(3):
        faces = int((np.diff(padded.astype(np.int8), axis=axis) != 0).sum())
        one, other = (affine[:3, k] for k in range(3) if k != axis)
        total += faces * float(np.linalg.norm(np.cross(one, other)))
    return total * 2 / 3


def _centroid(inside: np.ndarray, box: tuple[slice, ...], affine: np.ndarray) -> list[float]:
    places = np.argwhere(inside).mean(axis=0) + [part.start for part in box]
    return [float(value) for value in (affine @ [*places, 1])[:3]]


def _extent(inside: np.ndarray, box: tuple[slice, ...], affine: np.ndarray) -> list[float]:
    # Only voxels on the outside can be outermost.
    places = np.argwhere(inside) + [part.start for part in box]
    centres = places @ affine[:3, :3].T
    half = np.abs(affine[:3, :3]).sum(axis=1)  # of a voxel, along x, y and z, twice
    return [float(value) for value in np.ptp(centres, axis=0) + half]


def _components(inside: np.ndarray) -> int:
    from scipy import ndimage

    return int(ndimage.label(inside, np.ones((3, 3, 3)))[1])

"""Made-up volumes of two organs that touch, in noise, with voxels that are longer from slice to slice.

Volumes are `(D, H, W)`, slices from the feet to the head. The same seed gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import ndimage

from maskwright.volumes.nifti import write_nifti
from maskwright.volumes.volume import SCREEN, Volume, affine_of

CLASSES = ("background", "left", "right")
SPACING = (3.0, 1.5, 1.5)  # mm between slices, rows and columns
_SHAPE = (24, 64, 72)


def make_organs(patient: int, seed: int) -> tuple[Volume, Volume]:
    """A volume, and its labels of `CLASSES`."""
    rng = np.random.default_rng((seed, patient))
    places = np.indices(_SHAPE) * np.array(SPACING)[:, None, None, None]
    middle = np.array(_SHAPE) * SPACING / 2 + rng.normal(0, 3, 3)
    values = np.full(_SHAPE, 40.0) + 10 * (rng.normal() + places[1] / places[1].max())
    label = np.zeros(_SHAPE, np.uint8)
    for number, side in ((1, -1.0), (2, 1.0)):
        size = np.array([22.0, 20.0, 15.0]) * rng.uniform(0.8, 1.2, 3)
        centre = middle + np.array([rng.normal(0, 3), rng.normal(0, 3), side * 14])
        bent = places[2] + 0.012 * (places[1] - centre[1]) ** 2 * side  # a bean, hollow towards the other
        offsets = (places[0] - centre[0], places[1] - centre[1], bent - centre[2])
        inside = sum((one / radius) ** 2 for one, radius in zip(offsets, size, strict=True)) < 1
        label[inside & (label == 0)] = number
        values[label == number] = 95 + 12 * side + rng.normal(0, 5)
    values = ndimage.gaussian_filter(values, (0.5, 0.8, 0.8)) + ndimage.gaussian_filter(rng.normal(0, 40, _SHAPE), 0.7)
    affine = affine_of(SCREEN, SPACING)
    return Volume(np.rint(values).astype(np.int16), affine), Volume(label, affine)


def write_organs(folder: Path, patients: int, seed: int, step: Callable[[], None] = lambda: None) -> None:
    """Write a data set: `scans/` and `labels/`, NIfTI."""
    for patient in range(1, patients + 1):
        for kind, volume in zip(("scans", "labels"), make_organs(patient, seed), strict=True):
            write_nifti(volume, folder / kind / f"VOLUME_{patient:02d}.nii.gz")
        step()

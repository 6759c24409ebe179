"""What a scan is here: an array, where each voxel lies in the patient, and where it came from.

An array is `(D, H, W)` or `(D, H, W, C)`. Its affine takes indices in that order, `(d, h, w, 1)`, to millimetres in the
patient's frame: x to the Right, y to the Anterior, z to the Superior (RAS+, as in NIfTI). Orientations are three
letters, one an axis, of the direction in which its index grows: `SPL` is slices from the feet to the head as they are
looked at on a screen, rows to the back, columns to the patient's left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.errors import MaskwrightError

Affine = np.ndarray
SCREEN = "SPL"  # how slices are shown and trained on
_LETTERS = (("L", "R"), ("P", "A"), ("I", "S"))  # negative and positive direction of x, y and z


@dataclass(frozen=True)
class Source:
    """Where a volume came from.

    Attributes:
        kind: `nifti`, `dicom`, `nrrd`, `mha` or `memory`. path: the file or folder.
        details: what a writer of the same kind needs (for DICOM: `instances`, the data sets without pixels in the order
            of the slices). notes: what was found and is worth saying, as a gantry tilt or a file that was there twice.
    """

    kind: str = "memory"
    path: Path | None = None
    details: dict[str, Any] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grid:
    """Where voxels lie: `shape` (D, H, W) and the affine."""

    shape: tuple[int, int, int]
    affine: Affine

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres from voxel to voxel along each axis."""
        return tuple(float(length) for length in np.linalg.norm(self.affine[:3, :3], axis=0))  # type: ignore[return-value]

    @property
    def voxel_ml(self) -> float:
        """Millilitres of a voxel, sheared ones too."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000

    @property
    def orientation(self) -> str:
        """The letters of the directions that the axes are nearest to."""
        return orientation(self.affine)

    def same_as(self, other: Grid, tolerance: float = 1e-3) -> bool:
        """Whether every voxel lies within `tolerance` mm of its counterpart."""
        return self.shape == other.shape and self.distance(other) <= tolerance

    def distance(self, other: Grid) -> float:
        """Largest distance in mm between corners of the same index, of two grids of one shape."""
        corners = np.array(np.meshgrid(*[(0, size - 1) for size in self.shape])).reshape(3, -1)
        corners = np.vstack([corners, np.ones(corners.shape[1])])
        return float(np.linalg.norm(((self.affine - other.affine) @ corners)[:3], axis=0).max())


@dataclass(frozen=True)
class Volume:
    """A scan or a label map: `array`, `affine`, `modality` (`CT`, `MR`, …, empty where unknown) and `source`."""

    array: np.ndarray
    affine: Affine
    modality: str = ""
    source: Source = field(default_factory=Source)

    @property
    def grid(self) -> Grid:
        """Where its voxels lie."""
        depth, height, width = self.array.shape[:3]
        return Grid((depth, height, width), self.affine)

    @property
    def name(self) -> str:
        """For messages: the file or folder."""
        return str(self.source.path) if self.source.path else "volume"

    def with_array(self, array: np.ndarray) -> Volume:
        """The same place with other values."""
        return replace(self, array=array)


def orientation(affine: Affine) -> str:
    """The direction that each axis is nearest to, no two the same; see the head of this file."""
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    letters = [""] * 3
    free_axes, free_worlds = set(range(3)), set(range(3))
    # The clearest pair first, so that an oblique axis gets what is left.
    for flat in np.argsort(-np.abs(directions), axis=None):
        world, axis = divmod(int(flat), 3)
        if axis in free_axes and world in free_worlds:
            letters[axis] = _LETTERS[world][int(directions[world, axis] > 0)]
            free_axes.discard(axis)
            free_worlds.discard(world)
    return "".join(letters)


def affine_of(directions: str, spacing: Sequence[float]) -> Affine:
    """The affine of axes that grow into the directions of three letters, from the origin on.

    Args:
        spacing: mm from voxel to voxel along each axis.
    """
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for axis, (letter, step) in enumerate(zip(directions, spacing, strict=True)):
        world, sign = next((world, pair.index(letter)) for world, pair in enumerate(_LETTERS) if letter in pair)
        affine[world, axis] = step if sign else -step
    return affine


def check_affine(affine: np.ndarray, where: object) -> Affine:
    """An affine that says where voxels lie.

    Raises:
        MaskwrightError: it is not finite, or its axes span no volume.
    """
    affine = np.asarray(affine, dtype=np.float64)
    columns = affine[:3, :3]
    lengths = np.linalg.norm(columns, axis=0) if np.isfinite(affine).all() else np.zeros(3)
    # Relative to the lengths: the volume of a unit cube would be 1, that of axes in one plane 0.
    if lengths.min() <= 0 or abs(np.linalg.det(columns / lengths)) < 1e-3:
        raise MaskwrightError(
            f"has an affine that spans no volume: {np.array2string(affine, precision=4, separator=', ')}",
            where=where,
            fix="Save it again with its geometry; without one nothing can be measured.",
        )
    return affine


def check_values(array: np.ndarray, where: object) -> np.ndarray:
    """Voxels that are numbers.

    Raises:
        MaskwrightError: there are none, or some are not finite.
    """
    if 0 in array.shape:
        raise MaskwrightError(f"holds no voxels (its size is {array.shape})", where=where, fix="Save it again.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        count = int((~np.isfinite(array)).sum())
        raise MaskwrightError(
            f"holds {count} voxels that are no numbers (NaN or infinity)",
            where=where,
            fix="Replace them, for example by the level of air.",
        )
    return array

"""Where the slices of a DICOM series lie (PS3.3 C.7.6.2): from their positions, never from their names or numbers.

DICOM's patient frame has x to the left and y to the back (LPS); ours has them the other way (RAS).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog

from maskwright.errors import MaskwrightError

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
_ORIENTATION_TOLERANCE = 1e-3  # of a direction cosine
_UNEVEN = 0.02  # of the distance between slices, how far one may lie beside its place in an even stack
_COARSEST = 0.1  # of the distance between slices: what is written more coarsely cannot be told from a gap
_SAME = 1e-4  # mm
_GAP = 1.5  # distances from which on a slice is missing
_DECIMALS = 6
_EVEN = (
    "Take a series of even distances. Or give --resample-slices to prepare, predict or measure: slices are then read "
    "at the smallest distance, interpolated between those that are there, so what lies between is an estimate."
)
_TILT_TOLERANCE = 0.5  # degrees; less is rounding
_TAGS = {
    "ImagePositionPatient": "(0020,0032)",
    "ImageOrientationPatient": "(0020,0037)",
    "PixelSpacing": "(0028,0030)",
}


@dataclass(frozen=True)
class Plane:
    """One slice: `position` of its first pixel's centre, `rows` and `columns` directions (LPS), `spacing` in mm.

    `rows` is the direction in which the row number grows.
    """

    position: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    spacing: tuple[float, float]  # between rows, between columns
    name: str

    @property
    def normal(self) -> np.ndarray:
        """Out of the slice, from foot to head for slices that lie as usual."""
        return np.cross(self.columns, self.rows)

    @property
    def height(self) -> float:
        """Where the slice lies along its normal, in mm."""
        return float(self.normal @ self.position)


def plane_of(header: Any, name: str) -> Plane:
    """The plane that a header (or the functional groups of a frame) describes.

    Raises:
        MaskwrightError: a tag is missing or no numbers; it is named.
    """
    position = _numbers(header, "ImagePositionPatient", 3, name)
    directions = _numbers(header, "ImageOrientationPatient", 6, name)
    spacing = _numbers(header, "PixelSpacing", 2, name)
    columns, rows = directions[:3], directions[3:]  # the first triple leads along a row: the column number grows
    if abs(np.linalg.norm(columns) - 1) > 0.01 or abs(np.linalg.norm(rows) - 1) > 0.01 or abs(columns @ rows) > 0.01:
        raise MaskwrightError(
            f"has directions that are no right angle: {directions.tolist()}",
            where=f"{name}, {_TAGS['ImageOrientationPatient']} ImageOrientationPatient",
            fix="Export the series again.",
        )
    if spacing.min() <= 0:
        raise MaskwrightError(
            f"is {spacing.tolist()} mm", where=f"{name}, {_TAGS['PixelSpacing']} PixelSpacing", fix="Export it again."
        )
    return Plane(position, rows, columns, (float(spacing[0]), float(spacing[1])), name)


def _numbers(header: Any, keyword: str, count: int, name: str) -> np.ndarray:
    try:
        values = np.array([float(value) for value in header.get(keyword)])
    except (TypeError, ValueError):
        values = np.zeros(0)
    if len(values) != count or not np.isfinite(values).all():
        raise MaskwrightError(
            f"is missing or has not {count} numbers, and without it nobody knows where the slice lies",
            where=f"{name}, {_TAGS[keyword]} {keyword}",
            fix="Export the series again with its geometry; nothing is guessed.",
        )
    return values


@dataclass(frozen=True)
class Stack:
    """Slices in their order.

    Attributes:
        order: numbers of the planes, from the lowest on. affine: from (d, h, w) to RAS mm. notes: what is worth saying.
        places: where slices of even distances lie among them, in numbers of `order`; None where they are even.
    """

    order: list[int]
    affine: np.ndarray
    notes: list[str]
    places: np.ndarray | None = None


def stack(planes: Sequence[Plane], where: object, *, resample: bool = False) -> Stack:
    """The order of slices, and where they lie.

    Args:
        resample: slices at uneven distances become slices at the smallest distance, instead of being refused.

    Raises:
        MaskwrightError: one slice only, other directions or spacing in some, two at one place, or a gap.
    """
    first = planes[0]
    _require_alike(planes, where)
    if len(planes) < 2:
        raise MaskwrightError(
            "is one slice, and how thick a voxel is cannot be told from one position",
            where=f"{where}, {_TAGS['ImagePositionPatient']} ImagePositionPatient",
            fix="Name a series of two slices or more; a single picture goes through its PNG or JPEG.",
        )
    heights = np.array([plane.height for plane in planes])
    order = [int(index) for index in np.argsort(heights, kind="stable")]
    steps = np.diff(heights[order])
    _require_own_places(planes, order, steps, where)
    usual = _usual(steps)
    wide = int((steps > _GAP * usual).sum())
    uneven = wide > 1 and wide * 4 >= len(steps)
    if uneven and not resample:
        raise MaskwrightError(
            f"the slices lie unevenly, {steps.min():.3f} to {steps.max():.3f} mm apart ({wide} of {len(steps)} "
            "distances are wider), and a volume has one distance",
            where=f"{where}, {_TAGS['ImagePositionPatient']} ImagePositionPatient",
            fix=_EVEN,
        )
    notes: list[str] = []
    for index, step in enumerate(steps):
        one, other = planes[order[index]].name, planes[order[index + 1]].name
        if step > _GAP * usual and not uneven:
            missing = max(1, round(step / usual) - 1)
            raise MaskwrightError(
                f"{missing} {'slices are' if missing > 1 else 'slice is'} missing between {one} and {other}: they are "
                f"{step:.3f} mm apart, the others {usual:.3f} mm",
                where=f"{where}, {_TAGS['ImagePositionPatient']} ImagePositionPatient",
                fix="Add what is missing; a gap is never filled.",
            )
    aside = _beside(planes, order, heights[order])
    places = None
    if uneven or aside is not None:
        if aside is not None and not resample:
            raise MaskwrightError(
                f"the slices lie {steps.min():.3f} to {steps.max():.3f} mm apart; in an even stack "
                f"{planes[order[aside[1]]].name} would lie {aside[0]:.3f} mm beside its place or more",
                where=f"{where}, {_TAGS['ImagePositionPatient']} ImagePositionPatient",
                fix=_EVEN,
            )
        places = _even_places(heights[order])
        notes.append(
            f"slices {steps.min():.3f} to {steps.max():.3f} mm apart were brought to {len(places)} slices "
            f"{(heights.max() - heights.min()) / (len(places) - 1):.3f} mm apart, linearly between neighbours: volumes "
            "are those of this estimate"
        )
    count = len(planes) if places is None else len(places)
    low, high = planes[order[0]], planes[order[-1]]
    through = (high.position - low.position) / (count - 1)
    angle = np.degrees(np.arccos(np.clip(through @ first.normal / np.linalg.norm(through), -1, 1)))
    if angle > _TILT_TOLERANCE:
        notes.append(f"gantry tilt of {angle:.1f} degrees: the slices are sheared, and the affine with them")
    affine = np.eye(4)
    affine[:3, 0] = _LPS_TO_RAS @ through
    affine[:3, 1] = _LPS_TO_RAS @ first.rows * first.spacing[0]
    affine[:3, 2] = _LPS_TO_RAS @ first.columns * first.spacing[1]
    affine[:3, 3] = _LPS_TO_RAS @ low.position
    return Stack(order, affine, notes, places)


def _require_own_places(planes: Sequence[Plane], order: Sequence[int], steps: np.ndarray, where: object) -> None:
    """Refuse two slices at one place, which is no matter of distances."""
    apart = steps[steps > _SAME]
    same = np.flatnonzero(steps <= _UNEVEN * (_usual(apart) if len(apart) else 1.0))
    if not len(same):
        return
    one, other = planes[order[same[0]]].name, planes[order[same[0] + 1]].name
    more = f" (and {len(same) - 1} more such pairs)" if len(same) > 1 else ""
    raise MaskwrightError(
        f"{one} and {other} lie at the same place, and are not the same image{more}",
        where=f"{where}, {_TAGS['ImagePositionPatient']} ImagePositionPatient",
        fix="Keep one phase, one echo or one version in the folder.",
    )


def _even_places(heights: np.ndarray) -> np.ndarray:
    """Where slices at the smallest distance lie among sorted ones, in numbers of these; both ends stay."""
    count = max(2, round(float(heights[-1] - heights[0]) / float(np.diff(heights).min())) + 1)
    return np.interp(np.linspace(heights[0], heights[-1], count), heights, np.arange(len(heights)))


def _beside(planes: Sequence[Plane], order: Sequence[int], heights: np.ndarray) -> tuple[float, int] | None:
    """How far the worst slice lies beside an even stack, and which one; None where rounding explains it.

    Positions are written with few decimals: an even stack is one that they are the rounded places of.
    """
    aside, nearest = _beside_even(heights)
    usual = _usual(np.diff(heights))
    written = max(_decimals(float(value)) for plane in planes for value in plane.position)
    rounding = 0.5 * 10.0**-written * float(np.abs(planes[0].normal).sum())
    within = max(_UNEVEN * usual, min(rounding, _COARSEST * usual)) * (1 + 1e-6)
    return (aside, nearest) if aside > within else None


def _usual(steps: np.ndarray) -> float:
    """The median distance, the smaller of two in the middle: of distances 1 and 2 mm the second is the gap."""
    return float(np.sort(steps)[(len(steps) - 1) // 2])


def _beside_even(heights: np.ndarray) -> tuple[float, int]:
    """How far, in mm, the worst slice lies beside the even stack that fits best (Chebyshev's line), and which one."""
    numbers = np.arange(len(heights))
    ones = np.ones(len(heights))
    # The unknowns: start, distance, and the largest deviation, which is made small.
    above, below = np.stack([-ones, -numbers, -ones], 1), np.stack([ones, numbers, -ones], 1)
    found = linprog(
        [0, 0, 1],
        A_ub=np.concatenate([above, below]),
        b_ub=np.concatenate([-heights, heights]),
        bounds=[(None, None), (0, None), (0, None)],
    )
    if found.x is None:  # numbers so far apart that no line is near them
        return float("inf"), 0
    start, distance, aside = found.x
    return float(aside), int(np.abs(heights - start - distance * numbers).argmax())


def _decimals(value: float) -> int:
    return len(f"{value:.{_DECIMALS}f}".rstrip("0").partition(".")[2])


def _require_alike(planes: Sequence[Plane], where: object) -> None:
    first = planes[0]
    for plane in planes[1:]:
        apart = max(np.abs(plane.rows - first.rows).max(), np.abs(plane.columns - first.columns).max())
        if apart > _ORIENTATION_TOLERANCE:
            raise MaskwrightError(
                f"{plane.name} is turned against {first.name}: mixed orientations (a localizer among the slices?)",
                where=f"{where}, {_TAGS['ImageOrientationPatient']} ImageOrientationPatient",
                fix="Keep slices of one direction in the folder.",
            )
        if not np.allclose(plane.spacing, first.spacing, rtol=1e-4):
            raise MaskwrightError(
                f"{plane.name} has pixels of {plane.spacing} mm, {first.name} of {first.spacing} mm",
                where=f"{where}, {_TAGS['PixelSpacing']} PixelSpacing",
                fix="Keep slices of one reconstruction in the folder.",
            )

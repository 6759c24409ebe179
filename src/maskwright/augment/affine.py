"""Flips, turns, rotation, scaling, cropping and shear: transforms that keep straight lines straight.

Angles are in degrees, counter-clockwise as one sees the picture. In a volume `(D, H, W)` each acts in the plane of the
slices, and what its name says acts along the slices too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from maskwright.augment.base import Drawn, Frame, kind
from maskwright.augment.grid import LARGEST_STEP, Grid
from maskwright.config.schema import AugmentationSection

_Plane = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Affine:
    """source = matrix · place + offset, in px from the centre, axes in the order of the array."""

    matrix: tuple[tuple[float, ...], ...]
    offset: tuple[float, ...]

    def steps(self, ndim: int) -> tuple[int, ...]:
        """Linear, so that the widest lattice shows it."""
        return (LARGEST_STEP,) * ndim

    def move(self, places: np.ndarray, grid: Grid) -> np.ndarray:
        """Where the `places` come from."""
        matrix = np.array(self.matrix, np.float32)
        moved = (matrix @ places.reshape(len(places), -1)).reshape(places.shape)
        return moved + np.array(self.offset, np.float32).reshape(-1, *[1] * (places.ndim - 1))


def affine(matrix: Iterable[Iterable[float]], offset: Iterable[float] | None = None) -> Affine:
    """From any numbers to the plain ones that are recorded."""
    rows = tuple(tuple(map(float, row)) for row in matrix)
    return Affine(rows, tuple(map(float, offset)) if offset is not None else (0.0,) * len(rows))


def diagonal(values: Sequence[float]) -> list[list[float]]:
    """A matrix as lists: small ones are made faster than as arrays."""
    return [[value if row == column else 0.0 for column in range(len(values))] for row, value in enumerate(values)]


def chain(transforms: Sequence[Affine]) -> Affine:
    """One transform for several, the first of which is applied to the picture first."""
    ndim = len(transforms[0].offset)
    matrix, offset = np.eye(ndim), np.zeros(ndim)
    for transform in transforms:
        # Places go backwards: the last transform of the picture is the first that asks where a place comes from.
        offset = matrix @ np.array(transform.offset) + offset
        matrix = matrix @ np.array(transform.matrix)
    return affine(matrix, offset)


def in_plane(plane: _Plane, ndim: int, axes: tuple[int, int] = (-2, -1)) -> Affine:
    """A 2x2 matrix of two axes: (y, x) for pictures and for the slices of a volume."""
    matrix = diagonal([1.0] * ndim)
    for row, numbers in zip(axes, plane, strict=True):
        for column, number in zip(axes, numbers, strict=True):
            matrix[row][column] = number
    return affine(matrix)


def mirror(ndim: int, *axes: int) -> Affine:
    """Mirror along axes (-1 is left and right, -2 top and bottom, -3 first and last slice)."""
    return affine(diagonal([-1.0 if axis - ndim in axes else 1.0 for axis in range(ndim)]))


def rotate(angle: float, spacing: Sequence[float], axes: tuple[int, int] = (-2, -1)) -> Affine:
    """Rotate about the centre in the plane of two axes; right in mm where their spacings differ."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    ratio = spacing[axes[1]] / spacing[axes[0]]
    return in_plane(((cos, sin * ratio), (-sin / ratio, cos)), len(spacing), axes)


def scale(ratio: float, ndim: int) -> Affine:
    """Enlarge (over 1) or shrink (below 1) about the centre, along every axis."""
    return affine(diagonal([1 / ratio] * ndim))


def shear(factor: float, ndim: int) -> Affine:
    """Vertical shear: y grows by `factor` times the distance from the middle column."""
    return in_plane(((1.0, -factor), (0.0, 1.0)), ndim)


def crop(share: float, where: Sequence[float], shape: Sequence[int]) -> Affine:
    """A part of `share` of each side, enlarged to the whole; `where`, -1 to 1 an axis, says which (0 the middle)."""
    offset = [place * (1 - share) / 2 * size for place, size in zip(where, shape, strict=True)]
    return affine(diagonal([share] * len(shape)), offset)


@kind("hflip", listed=True)
def hflip(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """Left and right."""
    return [Drawn("hfliped_", (mirror(len(frame.shape), -1),))] if options.hflip else []


@kind("vflip", listed=True)
def vflip(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """Top and bottom."""
    return [Drawn("vfliped_", (mirror(len(frame.shape), -2),))] if options.vflip else []


@kind("dflip")
def dflip(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """First and last slice."""
    return [Drawn("", (mirror(3, -3),))] if options.dflip and len(frame.shape) == 3 else []


@kind("quarter_turns")
def quarter_turns(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """By 90, 180 or 270 degrees; only by 180 where height and width differ."""
    if not options.quarter_turns:
        return []
    turns = (1, 2, 3) if frame.shape[-1] == frame.shape[-2] else (2,)
    planes: dict[int, _Plane] = {1: ((0, 1), (-1, 0)), 2: ((-1, 0), (0, -1)), 3: ((0, -1), (1, 0))}
    return [Drawn("", (in_plane(planes[turn], len(frame.shape)),)) for turn in turns]


@kind("rotation", listed=True)
def rotation(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """By one of the angles, or by any of the range."""
    if not options.rotation:
        return []
    angles = options.angles
    if options.mode == "random" and not angles and any(options.angle_range):
        angles = [float(rng.uniform(*options.angle_range))]
    return [Drawn(f"rotated_{angle:g}_", (rotate(angle, frame.spacing),)) for angle in angles]


@kind("tilt")
def tilt(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """Rotation of a volume about the two axes in the plane of its slices."""
    if len(frame.shape) != 3 or not any(options.tilt_range):
        return []
    first, second = (float(rng.uniform(*options.tilt_range)) for _ in range(2))
    return [Drawn("", (rotate(first, frame.spacing, (-3, -2)), rotate(second, frame.spacing, (-3, -1))))]


@kind("shrink", listed=True)
def shrink(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """By one of the ratios."""
    ndim = len(frame.shape)
    return [Drawn(f"shrinked_{f'{r:g}'.replace('.', '_')}_", (scale(r, ndim),)) for r in options.shrinks]


@kind("scaling")
def scaling(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """By any ratio of the range; enlarging and shrinking by the same factor are as probable."""
    low, high = options.scale_range
    if low == high == 1:
        return []
    return [Drawn("", (scale(math.exp(rng.uniform(math.log(low), math.log(high))), len(frame.shape)),))]


@kind("crop")
def cropping(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """A part of the picture, anywhere in it, enlarged to the whole."""
    low, high = options.crop_range
    if low == high == 1:
        return []
    where = rng.uniform(-1, 1, len(frame.shape))
    return [Drawn("", (crop(float(rng.uniform(low, high)), where.tolist(), frame.shape),))]


@kind("shear", listed=True)
def shearing(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """The sheared picture and, in `enumerate`, its mirror images, as the reference makes them."""
    ndim = len(frame.shape)
    found = []
    for factor in options.shears:
        sheared = shear(factor, ndim)
        found.append(Drawn(f"sheared_{factor:g}_", (sheared,)))
        if options.mode == "enumerate":
            for name, axes in (("h", (-1,)), ("v", (-2,)), ("hv", (-2, -1))):
                if (-1 in axes) <= options.hflip and (-2 in axes) <= options.vflip:
                    found.append(Drawn(f"{name}flipped_sheared_{factor:g}_", (sheared, mirror(ndim, *axes))))
    return found

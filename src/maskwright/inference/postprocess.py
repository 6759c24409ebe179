"""Cleaning of masks: each step by itself, for pictures and volumes alike, class by class in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import ndimage

from maskwright.config.schema import PostprocessSection
from maskwright.errors import MaskwrightError, choices
from maskwright.labels.regions import Regions, inside, painted

if TYPE_CHECKING:
    from maskwright.models.metadata import Metadata


@dataclass(frozen=True)
class Cleaning:
    """What is done to each class after the background, or to each region, in their order."""

    steps: tuple[Steps, ...]
    regions: Regions = ()

    def __call__(self, label: np.ndarray, spacing: Sequence[float] | None = None) -> np.ndarray:
        """Class numbers `(H, W)` or `(D, H, W)` after the steps.

        Args:
            spacing: mm a voxel along each axis; without it sizes in ml and mm count pixels.
        """
        if not any(self.steps):
            return label
        found = np.zeros_like(label)
        if self.regions:
            for region, number, steps in zip(self.regions, painted(self.regions), self.steps, strict=True):
                found[steps.apply(inside(label, region), spacing)] = number
            return found
        for number, steps in enumerate(self.steps, start=1):
            kept_ = steps.apply(label == number, spacing)
            # What smoothing or filling would take from another class stays with it.
            found[kept_ & ((label == 0) | (label == number))] = number
        return found


class Steps(NamedTuple):
    """Cleaning of one class; smooth in mm or px, smallest in ml or px."""

    smooth: float = 0.0
    fill_holes: bool = False
    largest: bool = False
    smallest: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.smooth or self.fill_holes or self.largest or self.smallest)

    def apply(self, mask: np.ndarray, spacing: Sequence[float] | None = None) -> np.ndarray:
        """A mask after the steps."""
        if not self or not mask.any():
            return mask
        voxel = float(np.prod(spacing)) / 1000 if spacing is not None else 1.0
        if self.smooth:
            mask = smoothed(mask, self.smooth, spacing)
        if self.fill_holes:
            mask = filled(mask)
        if self.largest or self.smallest:
            mask = kept(mask, largest=self.largest, smallest=self.smallest / voxel)
        return mask


def cleaning(metadata: Metadata, options: PostprocessSection) -> Cleaning:
    """How a model's masks are cleaned.

    Raises:
        MaskwrightError: a step names a class that there is not.
    """
    names = metadata.class_names[1:]
    return Cleaning(steps_of(options, names), metadata.label_rule.regions)


def steps_of(options: PostprocessSection, names: Sequence[str]) -> tuple[Steps, ...]:
    """The steps of each class: those that are for all, and those that name it."""
    for step in Steps._fields:
        value = getattr(options, step)
        for name in value if isinstance(value, list | dict) else ():
            if name not in names:
                raise MaskwrightError(
                    f"there is no class {name!r}", where=f"[predict.postprocess] {step}", fix=choices(name, list(names))
                )

    def of(value: Any, name: str) -> Any:
        if isinstance(value, list):
            return name in value
        return value.get(name, 0.0) if isinstance(value, dict) else value

    return tuple(Steps(*(of(getattr(options, step), name) for step in Steps._fields)) for name in names)


def kept(inside: np.ndarray, *, largest: bool, smallest: float) -> np.ndarray:
    """The connected parts (neighbours at edges and corners too) of at least `smallest` pixels, or the largest alone."""
    parts, count = ndimage.label(inside, np.ones((3,) * inside.ndim))
    if count == 0:
        return inside
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    good = sizes >= smallest
    if largest:
        good &= np.arange(count + 1) == sizes.argmax()
    good[0] = False
    return np.asarray(good[parts])


def filled(inside: np.ndarray) -> np.ndarray:
    """Without holes: in a volume, what no slice lets out."""
    if inside.ndim == 2:
        return np.asarray(ndimage.binary_fill_holes(inside))
    return np.stack([ndimage.binary_fill_holes(plane) for plane in inside])


def smoothed(inside: np.ndarray, radius: float, spacing: Sequence[float] | None) -> np.ndarray:
    """Outlines after a Gaussian of deviation `radius` (mm, or px without spacing) and a threshold at half.

    A part that would vanish altogether stays as it is.
    """
    sigma = [radius / step for step in spacing] if spacing is not None else radius
    found = ndimage.gaussian_filter(inside.astype(np.float32), sigma) > 0.5
    return found if found.any() else inside

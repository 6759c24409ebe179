"""Cleaning of masks: each step by itself, for pictures and volumes alike, class by class in their order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from maskwright.config.schema import PostprocessSection


def clean(label: np.ndarray, options: PostprocessSection, spacing: Sequence[float] | None = None) -> np.ndarray:
    """Class numbers `(H, W)` or `(D, H, W)` after the steps that `options` asks for.

    Args:
        spacing: mm a voxel along each axis; without it sizes in ml and mm count pixels.
    """
    if not wanted(options):
        return label
    found = np.zeros_like(label)
    voxel = float(np.prod(spacing)) / 1000 if spacing is not None else 1.0
    for number in range(1, int(label.max(initial=0)) + 1):
        inside = label == number
        if not inside.any():
            continue
        if options.smooth:
            inside = smoothed(inside, options.smooth, spacing)
        if options.fill_holes:
            inside = filled(inside)
        if options.largest or options.smallest:
            inside = kept(inside, largest=options.largest, smallest=options.smallest / voxel)
        # What smoothing or filling would take from another class stays with it.
        found[inside & ((label == 0) | (label == number))] = number
    return found


def wanted(options: PostprocessSection) -> bool:
    """Whether anything is to be done."""
    return bool(options.largest or options.smallest or options.fill_holes or options.smooth)


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

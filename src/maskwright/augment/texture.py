"""Sharpening, blur, noise, low resolution and cutout: transforms that change what neighbouring pixels look like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from maskwright.augment.base import Drawn, Frame, kind
from maskwright.augment.grid import smooth
from maskwright.config.schema import AugmentationSection
from maskwright.data.filters import resize, sharpened


def slicewise(work: Callable[[np.ndarray], np.ndarray], image: np.ndarray) -> np.ndarray:
    """Do the same to a picture `(H, W, C)`, or to each slice of a volume `(D, H, W, C)`."""
    if image.ndim == 3:
        return work(image)
    return np.stack([work(one) for one in image])


@dataclass(frozen=True)
class Sharpen:
    """A 3x3 kernel of 1+8k amid -k."""

    k: float

    def change(self, image: np.ndarray) -> np.ndarray:
        """The sharpened image, same shape and type."""
        return slicewise(lambda one: sharpened(one, self.k), image)


@dataclass(frozen=True)
class Blur:
    """A Gaussian of `sigma` px; along the slices of a volume as wide in mm."""

    sigma: float
    aspect: tuple[float, ...]

    def change(self, image: np.ndarray) -> np.ndarray:
        """The blurred image, same shape and type."""
        return smooth(image, tuple(self.sigma / one for one in self.aspect), cv2.BORDER_REFLECT_101)


@dataclass(frozen=True)
class Noise:
    """Gaussian noise; its deviation is a `share` of the image's range of levels."""

    share: float
    seed: int

    def change(self, image: np.ndarray) -> np.ndarray:
        """The noisy image, same shape and type, saturated."""
        noise = np.random.default_rng(self.seed).standard_normal(image.shape, dtype=np.float32)
        noise *= np.float32(self.share * (float(image.max()) - float(image.min())))
        noise += image
        if image.dtype.kind == "f":
            return noise.astype(image.dtype)
        limits = np.iinfo(image.dtype)
        return np.clip(np.rint(noise, out=noise), limits.min, limits.max, out=noise).astype(image.dtype)


@dataclass(frozen=True)
class LowResolution:
    """As if the slices had been taken with fewer pixels: shrunk by `ratio` (averaging), then enlarged again."""

    ratio: float

    def change(self, image: np.ndarray) -> np.ndarray:
        """The coarse image, same shape and type."""
        height, width = image.shape[-3:-1]
        small = max(1, round(height * self.ratio)), max(1, round(width * self.ratio))
        return slicewise(lambda one: resize(resize(one, *small, "area"), height, width, "linear"), image)


@dataclass(frozen=True)
class Cutout:
    """Boxes that the network does not see: filled with the image's mean level; the label stays whole.

    Attributes:
        boxes: start and size of each along each axis, in px.
    """

    boxes: tuple[tuple[tuple[int, int], ...], ...]

    def change(self, image: np.ndarray) -> np.ndarray:
        """The image with boxes, same shape and type."""
        mean = image.mean(axis=tuple(range(image.ndim - 1)))
        changed = image.copy()
        for box in self.boxes:
            where = tuple(slice(start, start + size) for start, size in box)
            changed[where] = mean if image.dtype.kind == "f" else np.rint(mean)
        return changed


@kind("sharpening", listed=True, levels=True)
def sharpening(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """The reference's, with a fixed number."""
    k = options.sharpening_k
    return [Drawn(f"sharpened_{k:g}_", intensity=(Sharpen(k),))] if options.sharpening else []


@kind("blur", levels=True)
def blur(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """By any deviation of the range."""
    if not any(options.blur_range):
        return []
    return [Drawn(intensity=(Blur(float(rng.uniform(*options.blur_range)), frame.aspect),))]


@kind("noise", levels=True)
def noise(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """By any deviation of the range."""
    if not any(options.noise_range):
        return []
    return [Drawn(intensity=(Noise(float(rng.uniform(*options.noise_range)), int(rng.integers(2**31))),))]


@kind("low_resolution", levels=True)
def low_resolution(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """By any ratio of the range."""
    low, high = options.low_resolution_range
    return [] if low == high == 1 else [Drawn(intensity=(LowResolution(float(rng.uniform(low, high))),))]


@kind("cutout", levels=True)
def cutout(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """Some boxes of any size of the range, anywhere."""
    if not options.cutout_count:
        return []
    boxes = []
    for _ in range(options.cutout_count):
        sizes = [max(1, round(float(rng.uniform(*options.cutout_range)) * size)) for size in frame.shape]
        starts = [int(rng.integers(whole - size + 1)) for whole, size in zip(frame.shape, sizes, strict=True)]
        boxes.append(tuple(zip(starts, sizes, strict=True)))
    return [Drawn(intensity=(Cutout(tuple(boxes)),))]

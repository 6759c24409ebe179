"""Curves of levels: brightening, brightness, contrast, gamma and intensity windows.

A curve maps each level to another one, whatever its place; 8 and 16-bit pictures go through a table of all levels.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import cv2
import numpy as np

from maskwright.augment.base import Drawn, Frame, kind
from maskwright.config.schema import AugmentationSection


class Curve(ABC):
    """What all curves have in common."""

    def change(self, image: np.ndarray) -> np.ndarray:
        """The changed image, same shape and type; integers are rounded and saturated."""
        low, high = float(image.min()), float(image.max())
        mean = float(cv2.mean(image.reshape(-1, 1))[0]) if image.dtype == np.uint8 else float(image.mean())
        if image.dtype not in (np.uint8, np.uint16):
            return self.curve(image.astype(np.float32), low, high, mean).astype(image.dtype)
        top = np.iinfo(image.dtype).max
        levels = self.curve(np.arange(top + 1, dtype=np.float32), low, high, mean)
        table = np.clip(np.rint(levels), 0, top).astype(image.dtype)
        return cv2.LUT(image, table).reshape(image.shape) if image.dtype == np.uint8 else table[image]

    @abstractmethod
    def curve(self, levels: np.ndarray, low: float, high: float, mean: float) -> np.ndarray:
        """What the float32 `levels` become in an image whose levels go from `low` to `high`, `mean` on average."""


@dataclass(frozen=True)
class Brighten:
    """Level v becomes alpha · v + beta; `beta` counts in 8-bit levels whatever the image's depth."""

    alpha: float
    beta: float

    def change(self, image: np.ndarray) -> np.ndarray:
        """The brightened image; 255 levels are the whole range of an integer type, and what a float image holds."""
        span = float(np.iinfo(image.dtype).max) if image.dtype.kind == "u" else float(np.ptp(image))
        return _Line(self.alpha, self.beta / 255 * span).change(image)


@dataclass(frozen=True)
class _Line(Curve):
    factor: float
    offset: float

    def curve(self, levels: np.ndarray, low: float, high: float, mean: float) -> np.ndarray:
        return levels * np.float32(self.factor) + np.float32(self.offset)


@dataclass(frozen=True)
class Brightness(Curve):
    """All levels move up (or down) by a share of the image's range."""

    share: float

    def curve(self, levels: np.ndarray, low: float, high: float, mean: float) -> np.ndarray:
        """Move."""
        return levels + np.float32(self.share * (high - low))


@dataclass(frozen=True)
class Contrast(Curve):
    """Distances from the mean level grow by `factor`; nothing leaves the image's range (as in nnU-Net)."""

    factor: float

    def curve(self, levels: np.ndarray, low: float, high: float, mean: float) -> np.ndarray:
        """Stretch about the mean."""
        return np.clip((levels - np.float32(mean)) * np.float32(self.factor) + np.float32(mean), low, high)


@dataclass(frozen=True)
class Gamma(Curve):
    """Levels bent by an exponent within the image's range: over 1 is darker; `inverted` bends from the bright end."""

    exponent: float
    inverted: bool = False

    def curve(self, levels: np.ndarray, low: float, high: float, mean: float) -> np.ndarray:
        """Bend."""
        span = max(high - low, 1e-12)
        share = np.clip((levels - np.float32(low)) / np.float32(span), 0, 1)
        bent = 1 - (1 - share) ** self.exponent if self.inverted else share**self.exponent
        return bent * np.float32(span) + np.float32(low)


@dataclass(frozen=True)
class Window(Curve):
    """An intensity window: a part of the image's range, spread over the whole of it; what lies outside saturates.

    Attributes:
        low, high: its ends, as shares of the range from the smallest to the largest level.
    """

    low: float
    high: float

    def curve(self, levels: np.ndarray, low: float, high: float, mean: float) -> np.ndarray:
        """Spread."""
        span = high - low
        start, width = low + self.low * span, max((self.high - self.low) * span, 1e-12)
        return np.clip((levels - np.float32(start)) / np.float32(width), 0, 1) * np.float32(span) + np.float32(low)


@kind("brightening", listed=True, levels=True)
def brightening(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """The reference's, with fixed numbers."""
    if not options.brightening:
        return []
    alpha, beta = options.brightening_alpha, options.brightening_beta
    return [Drawn(f"brightened_{alpha:g}_{beta:g}_", intensity=(Brighten(alpha, beta),))]


@kind("window", levels=True)
def window(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """A width of the range, at any place that keeps it within the image's levels."""
    low, high = options.window_range
    if low == high == 1:
        return []
    width = float(rng.uniform(low, high))
    start = float(rng.uniform(0, 1 - width))
    return [Drawn(intensity=(Window(start, start + width),))]


@kind("brightness", levels=True)
def brightness(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """By any share of the range."""
    if not any(options.brightness_range):
        return []
    return [Drawn(intensity=(Brightness(float(rng.uniform(*options.brightness_range))),))]


@kind("contrast", levels=True)
def contrast(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """By any factor of the range."""
    low, high = options.contrast_range
    return [] if low == high == 1 else [Drawn(intensity=(Contrast(float(rng.uniform(low, high))),))]


@kind("gamma", levels=True)
def gamma(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """By any exponent of the range; from the dark end or, as often, from the bright one."""
    low, high = options.gamma_range
    if low == high == 1:
        return []
    exponent = math.exp(rng.uniform(math.log(low), math.log(high)))
    return [Drawn(intensity=(Gamma(exponent, bool(rng.random() < 0.5)),))]

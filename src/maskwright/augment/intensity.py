"""Transforms that change levels and leave pixels where they are; labels never pass through here."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Sharpen:
    """A 3x3 kernel of 1+8k amid -k."""

    k: float

    def change(self, image: np.ndarray) -> np.ndarray:
        """The sharpened image, same shape and type."""
        kernel = np.full((3, 3), -self.k)
        kernel[1, 1] = 1 + 8 * self.k
        return cv2.filter2D(image, -1, kernel).reshape(image.shape)


@dataclass(frozen=True)
class Brighten:
    """Level v becomes alpha · v + beta; `beta` counts in 8-bit levels whatever the image's depth."""

    alpha: float
    beta: float

    def change(self, image: np.ndarray) -> np.ndarray:
        """The brightened image, same shape and type, saturated."""
        if image.dtype == np.uint8:
            return np.clip(np.rint(image * self.alpha + self.beta), 0, 255).astype(np.uint8)
        if image.dtype == np.uint16:
            return np.clip(np.rint(image * self.alpha + self.beta * 257), 0, 65535).astype(np.uint16)
        span = float(np.ptp(image))
        return (image * self.alpha + self.beta / 255 * span).astype(image.dtype)


Change = Sharpen | Brighten

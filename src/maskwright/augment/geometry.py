"""Transforms that move pixels: each is drawn as a few numbers, all are summed into one map, and sampled once.

A map says for each pixel of the result where in the source it comes from: two `(H, W)` float32 arrays, x and y in px.
Angles are in degrees, counter-clockwise as one sees the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

Map = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Affine:
    """A linear transform: source = matrix · (x, y, 1), a 2x3 matrix in px."""

    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]

    def move(self, x: np.ndarray, y: np.ndarray) -> Map:
        """Where the pixels at (x, y) come from."""
        (a, b, c), (d, e, f) = self.matrix
        return a * x + b * y + np.float32(c), d * x + e * y + np.float32(f)


@dataclass(frozen=True)
class Elastic:
    """Elastic deformation after Simard et al. 2003, as the reference applies it to images.

    Noise of -1…1 is smoothed by a Gaussian of `sigma` px over height, width and three colour channels, then multiplied
    by `alpha`. The displacement of each axis has a root mean square of about 0.1125 · alpha / sigma² px.
    """

    alpha: float
    sigma: float
    seed: int

    def move(self, x: np.ndarray, y: np.ndarray) -> Map:
        """Where the pixels at (x, y) come from."""
        rng = np.random.default_rng(self.seed)
        dx, dy = (self._field(rng, x.shape) for _ in range(2))
        return x + dx, y + dy

    def _field(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        noise = rng.random(shape, dtype=np.float32) * 2 - 1
        smooth = cv2.GaussianBlur(noise, (0, 0), self.sigma, borderType=cv2.BORDER_CONSTANT)
        return smooth * np.float32(self.alpha * channel_factor(self.sigma))


def channel_factor(sigma: float) -> float:
    """What smoothing over three channels of independent noise does to its deviation at the middle channel."""
    reach = max(1, int(4 * sigma + 0.5))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    return float(np.sqrt((weights[reach - 1 : reach + 2] ** 2).sum()))


@dataclass(frozen=True)
class Distortion:
    """Displacement along the slope of smoothed noise, `amount` times the larger side at its largest."""

    amount: float
    sigma: float
    seed: int

    def move(self, x: np.ndarray, y: np.ndarray) -> Map:
        """Where the pixels at (x, y) come from."""
        noise = np.random.default_rng(self.seed).standard_normal(x.shape).astype(np.float32)
        smooth = cv2.GaussianBlur(noise, (0, 0), self.sigma)
        largest = self.amount * max(x.shape)
        dx, dy = (np.gradient(smooth, axis=axis) for axis in (1, 0))
        return x + _scaled(dx, largest), y + _scaled(dy, largest)


def _scaled(field: np.ndarray, largest: float) -> np.ndarray:
    return field * np.float32(largest / max(float(np.abs(field).max()), 1e-12))


@dataclass(frozen=True)
class Bulge:
    """Barrel (`amount` over 0) or pincushion (below 0) distortion inside `radius` px around (`cx`, `cy`)."""

    cx: float
    cy: float
    radius: float
    amount: float

    def move(self, x: np.ndarray, y: np.ndarray) -> Map:
        """Where the pixels at (x, y) come from."""
        dx, dy = x - np.float32(self.cx), y - np.float32(self.cy)
        distance = np.sqrt(dx * dx + dy * dy)
        inside = (distance < self.radius) & (distance > 0)
        factor = np.ones_like(distance)
        factor[inside] = np.sin(math.pi * distance[inside] / (2 * self.radius)) ** self.amount
        return self.cx + factor * dx, self.cy + factor * dy


Transform = Affine | Elastic | Distortion | Bulge


def flip(height: int, width: int, *, horizontal: bool = False, vertical: bool = False) -> Affine:
    """Mirror left and right, top and bottom, or both."""
    x = (-1.0, 0.0, width - 1.0) if horizontal else (1.0, 0.0, 0.0)
    y = (0.0, -1.0, height - 1.0) if vertical else (0.0, 1.0, 0.0)
    return Affine((x, y))


def rotate(height: int, width: int, angle: float) -> Affine:
    """Rotate about the centre, counter-clockwise."""
    turn = math.radians(angle)
    cos, sin = math.cos(turn), math.sin(turn)
    cx, cy = (width - 1) / 2, (height - 1) / 2
    return Affine(((cos, -sin, cx - cos * cx + sin * cy), (sin, cos, cy - sin * cx - cos * cy)))


def scale(height: int, width: int, ratio: float) -> Affine:
    """Enlarge (over 1) or shrink (below 1) about the centre."""
    cx, cy, inverse = (width - 1) / 2, (height - 1) / 2, 1 / ratio
    return Affine(((inverse, 0.0, cx * (1 - inverse)), (0.0, inverse, cy * (1 - inverse))))


def shear(height: int, width: int, factor: float) -> Affine:
    """Vertical shear: y grows by `factor` times the distance from the middle column."""
    return Affine(((1.0, 0.0, 0.0), (-factor, 1.0, factor * (width - 1) / 2)))


def sum_map(transforms: list[Transform], height: int, width: int) -> Map:
    """One map for a chain of transforms, the first applied to the picture first."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    for transform in reversed(transforms):
        x, y = transform.move(x, y)
    return x.astype(np.float32), y.astype(np.float32)


def sample(image: np.ndarray, label: np.ndarray, where: Map) -> tuple[np.ndarray, np.ndarray]:
    """Sample image `(H, W, C)` (linear) and label `(H, W)` (nearest) through the same map.

    What comes from outside is background: label 0, and in the image the median of its border.
    """
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    fill = [float(level) for level in np.median(border, axis=0)]
    moved = cv2.remap(image, *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=fill)
    classes = cv2.remap(label, *where, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return moved.reshape(image.shape), classes

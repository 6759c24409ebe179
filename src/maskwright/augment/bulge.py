"""Barrel and pincushion distortion about points of the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from maskwright.augment.base import Drawn, Frame, kind
from maskwright.augment.grid import LARGEST_STEP, Grid
from maskwright.config.schema import AugmentationSection


@dataclass(frozen=True)
class Bulge:
    """Barrel (`amount` over 0) or pincushion (below 0) distortion inside `radius` px around (`cy`, `cx`).

    The centre is in px from the middle of the picture. In a volume it acts in each slice.
    """

    cy: float
    cx: float
    radius: float
    amount: float

    def steps(self, ndim: int) -> tuple[int, ...]:
        """Every pixel: the map has a kink at the centre and one at the radius."""
        return (*(LARGEST_STEP,) * (ndim - 2), 1, 1)

    def move(self, places: np.ndarray, grid: Grid) -> np.ndarray:
        """Where the `places` come from."""
        dy, dx = places[-2] - np.float32(self.cy), places[-1] - np.float32(self.cx)
        distance = np.sqrt(dx * dx + dy * dy)
        inside = (distance < self.radius) & (distance > 0)
        factor = np.ones_like(distance)
        factor[inside] = np.sin(math.pi / (2 * self.radius) * distance[inside]) ** self.amount
        moved = places.copy()
        moved[-2], moved[-1] = self.cy + factor * dy, self.cx + factor * dx
        return moved


@kind("barrel", listed=True)
def barrel(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """One for each centre."""
    centres = options.barrel_centers if options.barrel else []
    return _bulges("barr", centres, options.barrel_radius, options.barrel_amount, frame)


@kind("pincushion", listed=True)
def pincushion(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """One for each centre."""
    centres = options.pincushion_centers if options.pincushion else []
    return _bulges("pinc", centres, options.pincushion_radius, options.pincushion_amount, frame)


def _bulges(name: str, centres: list[tuple[float, float]], radius: float, amount: float, frame: Frame) -> list[Drawn]:
    height, width = frame.shape[-2:]
    return [
        Drawn(
            f"{name}distorted_{number}_",
            (Bulge(height * y - (height - 1) / 2, width * x - (width - 1) / 2, width * radius, amount),),
        )
        for number, (x, y) in enumerate(centres, start=101)
    ]

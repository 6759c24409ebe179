"""What the transforms have in common: what they are drawn for, what was drawn, and how they are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from maskwright.augment.grid import Grid
from maskwright.config.schema import AugmentationSection
from maskwright.config.schema.augmentation import KindName


class Move(Protocol):
    """A spatial transform: says where pixels come from."""

    def steps(self, ndim: int) -> tuple[int, ...]:
        """The widest spacing of nodes, in px along each axis, at which this transform is still itself."""

    def move(self, places: np.ndarray, grid: Grid) -> np.ndarray:
        """Where in the source the `places` `(N, *grid.nodes)` come from; both in px from the centre."""


class Change(Protocol):
    """An intensity transform: changes levels, leaves pixels where they are, and never sees a label."""

    def change(self, image: np.ndarray) -> np.ndarray:
        """The changed image `(H, W, C)` or `(D, H, W, C)`, same shape and type."""


@dataclass(frozen=True)
class Frame:
    """What a transform is drawn for.

    Attributes:
        shape: `(H, W)` in px or `(D, H, W)` in voxels.
        spacing: distance of neighbours along each axis, in any unit; all 1 for pictures.
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...]

    @property
    def aspect(self) -> tuple[float, ...]:
        """Pixels of the finest axis in one step along each axis: 1 for the finest, 5 where it is 5 times as far."""
        finest = min(self.spacing)
        return tuple(distance / finest for distance in self.spacing)


@dataclass(frozen=True)
class Drawn:
    """The parameters of one augmented pair: numbers only, so that it can be recorded and replayed.

    `prefix` is what the reference puts before the name of such a file.
    """

    prefix: str = ""
    spatial: tuple[Move, ...] = ()
    intensity: tuple[Change, ...] = ()


Choices = Callable[[np.random.Generator, AugmentationSection, Frame], list[Drawn]]


@dataclass(frozen=True)
class Kind:
    """A kind of transform.

    Attributes:
        name: its name in `augmentation.probabilities`.
        choices: what can be drawn of it under a configuration; nothing where it is off.
        listed: whether it is in the reference's list, that is, in the mode `enumerate`.
        levels: whether it changes levels rather than places.
    """

    name: KindName
    choices: Choices
    listed: bool
    levels: bool


def kind(name: KindName, *, listed: bool = False, levels: bool = False) -> Callable[[Choices], Kind]:
    """Declare a kind of transform; see `Kind`."""
    return lambda choices: Kind(name, choices, listed, levels)

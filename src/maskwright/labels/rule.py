"""What the values of a mask mean, once that is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from maskwright.labels.regions import IGNORED, Regions, membership

Format = Literal["binary", "index", "grey", "color", "instances"]


@dataclass(frozen=True)
class LabelRule:
    """What the values of a mask mean, in the numbers that stand in its file.

    Attributes:
        format: `binary`, `index`, `grey`, `color` or `instances`.
        classes: number of classes, background counted; 2 for one structure.
        threshold: `binary`: foreground from this level on; None: half the range.
        algorithm: `otsu` to choose the threshold of each mask.
        smooth: `binary`: (width, height) in px of a box filter for outlines, or None.
        levels: `grey`: level of each class. colors: `color`: (red, green, blue) of each class.
        tolerance: `grey`, `color`: accepted distance of a channel in a compressed or smoothed mask.
        smoothed: `grey`, `color`: lossless masks too hold levels between those of the classes, on outlines.
        ignore: level (or red, green, blue) of pixels that count for nothing, or None.
        regions: class numbers of each overlapping region that the network tells; empty where it tells the classes.
    """

    format: Format = "binary"
    classes: int = 2
    threshold: float | None = None
    algorithm: str | None = None
    smooth: tuple[int, int] | None = None
    levels: tuple[int, ...] = ()
    colors: tuple[tuple[int, int, int], ...] = ()
    tolerance: int = 24
    smoothed: bool = False
    ignore: int | tuple[int, int, int] | None = None
    regions: Regions = ()

    @property
    def sees_colours(self) -> bool:
        """Whether what a palette shows counts, and not its numbers."""
        return self.format in ("binary", "color")

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> LabelRule:
        """The rule of plain values, in which lists stand for tuples."""
        values = {name: _tuples(value) for name, value in plain.items()}
        return cls(**values)

    def pixels(self, label: np.ndarray) -> list[int]:
        """Pixels of the background and of each class, or of no region and of each region; without ignored ones."""
        counts = np.bincount(label.ravel(), minlength=256)
        if not self.regions:
            return counts[: self.classes].tolist()
        table = membership(self.regions)[:IGNORED].astype(np.int64)
        return [int(counts[:IGNORED][table.max(axis=1) == 0].sum()), *(counts[:IGNORED] @ table).tolist()]


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list | tuple) else value

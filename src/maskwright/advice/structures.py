"""What the masks of a data set look like: how thin their structures are, and whether there is an up and a down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from maskwright.data.mask_files import read_label
from maskwright.data.pairs import Pair
from maskwright.labels.regions import IGNORED
from maskwright.labels.rule import LabelRule

_MEASURED = 40  # masks that are looked at
_GRID = 4  # parts of an edge, of which shares of classes are compared
_ALIKE = 0.25  # of the shares that may move when pictures are turned


@dataclass(frozen=True)
class Structures:
    """What some masks showed.

    Attributes:
        widths: of the structures of each class after the background, in px, the typical one of each mask that has it.
        turned: the share of all structure that lies elsewhere when pictures are turned over or on their side, whichever
            is more; 1 where there is nothing to compare.
    """

    widths: dict[int, list[float]] = field(default_factory=dict)
    turned: float = 1.0

    @property
    def any_way_up(self) -> bool:
        """Whether classes lie alike however pictures are turned, as under a microscope and unlike in a street."""
        return self.turned <= _ALIKE

    def thin(self) -> float:
        """The width of the thinnest class: of a quarter of its masks it is less. 0 where nothing was measured."""
        found = [float(np.quantile(values, 0.25)) for values in self.widths.values() if values]
        return min(found, default=0.0)


def look_at_masks(pairs: Sequence[Pair], rule: LabelRule) -> Structures:
    """Some masks, evenly from all."""
    widths: dict[int, list[float]] = {}
    shares: dict[int, list[np.ndarray]] = {}
    chosen = spread(len(pairs))
    for place in chosen:
        label = read_label(pairs[place].mask, rule, pairs[place].window)
        for number in np.unique(label[label != IGNORED]):
            inside = label == number
            if number:
                widths.setdefault(int(number), []).append(width(inside))
            small = cv2.resize(inside.astype(np.float32), (_GRID, _GRID), interpolation=cv2.INTER_AREA)
            shares.setdefault(int(number), []).append(small)
    if len(shares) <= 2:  # one structure: its background is the rest
        shares.pop(0, None)
    maps = [np.sum(shares[number], axis=0) / max(len(chosen), 1) for number in sorted(shares)]
    return Structures(dict(sorted(widths.items())), moved(np.array(maps)))


def moved(maps: np.ndarray) -> float:
    """The share of what is in `(K, N, N)` maps that lies elsewhere when they are turned; the worst of three ways."""
    total = 2 * float(maps.sum())
    if not total:
        return 1.0
    ways = (maps[:, ::-1], maps[:, :, ::-1], maps.transpose(0, 2, 1))
    return max(float(np.abs(maps - other).sum()) / total for other in ways)


def width(inside: np.ndarray) -> float:
    """The typical width of a structure `(H, W)`, in px.

    Four times the mean distance to its edge: of a band as wide as it is, exactly; of a disc two thirds of its diameter.
    """
    padded = np.pad(inside.astype(np.uint8), 1)
    far = cv2.distanceTransform(padded, cv2.DIST_L2, 5)
    return max(1.0, 4 * float(far[padded > 0].mean() - 0.5))


def spread(count: int) -> list[int]:
    """Some of so many, evenly."""
    return sorted({int(place) for place in np.linspace(0, count - 1, min(count, _MEASURED))})

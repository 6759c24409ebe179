"""Patches of volumes for training: somewhere at random, some of them on a structure; or all that cover a volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from maskwright.data.labels import LabelRule
from maskwright.data.pairs import Pair
from maskwright.data.preprocess import InputRule
from maskwright.data.records import Record
from maskwright.data.samples import SampleId
from maskwright.data.scans import Scans

Box = tuple[tuple[int, int, int], tuple[int, int, int]]  # first voxel, which may lie before the volume, and size

_PLACES = 2000  # voxels of each class that are remembered


@dataclass(frozen=True)
class Patches:
    """Volumes in the network's space, and patches of them.

    Attributes:
        scans: gives the volumes. shapes: of the volumes. places: of each volume, for each
            class that it has, some of its voxels `(N, 3)`.
        foreground_share: how probable a patch is whose middle lies at a voxel of a class.
        cover: corners of patches that cover all volumes, as `(volume, corner)`; empty for random ones.
    """

    pairs: Sequence[Pair]
    records: Sequence[Record]
    label_rule: LabelRule
    input_rule: InputRule
    scans: Scans
    shapes: Sequence[tuple[int, int, int]]
    places: Sequence[dict[int, np.ndarray]] = field(repr=False)
    foreground_share: float = 0.33
    cover: Sequence[tuple[int, tuple[int, int, int]]] = ()

    def __len__(self) -> int:
        return len(self.cover) or len(self.pairs)

    def pair_of(self, index: int) -> Pair:
        """The volume that an index belongs to."""
        return self.pairs[self.cover[index][0] if self.cover else index]

    def sample(self, sample: SampleId, index: int) -> tuple[np.ndarray, np.ndarray]:
        """A patch: image `(D, H, W, C)` float32 and label `(D, H, W)` uint8; 0 beyond the volume."""
        image, label, (corner, size) = self.around(sample, index)
        return cut(image, corner, size), cut(label, corner, size)

    def around(self, sample: SampleId, index: int) -> tuple[np.ndarray, np.ndarray, Box]:
        """The whole volume (in files) of a patch, and where the patch lies: for what is read around it."""
        volume, corner = self.cover[index] if self.cover else (index, self._corner(sample.rng(1), index))
        depth, height, width = self.input_rule.shape[:3]
        return *self.whole(volume), (corner, (depth, height, width))

    def whole(self, volume: int) -> tuple[np.ndarray, np.ndarray]:
        """Image `(D, H, W, C)` and label `(D, H, W)` of a volume."""
        return self.scans.whole(volume)

    def _corner(self, rng: np.random.Generator, volume: int) -> tuple[int, int, int]:
        shape, size, places = self.shapes[volume], self.input_rule.shape[:3], self.places[volume]
        if places and rng.random() < self.foreground_share:
            classes = sorted(places)
            chosen = places[classes[int(rng.integers(len(classes)))]]
            middle = chosen[int(rng.integers(len(chosen)))]
            wished = [int(m) - int(rng.integers(s // 4, s - s // 4)) for m, s in zip(middle, size, strict=True)]
        else:
            wished = [int(rng.integers(*_range(edge, s))) for edge, s in zip(shape, size, strict=True)]
        limits = [_range(edge, s) for edge, s in zip(shape, size, strict=True)]
        return tuple(min(max(w, low), high - 1) for w, (low, high) in zip(wished, limits, strict=True))  # type: ignore[return-value]


def _range(edge: int, size: int) -> tuple[int, int]:
    """First places of a patch along one axis: inside the volume, or so that the volume is inside it."""
    return (0, edge - size + 1) if edge >= size else (edge - size, 1)


def cut(array: np.ndarray, corner: Sequence[int], size: Sequence[int]) -> np.ndarray:
    """A box of an array `(D, H, W[, C])`, `size` voxels from `corner` on; 0 beyond the array."""
    found = np.zeros((*size, *array.shape[3:]), array.dtype)
    inside, target = [], []
    for first, length, edge in zip(corner, size, array.shape[:3], strict=True):
        low, high = max(first, 0), min(first + length, edge)
        inside.append(slice(low, max(low, high)))
        target.append(slice(low - first, max(low, high) - first))
    found[tuple(target)] = array[tuple(inside)]
    return found


def covering(shape: Sequence[int], size: Sequence[int]) -> list[tuple[int, int, int]]:
    """Corners of patches that cover a volume, evenly spaced, as few as can be; one in the middle where it is larger."""
    axes = []
    for edge, length in zip(shape, size, strict=True):
        if edge <= length:
            axes.append([(edge - length) // 2])
        else:
            count = -(-edge // length)
            axes.append([round(place * (edge - length) / (count - 1)) for place in range(count)])
    return [(d, h, w) for d in axes[0] for h in axes[1] for w in axes[2]]


def remember(label: np.ndarray, classes: int, rng: np.random.Generator) -> dict[int, np.ndarray]:
    """Some voxels of each class after the background that a label `(D, H, W)` has."""
    found = {}
    for number in range(1, classes):
        places = np.argwhere(label == number)
        if len(places) > _PLACES:
            places = places[rng.choice(len(places), _PLACES, replace=False)]
        if len(places):
            found[number] = places.astype(np.int32)
    return found

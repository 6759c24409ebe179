"""Patches of pictures and volumes for training: at random, some of them on a structure; or all that cover a whole.

A picture `(H, W, C)` has two axes of places, a volume `(D, H, W, C)` three; all else is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Protocol

import numpy as np

from maskwright.data.pairs import Pair
from maskwright.data.preprocess import InputRule
from maskwright.data.records import Record
from maskwright.data.samples import SampleId
from maskwright.data.wholes import Wholes
from maskwright.labels.rule import LabelRule

Place = tuple[int, ...]
Box = tuple[Place, Place]  # first voxel, which may lie before the volume, and size

_PLACES = 2000  # voxels of each class that are remembered


@dataclass(frozen=True)
class Patches:
    """Pictures or volumes in the network's space, and patches of them.

    Attributes:
        wholes: gives the pictures or volumes. shapes: of them. places: of each, for each class that it has, some of its
            voxels `(N, 2)` or `(N, 3)`.
        foreground_share: how probable a patch is whose middle lies at a voxel of a class.
        cover: corners of patches that cover all of them, as `(number, corner)`; empty for random ones.
    """

    pairs: Sequence[Pair]
    records: Sequence[Record]
    label_rule: LabelRule
    input_rule: InputRule
    wholes: Wholes
    shapes: Sequence[Place]
    places: Sequence[dict[int, np.ndarray]] = field(repr=False)
    foreground_share: float = 0.33
    cover: Sequence[tuple[int, Place]] = ()

    def __len__(self) -> int:
        return len(self.cover) or len(self.pairs)

    def steps(self, batch_size: int) -> int | None:
        """Steps of an epoch: of pictures so many that it has as many pixels as they; None (each once) of volumes."""
        if self.input_rule.depth:
            return None
        return -(-len(self.covering().cover) // batch_size)

    def pair_of(self, index: int) -> Pair:
        """The picture or volume that an index belongs to."""
        return self.pairs[self.cover[index][0] if self.cover else index]

    def sample(self, sample: SampleId, index: int) -> tuple[np.ndarray, np.ndarray]:
        """A patch: image of the input's shape and label `(H, W)` or `(D, H, W)` uint8; 0 beyond the volume."""
        image, label, (corner, size) = self.around(sample, index)
        return cut(image, corner, size), cut(label, corner, size)

    def around(self, sample: SampleId, index: int) -> tuple[np.ndarray, np.ndarray, Box]:
        """The whole (in files) that a patch is of, and where the patch lies: for what is read around it."""
        number, corner = self.cover[index] if self.cover else (index, self._corner(sample.rng(1), index))
        return *self.whole(number), (corner, self.input_rule.shape[:-1])

    def whole(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Image and label of a picture or volume."""
        return self.wholes.whole(number)

    def covering(self) -> Patches:
        """The same, as the patches that cover all of them."""
        size = self.input_rule.shape[:-1]
        cover = [(number, corner) for number, shape in enumerate(self.shapes) for corner in covering(shape, size)]
        return replace(self, cover=cover)

    def _corner(self, rng: np.random.Generator, number: int) -> Place:
        shape, size, places = self.shapes[number], self.input_rule.shape[:-1], self.places[number]
        if places and rng.random() < self.foreground_share:
            classes = sorted(places)
            chosen = places[classes[int(rng.integers(len(classes)))]]
            middle = chosen[int(rng.integers(len(chosen)))]
            wished = [int(m) - int(rng.integers(s // 4, s - s // 4)) for m, s in zip(middle, size, strict=True)]
        else:
            wished = [int(rng.integers(*_range(edge, s))) for edge, s in zip(shape, size, strict=True)]
        limits = [_range(edge, s) for edge, s in zip(shape, size, strict=True)]
        return tuple(min(max(w, low), high - 1) for w, (low, high) in zip(wished, limits, strict=True))


def _range(edge: int, size: int) -> tuple[int, int]:
    """First places of a patch along one axis: inside the volume, or so that the volume is inside it."""
    return (0, edge - size + 1) if edge >= size else (edge - size, 1)


class Boxes(Protocol):
    """What is asked for boxes of it as an array is, and need not be one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """As an array's."""

    @property
    def dtype(self) -> np.dtype:
        """As an array's."""

    def __getitem__(self, box: tuple[slice, ...]) -> np.ndarray:
        """A part of it, by slices that lie inside."""


def cut(array: np.ndarray | Boxes, corner: Sequence[int], size: Sequence[int]) -> np.ndarray:
    """A box of an array `(H, W[, C])` or `(D, H, W[, C])`, `size` voxels from `corner` on; 0 beyond the array."""
    found = np.zeros((*size, *array.shape[len(size) :]), array.dtype)
    inside, target = [], []
    for first, length, edge in zip(corner, size, array.shape[: len(size)], strict=True):
        low, high = max(first, 0), min(first + length, edge)
        inside.append(slice(low, max(low, high)))
        target.append(slice(low - first, max(low, high) - first))
    found[tuple(target)] = array[tuple(inside)]
    return found


def covering(shape: Sequence[int], size: Sequence[int]) -> list[Place]:
    """Corners of patches that cover a picture or volume, evenly spaced and as few as can be; or around it."""
    axes = []
    for edge, length in zip(shape, size, strict=True):
        if edge <= length:
            axes.append([(edge - length) // 2])
        else:
            count = -(-edge // length)
            axes.append([round(place * (edge - length) / (count - 1)) for place in range(count)])
    return list(product(*axes))


def remember(label: np.ndarray, classes: int, rng: np.random.Generator) -> dict[int, np.ndarray]:
    """Some voxels of each class after the background that a label has: `(N, axes)` of each."""
    found = {}
    for number in range(1, classes):
        places = np.argwhere(label == number)
        if len(places) > _PLACES:
            places = places[rng.choice(len(places), _PLACES, replace=False)]
        if len(places):
            found[number] = places.astype(np.int32)
    return found


def patches_of(
    wholes: Wholes,
    pairs: Sequence[Pair],
    records: Sequence[Record],
    label: LabelRule,
    rule: InputRule,
    foreground_share: float,
) -> Patches:
    """Random patches of pictures or volumes, each of which is looked at once."""
    shapes, places = [], []
    for index in range(len(pairs)):
        _, marks = wholes.whole(index)
        shapes.append(tuple(marks.shape))
        places.append(remember(np.asarray(marks), label.classes, np.random.default_rng(index)))
    return Patches(pairs, records, label, rule, wholes, shapes, places, foreground_share)

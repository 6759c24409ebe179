"""Pictures that occur twice: identical files, and copies that other levels, sizes, files or turns made of each other.

First each picture's nearest ones are looked up by a small, level-independent pattern of 32x32; then these are verified
at the size of the thumbnails (`agreement`). That needs no file: leaks are found where the training files are gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from maskwright.data.records import Record

# Two pictures are nearly identical from this agreement on. It lies between copies (0.92 and more: JPEG 50, half the
# size, 4 % noise, gamma, windows of a CT) and pictures that look alike (retinas 0.67, hippocampi 0.57, slices of other
# patients 0.48, two layers of one embryo 0.83). What a still camera took twice (0.98) and slices of one patient a
# millimetre apart (0.99) are nearer to each other than some copies are: they count as nearly identical.
NEAR = 0.86
_CANDIDATES = 5  # so many nearest ones are verified, from this likeness on:
_ALIKE = 0.35
_BLOCK = 256

# Of `agreement`, in px and levels of thumbnails:
_SMOOTH = 0.8  # takes off what resizing and compression did to single pixels
_SCALE = 3.0  # structure is what is finer than this; correlated in surroundings of the same size
_NOISE = 10.0  # contrast (of 255) from which structure counts
_LEVELS = 32  # of the map from the levels of one picture to those of the other
_STRUCTURE = 0.005  # of a thumbnail's area that must have contrast
_LEAST = 0.25  # of the structure of the richer picture that the other must explain too


@dataclass(frozen=True)
class Duplicate:
    """Picture `one` is (nearly) picture `other`; `similarity` is their agreement, up to 1."""

    one: str
    other: str
    similarity: float
    identical: bool


def find_duplicates(ones: Sequence[Record], others: Sequence[Record]) -> list[Duplicate]:
    """For each of `ones`, the most similar of `others` where it is identical or nearly so.

    Pictures are also found mirrored and turned by 90 degrees, and inverted. Scans (thumbnails of three axes) are
    compared as they lie, and never with pictures.
    """
    hashes = {record.image_hash: record.name for record in others}
    found = {
        place: Duplicate(record.name, hashes[record.image_hash], 1.0, identical=True)
        for place, record in enumerate(ones)
        if record.image_hash in hashes
    }
    for shape in {record.thumbnail.shape for record in others if record.thumbnail.size}:
        bank = [record for record in others if record.thumbnail.shape == shape]
        places = [place for place, r in enumerate(ones) if r.thumbnail.shape == shape and place not in found]
        near = _near([ones[place] for place in places], bank)
        found.update({place: item for place, item in zip(places, near, strict=True) if item is not None})
    return [found[place] for place in sorted(found)]


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """How far the structure of two thumbnails of the same shape is the same, whatever their levels: up to 1.

    Levels of one are mapped to those of the other, level by level to the mean of what lies there (as in the
    correlation ratio of Roche et al. 1998), which undoes gamma, windows and inversion. What is finer than 3 px is then
    correlated in Gaussian surroundings, and averaged where the picture mapped to has contrast. Of both directions the
    better one counts: through a window one sees less than without. Where the worse one explains next to nothing, one
    holds hardly more than an outline, and the agreement is 0.
    """
    first, second = (np.rint(_blur(thumb.astype(np.float32), _SMOOTH)).astype(np.uint8) for thumb in (one, other))
    worse, better = sorted((_explained(first, second), _explained(second, first)))
    return better if worse >= _LEAST else 0.0


def _near(ones: Sequence[Record], others: Sequence[Record]) -> list[Duplicate | None]:
    """The best verified of the nearest ones of each."""
    parts = [others[start : start + _BLOCK] for start in range(0, len(others), _BLOCK)]
    bank = np.concatenate([_unit(np.stack([record.thumbnail for record in part])) for part in parts])
    found: list[Duplicate | None] = []
    for start in range(0, len(ones), _BLOCK):
        block = ones[start : start + _BLOCK]
        turns = _turns(np.stack([record.thumbnail for record in block]))
        # Inverted pictures have the opposite pattern.
        likeness = np.stack([np.abs(_unit(turned) @ bank.T) for turned in turns])
        turn, likeness = likeness.argmax(axis=0), likeness.max(axis=0)
        for row, record in enumerate(block):
            nearest = np.argsort(-likeness[row], kind="stable")[:_CANDIDATES]
            verified = [
                (agreement(turns[turn[row, index]][row], others[index].thumbnail), -place)
                for place, index in enumerate(nearest)
                if likeness[row, index] >= _ALIKE
            ]
            value, place = max(verified, default=(0.0, 0))
            same = Duplicate(record.name, others[nearest[-place]].name, value, identical=False)
            found.append(same if value >= NEAR else None)
    return found


def _turns(thumbs: np.ndarray) -> list[np.ndarray]:
    """`(N, S, S)` mirrored and turned in all eight ways; scans `(N, D, S, S)` as they are."""
    if thumbs.ndim != 3:
        return [thumbs]
    both = [thumbs, thumbs.swapaxes(1, 2)]
    return [turned[:, ::up, ::left] for turned in both for up in (1, -1) for left in (1, -1)]


def _unit(thumbs: np.ndarray) -> np.ndarray:
    """Rows of length 1, so that a product of two is the likeness of two thumbnails; flat ones become 0.

    A row is the thumbnail at 32x32, its mean and contrast in surroundings of 2 px taken off.
    """
    planes = thumbs.reshape(-1, *thumbs.shape[-2:])
    rows = np.empty((len(planes), 32, 32), np.float32)
    for row, plane in zip(rows, planes, strict=True):
        fine = _fine(cv2.resize(plane.astype(np.float32), (32, 32), interpolation=cv2.INTER_AREA), 2.0)
        row[...] = fine / np.sqrt(_blur(fine * fine, 2.0) + 36)
    vectors = rows.reshape(len(thumbs), -1)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


def _explained(seen: np.ndarray, by: np.ndarray) -> float:
    """The mean local correlation of one thumbnail with another whose levels were mapped to its own."""
    mapped = _map_levels(by, seen)
    agreed = total = 0.0
    height, width = seen.shape[-2:]
    for one, two in zip(seen.reshape(-1, height, width), mapped.reshape(-1, height, width), strict=True):
        a, b = _fine(one.astype(np.float32), _SCALE), _fine(two, _SCALE)
        contrast, other = _blur(a * a, _SCALE), _blur(b * b, _SCALE)
        weight = contrast / (contrast + np.float32(_NOISE**2))
        correlation = _blur(a * b, _SCALE) / np.sqrt(contrast * other + 1e-3)
        agreed += float((correlation * weight).sum())
        total += float(weight.sum())
    return agreed / total if total > _STRUCTURE * seen.size else 0.0


def _map_levels(levels: np.ndarray, to: np.ndarray) -> np.ndarray:
    """`levels` through the map of levels that comes nearest to `to`: the mean of `to` at each of 32, linear between."""
    groups = (levels >> 3).ravel()
    count = np.bincount(groups, minlength=_LEVELS)
    total = np.bincount(groups, to.ravel(), minlength=_LEVELS)
    used = count > 0
    centres = (np.arange(_LEVELS) + 0.5) * (256 / _LEVELS) - 0.5
    table = np.interp(np.arange(256), centres[used], total[used] / count[used])
    return table.astype(np.float32)[levels]


def _fine(plane: np.ndarray, scale: float) -> np.ndarray:
    return plane - _blur(plane, scale)


def _blur(planes: np.ndarray, scale: float) -> np.ndarray:
    """Gaussian of each plane `(..., H, W)`."""
    flat = planes.reshape(-1, *planes.shape[-2:])
    blurred = [cv2.GaussianBlur(plane, (0, 0), scale, borderType=cv2.BORDER_REFLECT) for plane in flat]
    return np.stack(blurred).reshape(planes.shape)

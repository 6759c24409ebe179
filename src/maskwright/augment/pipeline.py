"""What is done to one training pair: drawn here, applied here, and the two kept apart so that it can be replayed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from maskwright.augment import affine, bulge, elastic, levels, texture
from maskwright.augment.affine import Affine, chain
from maskwright.augment.base import Drawn, Frame, Kind, Move
from maskwright.augment.grid import Grid
from maskwright.augment.sampling import sample
from maskwright.config.schema import AugmentationSection
from maskwright.config.schema.augmentation import KindName
from maskwright.data.patches import Box, cut
from maskwright.labels.regions import IGNORED

Pair = tuple[np.ndarray, np.ndarray]
_AROUND = 2  # voxels around what the map asks for, for cubic interpolation

# Every kind of transform by its name, in the order in which they are applied.
_MODULES = (affine, elastic, bulge, texture, levels)
KINDS: dict[KindName, Kind] = {
    found.name: found for module in _MODULES for found in vars(module).values() if isinstance(found, Kind)
}
_LISTED = [found for found in KINDS.values() if found.listed]


def draw(
    rng: np.random.Generator,
    options: AugmentationSection,
    shape: Sequence[int],
    spacing: Sequence[float] | None = None,
) -> Drawn:
    """Draw what is done to a picture `(H, W)` or a volume `(D, H, W)` of this shape.

    `enumerate` picks one of the reference's list, the unchanged picture among them; `random` takes each kind of
    transform with its probability and combines what it took.

    Args:
        rng: the only source of chance; the same state draws the same.
        options: which transforms, and how strong.
        shape: in px or voxels.
        spacing: distance of neighbours along each axis in one unit (mm); all alike where absent.
    """
    if options.mode == "off":
        return Drawn()
    if options.mode == "enumerate":
        every = variants(rng, options, shape, spacing)
        return every[int(rng.integers(len(every)))]
    frame = _frame(shape, spacing)
    taken: list[Drawn] = []
    for found in KINDS.values():
        if rng.random() < probability(options, found) and (choices := found.choices(rng, options, frame)):
            taken.append(choices[int(rng.integers(len(choices)))])
    return combine(taken)


def variants(
    rng: np.random.Generator,
    options: AugmentationSection,
    shape: Sequence[int],
    spacing: Sequence[float] | None = None,
) -> list[Drawn]:
    """The reference's list: the unchanged picture, then one for each transform and parameter, in its order."""
    frame = _frame(shape, spacing)
    return [Drawn(), *(one for found in _LISTED for one in found.choices(rng, options, frame))]


def each_kind(
    rng: np.random.Generator,
    options: AugmentationSection,
    shape: Sequence[int],
    spacing: Sequence[float] | None = None,
) -> dict[str, Drawn]:
    """One draw of each kind of transform that is on in the mode `random`, by its name, whatever its probability."""
    frame = _frame(shape, spacing)
    found = {}
    for name, one in KINDS.items():
        choices = one.choices(rng, options, frame) if probability(options, one) else []
        if choices:
            found[str(name)] = choices[int(rng.integers(len(choices)))]
    return found


def combine(taken: Sequence[Drawn]) -> Drawn:
    """Several transforms of one pair, the first applied first; levels change after places."""
    return Drawn(
        "augmented_" if taken else "",
        tuple(move for one in taken for move in one.spatial),
        tuple(change for one in taken for change in one.intensity),
    )


def record(drawn: Drawn) -> list[dict[str, object]]:
    """What was drawn as plain values for JSON, a transform each, in the order of application."""
    every: list[Any] = [*drawn.spatial, *drawn.intensity]
    return [{"transform": type(one).__name__, **asdict(one)} for one in every]


def probability(options: AugmentationSection, found: Kind) -> float:
    """How probable a kind of transform is in the mode `random`."""
    general = options.intensity_probability if found.levels else options.probability
    return options.probabilities.get(found.name, general)


def apply(
    image: np.ndarray,
    label: np.ndarray,
    drawn: Drawn,
    *,
    image_order: str = "linear",
    label_order: str = "nearest",
    patch: Box | None = None,
) -> Pair:
    """Do to a pair what was drawn.

    Args:
        image: `(H, W, C)` or `(D, H, W, C)`. label: `(H, W)` or `(D, H, W)` uint8 class numbers.
        drawn: what `draw` gave for the shape of the label, or of the patch.
        image_order: interpolation of the image, `linear` or `cubic`.
        label_order: `nearest`, or `area` (the class with the largest share of a pixel).
        patch: first voxel and size of the part of a picture or volume that is wanted. What the transforms bring into
            it is read from around it; of one in a file nothing else is read.

    Returns:
        Image and label of their type, at their size or that of the patch; the very same arrays where nothing was drawn
        for a whole pair. In a volume, and in a patch of a picture, the label is `IGNORED` where the transforms ask for
        what it does not hold; where a volume is smaller than the patch it holds zeros around it, label and image, as in
        prediction.
    """
    if patch is not None:
        image, label = _move_within(image, label, patch, drawn.spatial, image_order, label_order)
    elif drawn.spatial:
        image, label = _move(image, label, drawn.spatial, image_order, label_order)
    for change in drawn.intensity:
        image = change.change(image)
    return image, label


def coordinates(moves: Sequence[Move], shape: Sequence[int]) -> list[np.ndarray]:
    """The one map of a chain of transforms, the first applied to the picture first.

    Returns:
        An array of `shape`, float32, for each axis: the place along it where each pixel comes from.
    """
    grid, places = _coarse(moves, shape)
    return grid.enlarge(places)


def _coarse(moves: Sequence[Move], shape: Sequence[int]) -> tuple[Grid, np.ndarray]:
    """The map at the nodes of the coarsest lattice that shows every transform of the chain."""
    steps = tuple(map(min, zip(*(move.steps(len(shape)) for move in moves), strict=True)))
    grid = Grid(tuple(shape), steps)
    places = grid.positions()
    for move in reversed(moves):
        places = move.move(places, grid)
    middle = np.array([(size - 1) / 2 for size in shape], np.float32)
    return grid, places + middle.reshape(-1, *[1] * len(shape))


def _move_within(
    image: np.ndarray, label: np.ndarray, patch: Box, moves: Sequence[Move], image_order: str, label_order: str
) -> Pair:
    """A patch of a picture or volume, and what lies around it where the map asks for it."""
    corner, size = patch
    whole = _straight(moves)
    exact = _axes(whole, size) if whole else None
    if not moves or exact:
        parts = cut(image, corner, size), cut(label, corner, size)
        return (_turned(parts[0], *exact), _turned(parts[1], *exact)) if exact else parts
    grid, places = _coarse([whole] if whole else moves, size)
    # A straight map is widest in the corners of the patch; of others the nodes tell, which lie a little beyond it.
    ends = _corners(whole, size) if whole else places
    axes = tuple(range(1, ends.ndim))
    start, stop = [], []
    bounds = zip(corner, size, label.shape, ends.min(axis=axes), ends.max(axis=axes), strict=True)
    for first, length, edge, low, high in bounds:
        # The volume ends where it does, or with the patch that it is smaller than.
        begin, end = min(0, first), max(edge, first + length)
        start.append(min(max(begin, first + math.floor(low) - _AROUND), end - 1))
        stop.append(max(min(end, first + math.ceil(high) + 1 + _AROUND), start[-1] + 1))
    box = [last - first for first, last in zip(start, stop, strict=True)]
    shift = np.array([one - other for one, other in zip(corner, start, strict=True)], np.float32)
    return sample(
        cut(image, start, box), cut(label, start, box), grid.bands(places + shift.reshape(-1, *[1] * len(size))),
        image_order=image_order, label_order=label_order, shape=size, outside=IGNORED,
    )  # fmt: skip


def _corners(whole: Affine, size: Sequence[int]) -> np.ndarray:
    """Where the corners of a patch come from, in voxels from its first: `(N, 2, …, 2)`."""
    middle = np.array([(edge - 1) / 2 for edge in size], np.float32).reshape(-1, *[1] * len(size))
    corners = np.stack(np.meshgrid(*[(-(edge - 1) / 2, (edge - 1) / 2) for edge in size], indexing="ij"))
    return whole.move(corners.astype(np.float32), Grid(tuple(size), (1,) * len(size))) + middle


def _straight(moves: Sequence[Move]) -> Affine | None:
    """Several transforms as one, where all keep straight lines straight."""
    straight = [move for move in moves if isinstance(move, Affine)]
    return chain(straight) if straight and len(straight) == len(moves) else None


def _move(image: np.ndarray, label: np.ndarray, moves: Sequence[Move], image_order: str, label_order: str) -> Pair:
    if whole := _straight(moves):
        exact = _axes(whole, label.shape)
        if exact is not None:
            return _turned(image, *exact), _turned(label, *exact)
        moves = [whole]
    grid, places = _coarse(moves, label.shape)
    return sample(image, label, grid.bands(places), image_order=image_order, label_order=label_order)


def _axes(whole: Affine, shape: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Order and mirrored axes of a transform that only mirrors and swaps axes; None where pixels fall between others.

    These are done by moving pixels, which is exact for every type, and faster than sampling.
    """
    matrix = np.rint(whole.matrix)
    if np.abs(matrix - whole.matrix).max() > 1e-9 or np.abs(whole.offset).max() > 1e-9:
        return None
    order = tuple(int(axis) for axis in np.abs(matrix).argmax(axis=0))
    if sorted(order) != list(range(len(order))) or (np.abs(matrix).sum(axis=0) != 1).any():
        return None
    if tuple(shape[axis] for axis in order) != tuple(shape):
        return None
    return order, tuple(place for place, axis in enumerate(order) if matrix[axis, place] < 0)


def _turned(array: np.ndarray, order: tuple[int, ...], mirrored: tuple[int, ...]) -> np.ndarray:
    rest = tuple(range(len(order), array.ndim))
    return np.ascontiguousarray(np.flip(array.transpose(*order, *rest), mirrored))


def _frame(shape: Sequence[int], spacing: Sequence[float] | None) -> Frame:
    return Frame(tuple(shape), tuple(spacing) if spacing is not None else (1.0,) * len(shape))

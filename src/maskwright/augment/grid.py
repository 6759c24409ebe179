"""Coarse lattices over a picture or volume: smooth fields are made on few nodes and enlarged.

Arrays over a lattice are `(N, ...)`, the first axis the component of a vector, N the number of dimensions; components
and axes are in the order of the array, `(y, x)` or `(z, y, x)`. Positions are in px from the centre.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from maskwright.data.filters import gaussian

LARGEST_STEP = 16  # px; larger ones save nothing, and lose digits in the enlargement
_BAND = 2**16  # px; 1.2 ms for a pair of 512x512, where one band takes 2.0


@dataclass(frozen=True)
class Grid:
    """Nodes every `steps` px over an array of `shape`, with one node beyond each edge."""

    shape: tuple[int, ...]
    steps: tuple[int, ...]

    @property
    def nodes(self) -> tuple[int, ...]:
        """How many nodes there are along each axis."""
        return tuple(-(-size // step) + 2 for size, step in zip(self.shape, self.steps, strict=True))

    @property
    def _inner(self) -> tuple[slice, ...]:
        """Where the array lies in what its nodes are enlarged to."""
        return tuple(slice(step, step + size) for step, size in zip(self.steps, self.shape, strict=True))

    @functools.lru_cache(maxsize=8)  # noqa: B019 - grids are few and small
    def positions(self) -> np.ndarray:
        """Where the nodes are, in px from the centre: `(N, *nodes)` float32, not to be written to."""
        axes = [
            (np.arange(count, dtype=np.float32) - 0.5) * step - size / 2
            for count, step, size in zip(self.nodes, self.steps, self.shape, strict=True)
        ]
        places = np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float32)
        places.flags.writeable = False
        return places

    def enlarge(self, values: np.ndarray) -> list[np.ndarray]:
        """Values at the nodes, `(N, *nodes)`, as values at every pixel, N times `shape`, linear in between."""
        return [magnify(component, self.steps)[self._inner] for component in values]

    def bands(self, values: np.ndarray) -> Iterator[tuple[slice, list[np.ndarray]]]:
        """The same in bands along the first axis, each with where it belongs and valid until the next one comes.

        A band is small enough for a processor's cache, and its memory is used again: fresh memory for whole maps costs
        as much time as all the rest.
        """
        size, step = self.shape[0], self.steps[0]
        cells = max(1, round(_BAND / math.prod(self.shape[1:]) / step))
        memory: Sequence[np.ndarray | None] = [None] * len(self.shape)
        for first in range(0, -(-size // step), cells):
            begin, end = first * step, min((first + cells) * step, size)
            part = Grid((end - begin, *self.shape[1:]), self.steps)
            nodes = values[:, first : first + part.nodes[0]]
            whole = [magnify(one, self.steps, room) for one, room in zip(nodes, memory, strict=True)]
            yield slice(begin, end), [one[part._inner] for one in whole]
            memory = whole

    def refine(self, values: np.ndarray, finer: Grid) -> np.ndarray:
        """Values at the nodes as values at the nodes of a finer grid, whose steps divide the steps of this one."""
        if finer == self:
            return values
        factors = tuple(own // step for own, step in zip(self.steps, finer.steps, strict=True))
        inner = tuple(slice(k - 1, k - 1 + count) for k, count in zip(factors, finer.nodes, strict=True))
        return np.stack([magnify(component, factors)[inner] for component in values])


def step_for(width: float) -> int:
    """The spacing of nodes, a power of two, that shows structures of a deviation of `width` px: at most half of it."""
    return 2 ** max(0, min(int(math.log2(LARGEST_STEP)), math.floor(math.log2(max(width, 1e-3) / 2))))


def magnify(values: np.ndarray, factors: tuple[int, ...], room: np.ndarray | None = None) -> np.ndarray:
    """`(D, H, W)` or `(H, W)` float32 enlarged by whole factors along each axis, linear between centres of cells.

    A result of the right size is written into the memory of `room`.
    """
    *outer, fy, fx = factors
    if outer:
        planes = np.stack([magnify(plane, (fy, fx)) for plane in values])
        flat = planes.reshape(len(planes), -1)
        size = (flat.shape[1], len(planes) * outer[0])
        return cv2.resize(flat, size, interpolation=cv2.INTER_LINEAR).reshape(-1, *planes.shape[1:])
    size = (values.shape[1] * fx, values.shape[0] * fy)
    return values if size == values.shape[::-1] else cv2.resize(values, size, room, interpolation=cv2.INTER_LINEAR)


def smooth(values: np.ndarray, sigmas: tuple[float, ...], border: int = cv2.BORDER_CONSTANT) -> np.ndarray:
    """Gaussian filter over the first axes of `(D, H, W, …)` or `(H, W, …)`, one deviation in px each; 0 is none."""
    *outer, sy, sx = sigmas
    if outer and outer[0] > 0:
        flat = values.reshape(len(values), -1)
        size = (1, 2 * reach(outer[0]) + 1)
        values = gaussian(flat, size, 1.0, outer[0], border).reshape(values.shape)
    size = (2 * reach(sx) + 1, 2 * reach(sy) + 1)
    if size == (1, 1):
        return values
    planes = values if outer else values[None]
    blurred = [gaussian(plane, size, max(sx, 1e-6), max(sy, 1e-6), border) for plane in planes]
    return np.stack(blurred) if outer else blurred[0]


def reach(sigma: float) -> int:
    """Half the width of a Gaussian kernel in px: four deviations, as in SciPy; none for a deviation of next to 0."""
    return int(4 * sigma + 0.5)


@functools.cache
def left_by_smoothing(sigma: float) -> float:
    """The share of its deviation that white noise keeps when it is smoothed along one axis."""
    weights = kernel(sigma)
    return float(np.sqrt((weights**2).sum()))


def kernel(sigma: float) -> np.ndarray:
    """Weights of the Gaussian from -reach to reach; they sum to 1."""
    half = reach(sigma)
    weights = np.exp(-0.5 * (np.arange(-half, half + 1) / max(sigma, 1e-6)) ** 2)
    return weights / weights.sum()

"""What is larger than a network's input: overlapping windows, weighted by a Gaussian, slab after slab.

A slab is what no later window touches any more: slices of a volume, rows of a picture. Only those that windows are
still working on are in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import product

import numpy as np

from maskwright.data.patches import Boxes, cut
from maskwright.inference.engines import Engine
from maskwright.inference.tiles import starts

OVERLAP = 0.5  # of neighbouring windows, as a share of their edge
_SIGMA = 1 / 8  # of a window's edge, as nnU-Net has it


def weights(size: tuple[int, ...]) -> np.ndarray:
    """Weights `(H, W, 1)` or `(D, H, W, 1)` of a window: 1 in its middle, never 0."""
    bells = [np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / (n * _SIGMA)) ** 2) for n in size]
    found = reduce(np.multiply.outer, bells)
    return np.maximum(found, 1e-4).astype(np.float32)[..., None]


def slabs(
    engine: Engine, image: np.ndarray | Boxes, batch_size: int, overlap: float = OVERLAP
) -> Iterator[tuple[int, np.ndarray]]:
    """Probabilities of a volume from its first slice to its last, or of a picture from its first row.

    Args:
        image: `(D, H, W, C)` or `(H, W, C)` float32, as the network sees it; or what gives boxes of it.
        overlap: of neighbouring windows, as a share of their edge.

    Yields:
        The first slice (row) of a slab, and its probabilities `(d, H, W, K)` or `(h, W, K)` float32.
    """
    size = engine.metadata.input_rule.shape[:-1]
    edges = image.shape[:-1]
    shape = tuple(max(edge, length) for edge, length in zip(edges, size, strict=True))
    # A volume smaller than a window lies in the middle of one.
    before = tuple((whole - edge) // 2 for whole, edge in zip(shape, edges, strict=True))
    places = [starts(whole, length, round(length * overlap)) for whole, length in zip(shape, size, strict=True)]
    bell, channels = weights(size), engine.metadata.channels
    total = np.zeros((size[0], *shape[1:], channels), np.float32)
    weight = np.zeros((size[0], *shape[1:], 1), np.float32)
    for number, first in enumerate(places[0]):
        corners = list(product([first], *places[1:]))
        for start in range(0, len(corners), batch_size):
            chosen = corners[start : start + batch_size]
            inputs = np.stack([cut(image, np.subtract(corner, before).tolist(), size) for corner in chosen])
            for (_, *rest), found in zip(chosen, engine.probabilities(inputs, batch_size), strict=True):
                area = (slice(None), *(slice(low, low + n) for low, n in zip(rest, size[1:], strict=True)))
                total[area] += found * bell
                weight[area] += bell
        following = places[0][number + 1] if number + 1 < len(places[0]) else first + size[0]
        done = following - first
        yield from _inside(first, total[:done] / weight[:done], before, edges)
        for buffer in (total, weight):
            buffer[: size[0] - done] = buffer[done:].copy()
            buffer[size[0] - done :] = 0


def _inside(
    first: int, found: np.ndarray, before: tuple[int, ...], shape: tuple[int, ...]
) -> Iterator[tuple[int, np.ndarray]]:
    """The part of a slab that lies in the volume itself."""
    low, high = max(first, before[0]), min(first + len(found), before[0] + shape[0])
    if low < high:
        inner = [slice(b, b + n) for b, n in zip(before[1:], shape[1:], strict=True)]
        yield low - before[0], found[(slice(low - first, high - first), *inner)]

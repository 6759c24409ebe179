"""Prediction of large pictures in overlapping tiles, blended by a Gaussian so that no seam is to be seen."""

from __future__ import annotations

import numpy as np

from maskwright.data.filters import resize
from maskwright.data.preprocess import to_floats
from maskwright.inference.engines import Engine
from maskwright.inference.masks import restore


def starts(length: int, tile: int, overlap: int) -> list[int]:
    """First pixels of tiles along one side: evenly spaced, the last one ends with the picture.

    More than three quarters of overlap count as that, or the tiles would be without number.
    """
    if length <= tile:
        return [0]
    step = max(1, tile - min(overlap, 3 * tile // 4))
    count = -(-(length - tile) // step) + 1
    return [round(i * (length - tile) / (count - 1)) for i in range(count)]


def gaussian_weights(height: int, width: int) -> np.ndarray:
    """Weights `(height, width, 1)` of a tile: 1 in its middle, deviation an eighth of its side, never 0."""
    rows, columns = (np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / (n / 8)) ** 2) for n in (height, width))
    return np.maximum(np.outer(rows, columns), 1e-4).astype(np.float32)[..., None]


def predict_tiles(
    engine: Engine, image: np.ndarray, tile: int | None, overlap: int | None, batch_size: int
) -> np.ndarray:
    """Probabilities `(H, W, K)` of a picture larger than a network that learnt from resized ones.

    Args:
        image: `(H, W, C)` in levels, its channels already as the network wants them.
        tile: edge in px; the network's own height and width where None. A smaller picture is filled up with its edge.
        overlap: px that neighbouring tiles have in common; half a tile where None.
        batch_size: tiles a batch.
    """
    rule = engine.metadata.input_rule
    tile_h, tile_w = (tile, tile) if tile else (rule.height, rule.width)
    height, width = image.shape[:2]
    fill = [(0, max(0, tile_h - height)), (0, max(0, tile_w - width)), (0, 0)]
    values = np.pad(to_floats(image, rule), fill, mode="edge")
    corners = [
        (top, left)
        for top in starts(values.shape[0], tile_h, tile_h // 2 if overlap is None else overlap)
        for left in starts(values.shape[1], tile_w, tile_w // 2 if overlap is None else overlap)
    ]
    weights = gaussian_weights(tile_h, tile_w)
    total = np.zeros((*values.shape[:2], engine.metadata.channels), np.float32)
    weight = np.zeros((*values.shape[:2], 1), np.float32)
    for first in range(0, len(corners), batch_size):
        chosen = corners[first : first + batch_size]
        inputs = np.stack(
            [
                resize(values[top : top + tile_h, left : left + tile_w], rule.height, rule.width, "linear")
                for top, left in chosen
            ]
        )
        for (top, left), found in zip(chosen, engine.probabilities(inputs, batch_size), strict=True):
            area = np.s_[top : top + tile_h, left : left + tile_w]
            total[area] += restore(found, tile_h, tile_w) * weights
            weight[area] += weights
    return (total / weight)[:height, :width]

"""At which size a network sees a picture: resized to its input, or at one scale for all, never distorted.

At a scale of its own a picture is seen whole where it is as large as the input at most, and else in windows of that
size. Where it is smaller, its lowest and rightmost pixels are repeated below and beside it, in training and in
prediction; what is learnt and scored there is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskwright.data.filters import resize
from maskwright.data.preprocess import InputRule, to_floats
from maskwright.errors import MaskwrightError


def seen_size(shape: Sequence[int], rule: InputRule) -> tuple[int, int]:
    """Height and width at which a picture `(H, W, …)` is seen, in px of the network."""
    if rule.fit == "resize":
        return rule.height, rule.width
    return max(1, round(shape[0] / rule.pixel_size)), max(1, round(shape[1] / rule.pixel_size))


def require_fitting(shape: Sequence[int], rule: InputRule, where: object) -> None:
    """Refuse a picture that is to be seen whole and is larger than the network's input.

    Raises:
        MaskwrightError: naming the picture and its size.
    """
    height, width = seen_size(shape, rule)
    if rule.fit == "pad" and (height > rule.height or width > rule.width):
        scaled = f", {width} x {height} px at data.pixel_size = {rule.pixel_size:g}" if rule.pixel_size != 1 else ""
        raise MaskwrightError(
            f"is {shape[1]} x {shape[0]} px{scaled}, and the network's input is {rule.width} x {rule.height} px",
            where=where,
            fix='Train with data.fit = "patch", or with a larger model.image_width and model.image_height or a larger '
            "data.pixel_size.",
        )


def seen(levels: np.ndarray, rule: InputRule, where: object = None) -> np.ndarray:
    """Levels `(H, W, C)` at the size at which they are seen, without what fills the input up.

    Raises:
        MaskwrightError: as `require_fitting`.
    """
    require_fitting(levels.shape, rule, where)
    return resize(levels, *seen_size(levels.shape, rule), rule.resize)


def filled(array: np.ndarray, rule: InputRule, value: int | None = None) -> np.ndarray:
    """An array `(H, W[, C])` that is as large as the network's input at least: with `value`, else with its own edge."""
    below, beside = max(0, rule.height - array.shape[0]), max(0, rule.width - array.shape[1])
    if not below and not beside:
        return array
    margins = [(0, below), (0, beside), *[(0, 0)] * (array.ndim - 2)]
    return np.pad(array, margins, mode="edge") if value is None else np.pad(array, margins, constant_values=value)


def network_values(levels: np.ndarray, rule: InputRule, where: object = None) -> np.ndarray:
    """What a network is given of a picture: `(h, w, C)` float32 of its input's size, or larger, to be seen in windows.

    Raises:
        MaskwrightError: as `require_fitting`.
    """
    return filled(to_floats(seen(levels, rule, where), rule), rule)

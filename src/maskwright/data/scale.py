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
from maskwright.data.resolution import MM, Spacing
from maskwright.data.slides import MAX_PIXELS
from maskwright.errors import MaskwrightError


def seen_size(shape: Sequence[int], rule: InputRule, spacing: Spacing | None = None) -> tuple[int, int]:
    """Height and width at which a picture `(H, W, …)` is seen, in px of the network.

    Args:
        spacing: size of its pixels in mm, where the rule's scale is one of mm or µm.
    """
    if rule.fit == "resize":
        return rule.height, rule.width
    if rule.pixel_unit == "px":
        steps = (rule.pixel_size, rule.pixel_size)
    else:
        assert spacing is not None, "of every file that is read it is known here"
        down, across = spacing
        steps = (rule.pixel_size * MM[rule.pixel_unit] / down, rule.pixel_size * MM[rule.pixel_unit] / across)
    return max(1, round(shape[0] / steps[0])), max(1, round(shape[1] / steps[1]))


def require_fitting(shape: Sequence[int], rule: InputRule, where: object, spacing: Spacing | None = None) -> None:
    """Refuse a picture that is to be seen whole and is larger than the network's input, or that has no sensible size.

    Raises:
        MaskwrightError: naming the picture and its size.
    """
    height, width = seen_size(shape, rule, spacing)
    at = f"{width} x {height} px at data.pixel_size = {rule.pixel_size:g} {rule.pixel_unit}"
    if rule.fit != "resize" and height * width > MAX_PIXELS:
        raise MaskwrightError(
            f"is {shape[1]} x {shape[0]} px, which would be {at}",
            where=where,
            fix="Train with a larger data.pixel_size; does the file say the size of its pixels right?",
        )
    if rule.fit == "pad" and (height > rule.height or width > rule.width):
        scaled = f", {at}" if (height, width) != tuple(shape[:2]) else ""
        raise MaskwrightError(
            f"is {shape[1]} x {shape[0]} px{scaled}, and the network's input is {rule.width} x {rule.height} px",
            where=where,
            fix='Train with data.fit = "patch", or with a larger model.image_width and model.image_height or a larger '
            "data.pixel_size.",
        )


def seen(levels: np.ndarray, rule: InputRule, where: object = None, spacing: Spacing | None = None) -> np.ndarray:
    """Levels `(H, W, C)` at the size at which they are seen, without what fills the input up.

    Raises:
        MaskwrightError: as `require_fitting`.
    """
    require_fitting(levels.shape, rule, where, spacing)
    return resize(levels, *seen_size(levels.shape, rule, spacing), rule.resize)


def filled(array: np.ndarray, rule: InputRule, value: int | None = None) -> np.ndarray:
    """An array `(H, W[, C])` that is as large as the network's input at least: with `value`, else with its own edge."""
    below, beside = max(0, rule.height - array.shape[0]), max(0, rule.width - array.shape[1])
    if not below and not beside:
        return array
    margins = [(0, below), (0, beside), *[(0, 0)] * (array.ndim - 2)]
    return np.pad(array, margins, mode="edge") if value is None else np.pad(array, margins, constant_values=value)


def network_values(
    levels: np.ndarray, rule: InputRule, where: object = None, spacing: Spacing | None = None
) -> np.ndarray:
    """What a network is given of a picture: `(h, w, C)` float32 of its input's size, or larger, to be seen in windows.

    Raises:
        MaskwrightError: as `require_fitting`.
    """
    return filled(to_floats(seen(levels, rule, where, spacing), rule), rule)

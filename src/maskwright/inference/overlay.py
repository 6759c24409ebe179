"""The outline of a mask over its image, with the structure still to be seen under it."""

from __future__ import annotations

import cv2
import numpy as np

from maskwright.inference.masks import class_colour
from maskwright.labels.regions import IGNORED

_TINT = 0.18  # share of the colour inside the outline: visible, and the tissue under it still readable


def overlay(
    image: np.ndarray, label: np.ndarray, outline: tuple[int, int, int], truth: np.ndarray | None = None
) -> np.ndarray:
    """Draw outlines.

    Args:
        image: `(H, W)` or `(H, W, C)` of any depth. label: `(H, W)` class numbers of the same size.
        outline: red, green, blue of the only structure; several classes have colours of their own.
        truth: ground truth, drawn thin and white under it.

    Returns:
        `(H, W, 3)` uint8 in red, green, blue.
    """
    picture = viewable(image)
    thickness = max(1, round(min(label.shape) / 400))
    if truth is not None:
        for number in np.unique(truth[(truth > 0) & (truth < IGNORED)]):
            _draw(picture, truth == number, (255, 255, 255), thickness)
    numbers = np.unique(label[(label > 0) & (label < IGNORED)])
    for number in numbers:
        colour = outline if numbers.max() == 1 else class_colour(int(number))
        inside = label == number
        picture[inside] = np.rint(picture[inside] * (1 - _TINT) + np.array(colour) * _TINT).astype(np.uint8)
        _draw(picture, inside, colour, thickness)
    return picture


def viewable(image: np.ndarray) -> np.ndarray:
    """Any picture `(H, W)` or `(H, W, C)` as `(H, W, 3)` uint8.

    Of two channels the mean is shown in grey, of four and more the first three as red, green and blue. Deep ones are
    stretched from the smallest to the largest level that is shown.
    """
    if image.ndim == 3 and image.shape[2] == 2:
        image = image.mean(axis=2).astype(image.dtype)
    image = image[..., :3] if image.ndim == 3 else image[..., None]
    if image.dtype != np.uint8:
        low, high = float(image.min()), float(image.max())
        image = np.rint((image.astype(np.float32) - low) * (255 / max(high - low, 1e-6))).astype(np.uint8)
    return np.repeat(image, 3, axis=2) if image.shape[2] == 1 else np.array(image)


def _draw(picture: np.ndarray, inside: np.ndarray, colour: tuple[int, int, int], thickness: int) -> None:
    contours, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, colour, thickness, lineType=cv2.LINE_AA)

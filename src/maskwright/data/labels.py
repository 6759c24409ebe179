"""The one place where a mask file becomes a label: `(H, W)` uint8 class numbers, 0 background."""

from __future__ import annotations

import cv2
import numpy as np

from maskwright.data.nearest import nearest_code
from maskwright.errors import MaskwrightError
from maskwright.labels.regions import IGNORED
from maskwright.labels.rule import LabelRule


def make_label(mask: np.ndarray, rule: LabelRule, *, lossy: bool = False) -> np.ndarray:
    """Class numbers of a mask.

    Args:
        mask: `(H, W)` or `(H, W, 3)`, as `read_mask` gives it.
        rule: what its values mean.
        lossy: the file was compressed with losses (JPEG): levels between two classes are rims, and go to the nearer.

    Returns:
        `(H, W)` uint8, values below `rule.classes`, and `IGNORED`.

    Raises:
        MaskwrightError: it holds values that no class describes.
    """
    if rule.ignore is None:
        return _classes(mask, rule, lossy)
    hidden = _hidden(mask, rule.ignore, rule.tolerance if lossy else 0)
    # Background in their place, so that nothing trips over them.
    background = rule.colors[0] if rule.format == "color" else rule.levels[0] if rule.levels else 0
    cleaned = mask.copy()
    cleaned[hidden] = background
    label = _classes(cleaned, rule, lossy)
    label[hidden] = IGNORED
    return label


def _hidden(mask: np.ndarray, ignore: int | tuple[int, int, int], tolerance: int) -> np.ndarray:
    """Where a mask holds the level or colour that counts for nothing."""
    rgb = mask if mask.ndim == 3 else mask[..., None]
    return (np.abs(rgb.astype(np.int64) - np.array(ignore)) <= tolerance).all(axis=2)


def _classes(mask: np.ndarray, rule: LabelRule, lossy: bool) -> np.ndarray:
    if rule.format == "binary":
        return _binary(mask, rule)
    if rule.format == "index":
        return _index(mask, rule)
    if rule.format == "instances":
        return ((mask if mask.ndim == 2 else mask.max(axis=2)) != 0).astype(np.uint8)
    codes = rule.colors if rule.format == "color" else tuple((level,) * 3 for level in rule.levels)
    label = nearest_code(mask, codes, rule.tolerance, mixed=lossy or rule.smoothed)
    # One structure against background may have several colours.
    return (np.minimum(label, 1) if rule.classes == 2 and len(codes) > 2 else label).astype(np.uint8)


def full_range(mask: np.ndarray) -> float:
    """The level of full white: 255, 65535 or 1, by the type and (beyond 8 bits) by the largest value."""
    if mask.dtype == np.uint8:
        return 255.0
    top = float(mask.max(initial=0))
    if mask.dtype.kind == "f" and top <= 1:
        return 1.0
    return 255.0 if top <= 255 else 65535.0


def _binary(mask: np.ndarray, rule: LabelRule) -> np.ndarray:
    # The largest channel, so that a red or blue structure is as good as a white one.
    grey = mask.max(axis=2) if mask.ndim == 3 else mask
    if rule.algorithm == "otsu" and grey.min() != grey.max():
        grey = grey if grey.dtype == np.uint8 else np.rint(grey * (255.0 / full_range(grey))).astype(np.uint8)
        threshold = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0] + 1
    else:
        threshold = full_range(grey) / 2 if rule.threshold is None else rule.threshold
    label = (grey >= threshold).astype(np.uint8)
    if rule.smooth:
        # A majority in the window: outlines become smooth and the area stays, where a blur alone would widen it.
        label = (cv2.blur(label.astype(np.float32), rule.smooth) > 0.5).astype(np.uint8)
    return label


def _index(mask: np.ndarray, rule: LabelRule) -> np.ndarray:
    if mask.ndim == 3:
        if (mask[..., :1] != mask).any():
            raise MaskwrightError(
                "is a colour picture, and mask.format says class numbers",
                fix='Set mask.format = "color" and mask.colors.',
            )
        mask = mask[..., 0]
    values, counts = np.unique(mask, return_counts=True)
    wrong = [i for i, value in enumerate(values) if value >= rule.classes or value < 0 or value != int(value)]
    if wrong:
        listed = ", ".join(f"{values[i]:g} ({counts[i]} px)" for i in wrong[:5])
        raise MaskwrightError(
            f"holds values that no class describes: {listed}; classes are 0 to {rule.classes - 1}",
            fix="Correct the mask, or set model.num_classes, mask.format or mask.levels.",
        )
    return mask.astype(np.uint8)

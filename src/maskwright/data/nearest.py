"""The class of each pixel by its level or colour: exactly, or the nearest where compression or smoothing mixed some."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from maskwright.errors import MaskwrightError

_STRANGE = 0.2  # a mixed mask of which more than this share is far from every class is another mask
_AREA = 5  # pixels of a 3x3 window that make the one in its middle part of an area; a rim between two classes has three
_REACH = np.ones((5, 5), np.uint8)

Codes = Sequence[Sequence[int]]


def nearest_code(mask: np.ndarray, codes: Codes, tolerance: int, *, mixed: bool) -> np.ndarray:
    """The class of each pixel of a mask of levels or colours.

    On a rim, pixels pass through the levels between two classes and may meet those of a third. Where areas of two
    classes or more are at hand, a pixel can only be of one of these; a thin structure, which has no area, is what its
    own level says.

    Args:
        mask: `(H, W)` or `(H, W, 3)`.
        codes: level, or red, green and blue, of each class, in the file's own numbers.
        tolerance: `mixed`: distance of a channel up to which a pixel is surely of a class.
        mixed: the file was compressed with losses or smoothed; else each pixel has a class's code exactly.

    Returns:
        `(H, W)` uint16, places among the codes.

    Raises:
        MaskwrightError: pixels that no class describes.
    """
    channels = mask.astype(np.int32) if mask.dtype.kind in "ub" else mask.astype(np.float32)
    channels = channels if channels.ndim == 3 else channels[..., None]
    if channels.shape[2] == 1:
        codes = [code[:1] for code in codes]
    distances = np.stack([np.abs(channels - np.array(code, channels.dtype)).max(axis=2) for code in codes])
    label, apart = distances.argmin(axis=0).astype(np.uint16), distances.min(axis=0)
    far = apart > (tolerance if mixed else 0)
    if far.any() and (not mixed or far.mean() > _STRANGE):
        raise _strange(channels, far, codes)
    return _without_rims(label, far, distances) if mixed else label


def _without_rims(label: np.ndarray, far: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """A label in which what lies between two areas belongs to one of them."""
    areas, at_hand = [], []
    for number in range(len(distances)):
        sure = ((label == number) & ~far).astype(np.uint8)
        count = cv2.boxFilter(sure, -1, (3, 3), normalize=False, borderType=cv2.BORDER_REFLECT)
        areas.append(sure & (count >= _AREA))
        at_hand.append(cv2.dilate(areas[-1], _REACH) > 0)
    near = np.stack(at_hand)
    its_own = np.take_along_axis(near, label[None].astype(np.intp), axis=0)[0]
    lost = ~its_own & (near.sum(axis=0) > 1)
    if not lost.any():
        return label
    among = np.where(near[:, lost], distances[:, lost], np.inf)
    found = label.copy()
    found[lost] = among.argmin(axis=0)
    return found


def _strange(channels: np.ndarray, far: np.ndarray, codes: Codes) -> MaskwrightError:
    values, counts = np.unique(channels[far], axis=0, return_counts=True)
    shown = [_written(values[place]) + f" ({counts[place]} px)" for place in np.argsort(-counts)[:5]]
    return MaskwrightError(
        f"holds {'levels' if channels.shape[2] == 1 else 'colours'} that no class describes: {', '.join(shown)}; "
        f"classes have {', '.join(map(_written, codes))}",
        fix="Correct the mask, or complete mask.colors or mask.levels.",
    )


def _written(code: Sequence[float]) -> str:
    return f"{code[0]:g}" if len(code) == 1 else str(tuple(int(value) for value in code))

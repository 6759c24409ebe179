"""Small versions of pictures and scans by which copies are recognised, whatever their size, depth and levels."""

from __future__ import annotations

import cv2
import numpy as np

SIDE = 128  # of a picture's thumbnail, px
SLABS, SLAB_SIDE = 4, 64  # of a scan's
_BINS = 1024
# The share of pixels that a level may count with is at most so many times that of evenly filled levels. So the tissue
# that a full range of Hounsfield units squeezes into few levels gets more of them, and noise on black gets few.
_LIMIT = 4.0
_TAILS = (0.1, 99.9)  # percentiles that become black and white: one hot pixel or one clip of metal is not a range


def thumbnail(image: np.ndarray) -> np.ndarray:
    """A `(128, 128)` uint8 grey version of `(H, W)` or `(H, W, C)`, its levels equalised.

    Resized by averaging where it shrinks; a flat picture becomes 0.
    """
    return _equalize(_plane(_grey(image), SIDE))


def volume_thumbnail(scan: np.ndarray) -> np.ndarray:
    """A `(4, 64, 64)` uint8 grey version of a scan `(D, H, W)` or `(D, H, W, C)`, its levels equalised together.

    Each of the 4 is the mean of a quarter of the slices, so that a scan resampled to other spacing gives the same.
    """
    slices = np.stack([_plane(_grey(one), SLAB_SIDE) for one in scan])
    return _equalize(_along(slices, SLABS))


def _grey(image: np.ndarray) -> np.ndarray:
    """`(H, W)` float32: the mean of the channels."""
    levels = image.astype(np.float32)
    return levels if image.ndim == 2 else levels @ np.full(image.shape[2], 1 / image.shape[2], np.float32)


def _plane(grey: np.ndarray, side: int) -> np.ndarray:
    """`(H, W)` float32 at `(side, side)`; each axis by itself, because OpenCV averages only where both shrink."""
    for width, height in ((side, grey.shape[0]), (side, side)):
        shrinks = width <= grey.shape[1] and height <= grey.shape[0]
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return grey


def _along(slices: np.ndarray, count: int) -> np.ndarray:
    """`(D, H, W)` at `count` slices, as columns of one picture."""
    depth = len(slices)
    columns = slices.reshape(depth, -1)
    how = cv2.INTER_AREA if count <= depth else cv2.INTER_LINEAR
    return cv2.resize(columns, (columns.shape[1], count), interpolation=how).reshape(count, *slices.shape[1:])


def _equalize(levels: np.ndarray) -> np.ndarray:
    """Contrast-limited histogram equalisation of the whole (Pizer et al. 1987), to uint8.

    It keeps the order of levels, so what a monotone change of levels did to a picture is undone for the most part.
    """
    low, high = np.percentile(levels, _TAILS)
    if not high > low:
        low, high = float(levels.min()), float(levels.max())
    if not high > low:
        return np.zeros(levels.shape, np.uint8)
    scaled = np.clip((levels - low) / (high - low), 0, 1)
    share = np.histogram(scaled, _BINS, (0, 1))[0] / scaled.size
    cap = _LIMIT / _BINS
    while (excess := np.maximum(share - cap, 0).sum()) > 1e-4:
        room = share < cap
        share = np.minimum(share, cap)
        share[room] += excess / room.sum()
    curve = np.concatenate([[0.0], np.cumsum(share)])
    equal = np.interp(scaled, np.linspace(0, 1, _BINS + 1), curve * (255 / curve[-1]))
    return np.rint(equal).astype(np.uint8)

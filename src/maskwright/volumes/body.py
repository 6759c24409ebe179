"""The box around the body in a scan; the same in preparation and in prediction."""

from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage

from maskwright.volumes.boxes import bounding_box
from maskwright.volumes.volume import Grid, Volume
from maskwright.volumes.window import to_grey

Box = tuple[slice, slice, slice]
_AIR = -300.0  # HU between air and body


def body_box(scan: Volume, border: float) -> Box:
    """The box around the body and `border` mm more, inside the scan; all of it where no body is found."""
    return box_around(_body(scan), scan.grid, border)


def box_around(inside: np.ndarray, grid: Grid, border: float) -> Box:
    """The box around what is True, and `border` mm more, inside the grid; all of the grid where nothing is."""
    if not inside.any():
        return tuple(slice(0, size) for size in grid.shape)  # type: ignore[return-value]
    margins = [int(np.ceil(border / step)) for step in grid.spacing]
    return bounding_box(inside, margins)  # type: ignore[return-value]


def _body(scan: Volume) -> np.ndarray:
    """The largest connected part that is no air (CT), or brighter than Otsu's threshold; found at a quarter's size."""
    small = scan.array[:, ::4, ::4]
    if scan.modality == "CT" or small.min() < _AIR:
        level = _AIR
    else:
        grey = to_grey(small, float(small.min()), float(max(small.max(), small.min() + 1)))
        top = cv2.threshold(grey.reshape(grey.shape[0], -1), 0, 255, cv2.THRESH_OTSU)[0]
        level = float(small.min()) + top / 255 * float(np.ptp(small))
    parts, count = ndimage.label(small > level)
    if count == 0:
        return np.zeros(scan.array.shape, bool)
    largest = 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    whole = np.repeat(np.repeat(parts == largest, 4, axis=1), 4, axis=2)
    return whole[:, : scan.array.shape[1], : scan.array.shape[2]]

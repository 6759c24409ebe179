"""Reading mask files: the numbers or colours that they show, whatever way they are stored in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from maskwright.data.images import read_header, read_image
from maskwright.data.labels import make_label
from maskwright.data.slides import Window
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule


@dataclass(frozen=True)
class MaskFile:
    """A decoded mask.

    Attributes:
        array: numbers `(H, W)`, or colours `(H, W, 3)`.
        lossy: its compression loses some (JPEG, whatever the file is called).
        palette: `(N, 3)` uint8, the colour that each number stands for; None where numbers stand for themselves.
    """

    array: np.ndarray = field(repr=False)
    lossy: bool = False
    palette: np.ndarray | None = field(default=None, repr=False)

    @property
    def shown(self) -> np.ndarray:
        """What a viewer shows: the colours of a palette in place of its numbers."""
        return self.array if self.palette is None else self.palette[self.array]


def read_mask(path: Path, window: Window | None = None) -> MaskFile:
    """Decode a mask, or a part of it. A palette of greys is what it shows: its order is the writer's whim.

    Raises:
        UnreadableImage: as `read_image`.
    """
    header = read_header(path)
    array = read_image(path, palette=True, window=window)
    if header.palette is None:
        return MaskFile(array, header.lossy)
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(header.palette)] = header.palette
    used = palette[np.flatnonzero(np.bincount(array.ravel(), minlength=256))]
    if (used == used[:, :1]).all():
        return MaskFile(palette[:, 0][array], header.lossy)
    return MaskFile(array, header.lossy, palette)


def label_of(mask: MaskFile, rule: LabelRule) -> np.ndarray:
    """Class numbers of a decoded mask, `(H, W)` uint8, as `make_label`."""
    return make_label(mask.shown if rule.sees_colours else mask.array, rule, lossy=mask.lossy)


def read_label(path: Path, rule: LabelRule, window: Window | None = None) -> np.ndarray:
    """Decode a mask file, or a part of it, into class numbers, `(H, W)` uint8; errors name the file.

    Raises:
        MaskwrightError: it cannot be read, or holds what no class describes.
    """
    mask = read_mask(path, window)
    try:
        return label_of(mask, rule)
    except MaskwrightError as error:
        raise MaskwrightError(error.what, where=path, fix=error.fix) from None

"""Probabilities at a picture's own size, and masks as pictures."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageColor

from maskwright.config.schema import PredictSection
from maskwright.data.filters import gaussian, resize
from maskwright.errors import MaskwrightError

# Colours of classes 1, 2, … in masks and overlays where the configuration gives none: Okabe and Ito's palette, which
# colour-blind people can tell apart.
PALETTE = [(230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167)]


def restore(probabilities: np.ndarray, height: int, width: int, blur: tuple[int, int] | None = None) -> np.ndarray:
    """Probabilities `(h, w, K)` at the picture's own size, smoothed by a Gaussian of `blur` px first where asked."""
    if blur:
        width_, height_ = (size | 1 for size in blur)  # OpenCV takes odd kernels only
        probabilities = gaussian(probabilities, (width_, height_), 0)
    return resize(probabilities, height, width, "linear")


def mask_picture(label: np.ndarray, options: PredictSection, classes: int) -> np.ndarray:
    """A mask to look at: 0 and 255 (or the two configured colours) for one structure, else class numbers."""
    if classes > 2:
        return label
    if options.colorize:
        return np.array([_colour(options.black), _colour(options.white)], np.uint8)[label]
    return label * np.uint8(255)


def mask_bytes(label: np.ndarray, options: PredictSection, classes: int) -> bytes:
    """The file of a mask: PNG (several classes as a palette of class numbers) or JPEG."""
    from io import BytesIO

    picture = Image.fromarray(mask_picture(label, options, classes))
    buffer = BytesIO()
    if classes > 2:
        picture.putpalette([0, 0, 0, *(level for i in range(1, classes) for level in class_colour(i))])
    if mask_suffix(options, classes) == ".jpg":
        picture.save(buffer, "JPEG", quality=95)
    else:
        picture.save(buffer, "PNG")
    return buffer.getvalue()


def mask_suffix(options: PredictSection, classes: int) -> str:
    """`.jpg` where asked for, but class numbers need a format that keeps them."""
    return ".jpg" if options.format == "jpg" and classes == 2 else ".png"


def class_colour(number: int) -> tuple[int, int, int]:
    """Red, green, blue of a class from 1 on."""
    return PALETTE[(number - 1) % len(PALETTE)]


def _colour(name: str) -> tuple[int, ...]:
    try:
        return ImageColor.getrgb(name)[:3]
    except ValueError:
        raise MaskwrightError(
            f"is no colour: {name!r}", where="[predict] black, white", fix="Use a name such as green, or #rrggbb."
        ) from None

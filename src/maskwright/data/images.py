"""Reading picture files: any common format and depth, strictly, and never more than was asked for.

Pillow decodes what has 8 bits a channel, because it refuses truncated files; OpenCV decodes 16-bit and float ones,
which Pillow would reduce.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from maskwright.errors import MaskwrightError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
LOSSY_SUFFIXES = (".jpg", ".jpeg")
# A picture of more pixels than this is taken for a decompression bomb: 16384 x 16384.
MAX_PIXELS = 1 << 28
_COPY = "Copy it again from its source, or remove it."


class UnreadableImage(MaskwrightError):
    """A file that is no picture, or only part of one."""


class TooLarge(UnreadableImage):
    """A file that declares more pixels than are read."""


@dataclass(frozen=True)
class Header:
    """What a file declares before it is decoded."""

    height: int
    width: int
    dtype: str  # "uint8", "uint16" or "float32"
    pages: int = 1
    by_pillow: bool = True


def read_header(path: Path) -> Header:
    """Size (as displayed), depth and pages of a picture file, without decoding it where that can be helped.

    Raises:
        UnreadableImage: no file, empty, no picture, or one that declares more than `MAX_PIXELS`.
    """
    try:
        if path.stat().st_size == 0:
            raise UnreadableImage("is an empty file", where=path, fix=_COPY)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures; the limit below is ours
            with Image.open(path) as picture:
                return _header(picture, path)
    except FileNotFoundError:
        raise UnreadableImage("there is no such file", where=path) from None
    except Image.DecompressionBombError as error:
        raise _too_large(path, f"{re.findall(r'[0-9]+', str(error))[0]} pixels") from None
    except UnidentifiedImageError:
        if path.suffix.lower() not in {".tif", ".tiff"}:
            raise UnreadableImage(
                "is no picture that can be read",
                where=path,
                fix=f"Accepted: {' '.join(SUFFIXES)}; is its name's ending right?",
            ) from None
        # TIFFs of three 16-bit or float channels, which Pillow does not know.
        array = _read_deep(path)
        return Header(array.shape[0], array.shape[1], str(array.dtype), by_pillow=False)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise UnreadableImage(f"cannot be read ({error})", where=path, fix=_COPY) from None


def _header(picture: Any, path: Path) -> Header:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise _too_large(path, f"{width} x {height} pixels")
    if picture.getexif().get(0x0112, 1) in (5, 6, 7, 8):  # turned by 90 degrees
        width, height = height, width
    dtype = "uint8"
    if picture.mode.startswith("I;16"):
        dtype = "uint16"
    elif picture.mode in {"I", "F"}:
        dtype = "float32"
    elif picture.format == "TIFF" and max(picture.tag_v2.get(258, (8,))) > 8:  # BitsPerSample; Pillow would reduce it
        dtype = "float32" if 3 in picture.tag_v2.get(339, ()) else "uint16"
    elif picture.format == "PNG":
        with path.open("rb") as file:
            # The bit depth is byte 24, in the IHDR chunk (PNG specification, 11.2.2).
            dtype = "uint16" if file.read(25)[24] == 16 else "uint8"
    return Header(height, width, dtype, getattr(picture, "n_frames", 1))


def _too_large(path: Path, what: str) -> TooLarge:
    return TooLarge(
        f"declares too large a picture ({what}; at most {MAX_PIXELS:,} pixels are read)",
        where=path,
        fix="Cut it into smaller pictures.",
    )


def read_image(path: Path, *, palette: bool = False) -> np.ndarray:
    """Decode a picture.

    Args:
        path: jpg, png, bmp, tif or tiff.
        palette: keep the numbers of a palette picture (class numbers of a mask) instead of its colours.

    Returns:
        `(H, W)` grey or `(H, W, 3)` red, green, blue; uint8, uint16 or float32. An alpha channel is dropped, and the
        rotation that a camera noted is applied.

    Raises:
        UnreadableImage: no file, empty, truncated, no picture, several pages, or declared too large.
    """
    header = read_header(path)
    if header.pages > 1:
        raise UnreadableImage(
            f"holds {header.pages} pages, not one picture", where=path, fix="Save its pages as single files."
        )
    if not header.by_pillow:
        return _read_deep(path)
    try:
        with Image.open(path) as picture:
            picture.load()  # refuses a truncated file, which OpenCV fills with grey
            if header.dtype != "uint8":
                return _read_deep(path)
            return np.asarray(ImageOps.exif_transpose(_plain(picture, palette)))
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise UnreadableImage(
            f"is damaged or cut short ({error})", where=path, fix="Copy it again from its source, or remove it."
        ) from None


def _plain(picture: Image.Image, palette: bool) -> Image.Image:
    if picture.mode in {"L", "RGB"} or (picture.mode == "P" and palette):
        return picture
    return picture.convert("L" if picture.mode in {"1", "LA"} else "RGB")


def _read_deep(path: Path) -> np.ndarray:
    # imdecode instead of imread: OpenCV cannot open names outside the code page on Windows.
    try:
        array = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise UnreadableImage(f"cannot be decoded ({error.err})", where=path) from None
    if array is None:
        raise UnreadableImage(
            "is damaged, or no picture that can be read", where=path, fix=f"Accepted: {' '.join(SUFFIXES)}."
        )
    if array.ndim == 3:
        array = array[..., 0] if array.shape[2] == 2 else array[..., 2::-1]
    if array.dtype in (np.uint8, np.uint16):
        return np.ascontiguousarray(array)
    if not np.isfinite(array).all():
        raise UnreadableImage(
            "holds values that are not finite (NaN or infinity)",
            where=path,
            fix="Replace them, for example by the background's level.",
        )
    return np.ascontiguousarray(array, dtype=np.float32)

"""Reading picture files: any common format and depth, strictly, and never more than was asked for.

Pillow decodes what has 8 bits a channel, because it refuses truncated files; OpenCV decodes PNG, PNM and JPEG 2000 of
16 bits, which Pillow would reduce; tifffile decodes TIFFs of more bits, of bands or planes, of which both lose some.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from maskwright.data.headers import is_lossy, jpeg2000_bits, png_bits, pnm_maximum
from maskwright.data.slides import MAX_PIXELS, Window, open_slide
from maskwright.data.tiff import COPY, Bands, UnreadableImage, declared, read_bands
from maskwright.untrusted.decode import decoding

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".bmp", ".tif", ".tiff", ".btf", ".svs", ".webp", ".gif", ".jp2",
    ".j2k", ".pbm", ".pgm", ".ppm", ".pnm",
)  # fmt: skip


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
    bands: Bands | None = None  # of a TIFF that only tifffile keeps whole
    orientation: int = 1  # how it is turned when it is read: 1 not at all (EXIF and TIFF 6.0, tag 274)
    lossy: bool = False  # compressed as JPEG is, whatever the file is called
    palette: np.ndarray | None = field(default=None, repr=False)  # (N, 3) uint8: the colours of its numbers


def read_header(path: Path) -> Header:
    """Size (as displayed), depth and pages of a picture file, without decoding it where that can be helped.

    Raises:
        UnreadableImage: no file, empty, no picture, or one that declares more than `MAX_PIXELS` and cannot be read by
            windows.
    """
    with decoding(path, fix=COPY, kind=UnreadableImage):
        if path.stat().st_size == 0:
            raise UnreadableImage("is an empty file", where=path, fix=COPY)
        if (slide := open_slide(path)) is not None and slide.height * slide.width > MAX_PIXELS:
            return Header(slide.height, slide.width, slide.dtype, by_pillow=False, bands=slide.bands, lossy=slide.lossy)
        if (bands := declared(path)) is not None:
            return _banded(bands, path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow warns of large pictures; the limit below is ours
                with Image.open(path) as picture:
                    return _header(picture, path)
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


def _banded(bands: Bands, path: Path) -> Header:
    # Four bands count as a picture of so many pixels, as colours with alpha do.
    if bands.height * bands.width * max(4, bands.stored) // 4 > MAX_PIXELS:
        raise _too_large(path, f"{bands.width} x {bands.height} pixels of {bands.stored} bands")
    return Header(
        bands.height, bands.width, bands.dtype, bands.pages, by_pillow=False, bands=bands, orientation=bands.orientation
    )


def _header(picture: Any, path: Path) -> Header:
    width, height = picture.size
    if picture.format == "TIFF":  # of which Pillow says the size as stored, or as displayed, by its version
        width, height = int(picture.tag_v2[256]), int(picture.tag_v2[257])
    if width * height > MAX_PIXELS:
        raise _too_large(path, f"{width} x {height} pixels")
    orientation = int((picture.tag_v2 if picture.format == "TIFF" else picture.getexif()).get(274, 1))
    if orientation in (5, 6, 7, 8):  # turned by 90 degrees
        width, height = height, width
    palette = np.array(picture.getpalette("RGB"), np.uint8).reshape(-1, 3) if picture.mode == "P" else None
    # A camera's second picture is a preview of the first.
    pages = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
    lossy = is_lossy(picture, path)
    return Header(height, width, _dtype(picture, path), pages, orientation=orientation, lossy=lossy, palette=palette)


def _dtype(picture: Any, path: Path) -> str:
    """The depth of an opened picture; Pillow reduces some to 8 bits."""
    bits = {"PNG": png_bits, "JPEG2000": jpeg2000_bits, "PPM": _pnm_bits}.get(picture.format)
    if bits is not None:
        return "uint16" if bits(path) > 8 else "uint8"
    if picture.mode.startswith("I;16"):
        return "uint16"
    return "float32" if picture.mode in {"I", "F"} else "uint8"


def _pnm_bits(path: Path) -> int:
    return pnm_maximum(path).bit_length()


def _too_large(path: Path, what: str) -> TooLarge:
    return TooLarge(
        f"declares too large a picture ({what}; at most {MAX_PIXELS:,} pixels are read)",
        where=path,
        fix='Cut it into smaller pictures; or save it as a tiled TIFF, and train with data.fit = "patch".',
    )


def read_image(path: Path, *, palette: bool = False, window: Window | None = None) -> np.ndarray:
    """Decode a picture.

    Args:
        path: of any of `SUFFIXES`.
        palette: keep the numbers of a palette picture (class numbers of a mask) instead of its colours.
        window: the part of it that is wanted; of a large TIFF nothing else is decoded.

    Returns:
        `(H, W)` grey, `(H, W, 3)` red, green, blue, or `(H, W, C)` bands of a TIFF; uint8, uint16 or float32. An alpha
        channel is dropped, and the rotation that a camera noted is applied.

    Raises:
        UnreadableImage: no file, empty, truncated, no picture, several pages, declared too large; or a mask of bands.
    """
    if window is not None:
        if (slide := open_slide(path)) is not None:
            return slide.read(window)
        top, left, height, width = window
        return np.ascontiguousarray(read_image(path, palette=palette)[top : top + height, left : left + width])
    header = read_header(path)
    if header.height * header.width > MAX_PIXELS:
        raise _too_large(path, f"{header.width} x {header.height} pixels")
    if header.pages > 1:
        raise UnreadableImage(
            f"holds {header.pages} pages, not one picture",
            where=path,
            fix="Save its pages as single files; or a stack that is a scan as NIfTI, with the distance of its slices.",
        )
    if header.bands:
        array = _finite(read_bands(path, header.bands), path)
        if palette and array.ndim == 3 and array.shape[2] != 3:
            raise UnreadableImage(
                f"has {array.shape[2]} bands, and a mask is grey or in colours",
                where=path,
                fix="Save it with one or three; a fourth that is alpha must say so (ExtraSamples).",
            )
        return array
    if not header.by_pillow:
        return _read_deep(path)
    with decoding(path, fix=COPY, kind=UnreadableImage), Image.open(path) as picture:
        picture.load()  # refuses a truncated file, which OpenCV fills with grey
        if header.dtype == "uint8":
            array = np.asarray(ImageOps.exif_transpose(_plain(picture, palette)))
            return _own_levels(array, path) if picture.format == "PPM" else array
    return _read_deep(path)


def decoded(picture: Image.Image) -> np.ndarray:
    """An opened picture of Pillow as `read_image` would give it: alpha dropped, turned as its camera noted.

    Raises:
        UnreadableImage: values that are not finite.
    """
    if picture.mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16)
    if picture.mode in {"I", "F"}:
        return _finite(np.asarray(picture, np.float32), "the PIL picture")
    return np.asarray(ImageOps.exif_transpose(_plain(picture, False)))


def _plain(picture: Image.Image, palette: bool) -> Image.Image:
    if picture.mode in {"L", "RGB"} or (picture.mode == "P" and palette):
        return picture
    return picture.convert("L" if picture.mode in {"1", "LA"} else "RGB")


def _own_levels(array: np.ndarray, path: Path) -> np.ndarray:
    """The numbers that stand in a PGM or PPM file, which Pillow stretches to 255."""
    maximum = pnm_maximum(path)
    return np.rint(array * (maximum / 255)).astype(np.uint8) if 1 < maximum < 255 else array


def _read_deep(path: Path) -> np.ndarray:
    # imdecode instead of imread: OpenCV cannot open names outside the code page on Windows.
    with decoding(path, fix=COPY, kind=UnreadableImage):
        array = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None:
        raise UnreadableImage(
            "is damaged, or no picture that can be read", where=path, fix=f"Accepted: {' '.join(SUFFIXES)}."
        )
    if array.ndim == 3:
        array = array[..., 0] if array.shape[2] == 2 else array[..., 2::-1]
    if array.dtype in (np.uint8, np.uint16):
        return np.ascontiguousarray(array)
    return np.ascontiguousarray(_finite(array, path), dtype=np.float32)


def _finite(array: np.ndarray, path: object) -> np.ndarray:
    if not np.isfinite(array).all():
        raise UnreadableImage(
            "holds values that are not finite (NaN or infinity)",
            where=path,
            fix="Replace them, for example by the background's level.",
        )
    return array


def read_images(paths: Sequence[Path], window: Window | None = None) -> np.ndarray:
    """Decode the files of one picture: one as it is, or several with their channels one after another, `(H, W, C)`.

    Args:
        window: the part of it that is wanted.

    Raises:
        UnreadableImage: a file cannot be read, or its size or depth is not that of the first.
    """
    first = read_image(paths[0], window=window)
    if len(paths) == 1:
        return first
    arrays = [first]
    for path in paths[1:]:
        one = read_image(path, window=window)
        if one.shape[:2] != first.shape[:2] or one.dtype != first.dtype:
            raise UnreadableImage(
                f"is {one.shape[1]} x {one.shape[0]} px of {one.dtype}, and the first channel {paths[0].name} is "
                f"{first.shape[1]} x {first.shape[0]} of {first.dtype}",
                where=path,
                fix="Save the channels of a picture with one size and depth.",
            )
        arrays.append(one)
    return np.dstack(arrays)

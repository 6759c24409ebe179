"""TIFFs that other decoders read wrongly: of bands, and of more than 8 bits or with signs.

Pillow reads five bands as three and signed bytes as unsigned; OpenCV takes the fourth band for alpha, mixes planes of
16 bits up, leaves levels that count from white as they are, and turns nothing. So what a file declares is asked of
tifffile first. Compressions beyond deflate need the package imagecodecs there; it weighs more than all our other
decoders together, so OpenCV decompresses what it can instead, and turning is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.untrusted.decode import decoding

_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3}  # samples of each PhotometricInterpretation (TIFF 6.0, page 37)
_ALPHA = (1, 2)  # ExtraSamples: associated and unassociated alpha; 0 is unspecified, a band like the others
_CMYK = 5
# Orientation (TIFF 6.0, page 36): quarter turns clockwise, after mirroring left and right or not.
_TURNS = {2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True), 6: (1, False), 7: (1, True), 8: (3, False)}
COPY = "Copy it again from its source, or remove it."


class UnreadableImage(MaskwrightError):
    """A file that is no picture, or only part of one."""


@dataclass(frozen=True)
class Bands:
    """What such a TIFF declares: size as displayed, samples of a pixel, depth, pages, and the camera's rotation."""

    height: int
    width: int
    stored: int
    kept: tuple[int, ...]  # the samples that are bands; the others are alpha
    dtype: str
    pages: int
    orientation: int


def declared(path: Path) -> Bands | None:
    """What a file declares if only tifffile reads it right; None for anything else, damaged files among them."""
    with path.open("rb") as file:
        if file.read(4) not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return None
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            page: Any = tiff.pages[0]
            extra = [int(kind) for kind in page.extrasamples]
            stored, colours = int(page.samplesperpixel), _COLOURS.get(int(page.photometric), 3)
            extra += [0] * (stored - colours - len(extra))
            first = stored - len(extra)
            kept = tuple(place for place in range(stored) if place < first or extra[place - first] not in _ALPHA)
            if int(page.photometric) == _CMYK or (len(kept) == colours and _others_can(page)):
                return None
            height, width, turned = int(page.imagelength), int(page.imagewidth), _orientation(page)
            if turned in (5, 6, 7, 8):
                height, width = width, height
            return Bands(height, width, stored, kept, _kept_dtype(page.dtype), len(tiff.pages), turned)
    except Exception:  # noqa: BLE001 - whatever it is, Pillow looks at the file next and says so
        return None


def read_bands(path: Path, bands: Bands) -> np.ndarray:
    """Decode a TIFF of bands: `(H, W, C)`, or `(H, W)` where all but one are alpha; uint8, uint16 or float32.

    Raises:
        UnreadableImage: it is cut short or damaged, or compressed in a way that is not read.
    """
    import tifffile

    with decoding(path, fix=COPY, kind=UnreadableImage), tifffile.TiffFile(path) as tiff:
        page: Any = tiff.pages[0]
        parts = zip(page.dataoffsets, page.databytecounts, strict=True)
        if max((first + count for first, count in parts), default=0) > path.stat().st_size:
            raise ValueError("the file ends before its picture")
        try:
            array = np.asarray(page.asarray())
        except (ValueError, KeyError, RuntimeError) as error:
            decoded = _by_opencv(path, page) if "imagecodecs" in str(error) else None
            if decoded is None and "imagecodecs" not in str(error):
                raise
            if decoded is None:
                raise UnreadableImage(
                    f"is compressed by {page.compression.name}, which needs imagecodecs here",
                    where=path,
                    fix="pip install imagecodecs, or save it uncompressed or with deflate.",
                ) from None
            array = decoded
        if page.axes == "SYX":
            array = np.moveaxis(array, 0, -1)
        if array.ndim == 2:
            array = array[..., None]
        if array.ndim != 3 or array.shape[2] != bands.stored:
            raise ValueError(f"its axes are {page.axes}")
        white_is_zero = int(page.photometric) == 0
    array = array[..., list(bands.kept)]
    if array.dtype == bool:
        array = array * np.uint8(255)
    if white_is_zero and array.dtype.kind == "u":
        array = np.iinfo(array.dtype).max - array
    turns, mirrored = _TURNS.get(bands.orientation, (0, False))
    array = np.rot90(array[:, ::-1] if mirrored else array, -turns)
    array = array[..., 0] if len(bands.kept) == 1 else array
    return np.ascontiguousarray(array, dtype=bands.dtype)


def _others_can(page: Any) -> bool:
    """Whether Pillow reads grey, colours or a palette right, and drops their alpha channel."""
    return page.bitspersample <= 8 and int(page.sampleformat) == 1


def _by_opencv(path: Path, page: Any) -> np.ndarray | None:
    """What OpenCV decompresses where tifffile cannot without imagecodecs: `(H, W, samples)` as stored, or None."""
    if int(page.samplesperpixel) not in (1, 3, 4) or (page.samplesperpixel > 1 and int(page.planarconfig) != 1):
        return None
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    array = cv2.imdecode(np.fromfile(path, np.uint8), flags)
    if array is None or str(array.dtype) != str(page.dtype):
        return None
    return array if array.ndim == 2 else array[..., [2, 1, 0, 3][: array.shape[2]]]


def _orientation(page: Any) -> int:
    tag = page.tags.get("Orientation")
    return int(tag.value) if tag else 1


def _kept_dtype(dtype: Any) -> str:
    if np.dtype(dtype).kind == "b":
        return "uint8"
    return str(np.dtype(dtype)) if dtype in (np.uint8, np.uint16) else "float32"

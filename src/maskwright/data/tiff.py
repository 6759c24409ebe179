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
    """What such a TIFF declares: size as displayed, samples of a pixel, depth, pages, and the camera's rotation.

    Attributes:
        kept: the samples that are bands; the others are alpha.
        pages: pictures in the file; smaller versions of the first are none, nor are the channels of OME-TIFF.
        planes: pages that are one channel each (OME-TIFF), 1 of all others.
    """

    height: int
    width: int
    stored: int
    kept: tuple[int, ...]
    dtype: str
    pages: int
    orientation: int
    planes: int = 1
    white_is_zero: bool = False

    def pages_of(self, tiff: Any) -> list[Any]:
        """The pages of an opened file that are the picture: one, or one a channel."""
        return list(tiff.series[0].levels[0].pages) if self.planes > 1 else [_largest(tiff)]


def declared(path: Path) -> Bands | None:
    """What a file declares if only tifffile reads it right; None for anything else, damaged files among them."""
    if not is_tiff(path):
        return None
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            found = bands_of(tiff)
            if found is None:
                return None
            page: Any = tiff.pages[0]
            several = found.planes > 1 or found.pages < len(tiff.pages)
            plain = len(found.kept) == _COLOURS.get(int(page.photometric), 3)
            return None if plain and not several and _others_can(page) else found
    except Exception:  # noqa: BLE001 - whatever it is, Pillow looks at the file next and says so
        return None


def is_tiff(path: Path) -> bool:
    """Whether a file begins as a TIFF or BigTIFF does."""
    with path.open("rb") as file:
        return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def bands_of(tiff: Any) -> Bands | None:
    """What an opened TIFF declares, whoever reads it right; None of colours for print."""
    page = _largest(tiff)
    if int(page.photometric) == _CMYK:
        return None
    extra = [int(kind) for kind in page.extrasamples]
    stored, colours = int(page.samplesperpixel), _COLOURS.get(int(page.photometric), 3)
    extra += [0] * (stored - colours - len(extra))
    first = stored - len(extra)
    kept = tuple(place for place in range(stored) if place < first or extra[place - first] not in _ALPHA)
    height, width, turned = int(page.imagelength), int(page.imagewidth), _orientation(page)
    if turned in (5, 6, 7, 8):
        height, width = width, height
    pages, planes = _pages(tiff)
    if planes > 1:
        stored, kept = planes, tuple(range(planes))
    white = int(page.photometric) == 0
    return Bands(height, width, stored, kept, kept_dtype(page.dtype), pages, turned, planes, white)


def _largest(tiff: Any) -> Any:
    """The first page that is not a smaller version of another: some files begin with one that is."""
    places = [place for place, page in enumerate(tiff.pages) if not page.is_reduced]
    return tiff.pages.get(places[0]) if places else tiff.pages[0]


def _pages(tiff: Any) -> tuple[int, int]:
    """How many pictures a file holds, and how many pages are channels of the first."""
    pages = len(tiff.pages)
    if pages == 1 or not (tiff.is_ome or tiff.is_svs or any(page.is_reduced for page in tiff.pages)):
        return pages, 1
    first = tiff.series[0]
    if tiff.is_ome and first.axes == "CYX" and len(tiff.series) == 1:
        return 1, int(first.shape[0])
    if tiff.is_svs:  # with a label, and an overview, which are no pictures of their own
        return 1, 1
    return sum(not page.is_reduced for page in tiff.pages), 1


def read_bands(path: Path, bands: Bands) -> np.ndarray:
    """Decode a TIFF of bands: `(H, W, C)`, or `(H, W)` where all but one are alpha; uint8, uint16 or float32.

    Raises:
        UnreadableImage: it is cut short or damaged, or compressed in a way that is not read.
    """
    import tifffile

    with decoding(path, fix=COPY, kind=UnreadableImage), tifffile.TiffFile(path) as tiff:
        pages = bands.pages_of(tiff)
        page: Any = pages[0]
        parts = [part for one in pages for part in zip(one.dataoffsets, one.databytecounts, strict=True)]
        if max((first + count for first, count in parts), default=0) > path.stat().st_size:
            raise ValueError("the file ends before its picture")
        try:
            array = np.asarray(page.asarray())
            if bands.planes > 1:
                array = np.stack([np.asarray(one.asarray()) for one in pages], axis=-1)
        except (ValueError, KeyError, RuntimeError) as error:
            decoded = _by_opencv(path, page) if "imagecodecs" in str(error) and bands.planes == 1 else None
            if decoded is None and "imagecodecs" not in str(error):
                raise
            if decoded is None:
                raise UnreadableImage(
                    f"is compressed by {page.compression.name}, which needs imagecodecs here",
                    where=path,
                    fix="pip install imagecodecs, or save it uncompressed or with deflate.",
                ) from None
            array = decoded
        if page.axes == "SYX" and bands.planes == 1:
            array = np.moveaxis(array, 0, -1)
        if array.ndim == 2:
            array = array[..., None]
        if array.ndim != 3 or array.shape[2] != bands.stored:
            raise ValueError(f"its axes are {page.axes}")
    array = array[..., list(bands.kept)]
    if array.dtype == bool:
        array = array * np.uint8(255)
    if bands.white_is_zero and array.dtype.kind == "u":
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


def kept_dtype(dtype: Any) -> str:
    """The depth in which levels of a type are kept."""
    if np.dtype(dtype).kind == "b":
        return "uint8"
    return str(np.dtype(dtype)) if dtype in (np.uint8, np.uint16) else "float32"

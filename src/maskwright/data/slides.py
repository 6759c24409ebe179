"""Large TIFFs by windows: tiled or in strips, pyramids, OME-TIFF; only what a window touches is decoded.

A picture of more than `LARGE` pixels never lies in memory as a whole. Segments are decoded by tifffile; those that are
JPEG, for which it needs imagecodecs, by Pillow, with the tables that such a file keeps once for all.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from maskwright.data.tiff import COPY, Bands, UnreadableImage, bands_of, is_tiff, kept_dtype
from maskwright.untrusted.decode import decoding

LARGE = 1 << 26  # px from which on a picture is read by windows: 8192 x 8192
# A picture of more pixels is never decoded as a whole: it is taken for a decompression bomb, as by Pillow.
MAX_PIXELS = 178_956_970
MOST = 1 << 38  # px that a file may declare: half a million on either side
_SEGMENT = 1 << 26  # px of the largest tile or strip that is decoded at once
_STRIP = 64  # rows of what is read at once of an uncompressed strip
_JPEG = (7,)
_PALETTE = 3
_RGB = 2
# A marker of Adobe's before a stream says that its three channels are red, green, blue (transform 0), which is
# otherwise taken for luminance and colour differences.
_ADOBE_RGB = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"

Window = tuple[int, int, int, int]  # first row, first column, rows, columns
FilePart = tuple[Path, Window | None]  # a file, and the part of it that is wanted where it is not the whole


@dataclass(frozen=True)
class _Plane:
    """One page: how its segments lie in the file."""

    page: Any
    rows: int  # of a segment
    columns: int
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    tables: bytes | None


@dataclass(frozen=True)
class Slide:
    """A large picture in a file.

    Attributes:
        height, width: in px. channels: that are kept, alpha left out. dtype: `uint8`, `uint16` or `float32`.
    """

    path: Path
    height: int
    width: int
    channels: int
    dtype: str
    planes: tuple[_Plane, ...] = field(repr=False)
    bands: Bands = field(repr=False)

    @property
    def lossy(self) -> bool:
        """Whether its compression loses some."""
        return int(self.planes[0].page.compression) in _JPEG

    @property
    def shape(self) -> tuple[int, ...]:
        """As of the decoded array: `(H, W)`, or `(H, W, C)`."""
        return (self.height, self.width) if self.channels == 1 else (self.height, self.width, self.channels)

    def read(self, window: Window) -> np.ndarray:
        """What a window shows: `(h, w)` or `(h, w, C)`; it lies inside the picture.

        Raises:
            UnreadableImage: a segment is damaged, or compressed in a way that is not read.
        """
        top, left, height, width = window
        each = [self._plane(plane, top, left, height, width) for plane in self.planes]
        array = each[0] if len(each) == 1 else np.concatenate(each, axis=2)
        array = array[..., list(self.bands.kept)]
        if array.dtype == bool:
            array = array * np.uint8(255)
        if self.bands.white_is_zero and array.dtype.kind == "u":
            array = np.iinfo(array.dtype).max - array
        array = np.ascontiguousarray(array[..., 0] if self.channels == 1 else array, dtype=self.dtype)
        if self.dtype == "float32" and not np.isfinite(array).all():
            what = "holds values that are not finite (NaN or infinity)"
            raise UnreadableImage(what, where=self.path, fix="Replace them, for example by the background's level.")
        return array

    def _plane(self, plane: _Plane, top: int, left: int, height: int, width: int) -> np.ndarray:
        page = plane.page
        apart = int(page.samplesperpixel) if int(page.planarconfig) == 2 else 1
        samples = int(page.samplesperpixel)
        found = np.zeros((height, width, samples), page.dtype)
        down, across = math.ceil(self.height / plane.rows), math.ceil(self.width / plane.columns)
        with decoding(self.path, fix=COPY, kind=UnreadableImage), self.path.open("rb") as file:
            for row in range(top // plane.rows, math.ceil((top + height) / plane.rows)):
                for column in range(left // plane.columns, math.ceil((left + width) / plane.columns)):
                    for sample in range(apart):
                        place = (sample * down + row) * across + column
                        segment = self._segment(plane, file, place, row)
                        first, start = row * plane.rows, column * plane.columns
                        _require_whole(segment, min(plane.rows, self.height - first), plane, self.width - start)
                        low, high = max(top, first), min(top + height, first + segment.shape[0], self.height)
                        begin, end = max(left, start), min(left + width, start + segment.shape[1], self.width)
                        channels = slice(sample, sample + 1) if apart > 1 else slice(None)
                        found[low - top : high - top, begin - left : end - left, channels] = segment[
                            low - first : high - first, begin - start : end - start
                        ]
        return found

    def _segment(self, plane: _Plane, file: Any, place: int, row: int) -> np.ndarray:
        """A decoded tile or strip `(h, w, samples)`."""
        page = plane.page
        file.seek(plane.offsets[place])
        data = file.read(plane.counts[place])
        if len(data) < plane.counts[place]:
            raise ValueError("the file ends before its picture")
        if int(page.compression) == 1 and not page.is_tiled:  # rows as they are, of strips however large
            rows = min(plane.rows, self.height - row * plane.rows)
            samples = 1 if int(page.planarconfig) == 2 else int(page.samplesperpixel)
            kind = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
            return np.frombuffer(data, kind).reshape(rows, self.width, samples)
        if int(page.compression) in _JPEG:
            return _jpeg(data, plane.tables, int(page.photometric))
        try:
            array = page.decode(data, place, jpegtables=plane.tables)[0]
        except (ValueError, RuntimeError, KeyError) as error:
            if "imagecodecs" not in str(error):
                raise
            raise UnreadableImage(
                f"is compressed by {page.compression.name}, which needs imagecodecs here",
                where=self.path,
                fix="pip install imagecodecs, or save it uncompressed, with deflate or JPEG.",
            ) from None
        if array is None:
            raise ValueError("a tile of it holds nothing")
        return np.asarray(array)[0]


def open_slide(path: Path) -> Slide | None:
    """A picture that is to be read by windows; None of one that is small, or no TIFF.

    Raises:
        UnreadableImage: it is large, and cannot be read by windows.
    """
    if not is_tiff(path):
        return None
    stat = path.stat()
    return _opened(path, stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _opened(path: Path, size: int, changed: int) -> Slide | None:
    import tifffile

    try:
        tiff = tifffile.TiffFile(path)
    except Exception:  # noqa: BLE001 - whatever it is, those who read small pictures say so
        return None
    with tiff:
        try:
            bands = bands_of(tiff)
        except Exception:  # noqa: BLE001 - as above
            return None
        if bands is None or bands.height * bands.width <= LARGE:
            return None
        if bands.height * bands.width * len(bands.kept) > MOST:
            what = f"declares {bands.width} x {bands.height} pixels of {len(bands.kept)} bands"
            raise UnreadableImage(f"{what}, more than any picture has", where=path, fix=COPY)
        try:
            with decoding(path, fix=COPY, kind=UnreadableImage):
                pages = bands.pages_of(tiff)
                _require_readable(pages[0].keyframe, bands, path)
                planes = tuple(_plane_of(page, size, path) for page in pages)
        except UnreadableImage:
            if bands.height * bands.width <= MAX_PIXELS:
                return None  # as a whole it may be
            raise
    channels = len(bands.kept)
    return Slide(path, bands.height, bands.width, channels, kept_dtype(planes[0].page.dtype), planes, bands)


def _require_readable(page: Any, bands: Bands, path: Path) -> None:
    wrong = None
    if int(page.photometric) == _PALETTE:
        wrong = "numbers of a palette", "Save it in grey or in colours."
    elif bands.orientation != 1:
        wrong = "a rotation that its file only notes", "Turn it, and save it as it is shown."
    elif bands.pages > 1 or int(getattr(page, "imagedepth", 1)) > 1:
        wrong = f"{bands.pages} pages", "Save its pages as single files."
    if wrong:
        what = f"has {wrong[0]}, and is too large ({bands.width} x {bands.height} px) to be read as a whole"
        raise UnreadableImage(what, where=path, fix=wrong[1])


def _plane_of(frame: Any, size: int, path: Path) -> _Plane:
    page = frame.keyframe  # what all channels of OME-TIFF have in common is kept with the first
    offsets, counts = tuple(map(int, frame.dataoffsets)), tuple(map(int, frame.databytecounts))
    if any(first + count > size for first, count in zip(offsets, counts, strict=True)):
        raise ValueError("the file ends before its picture")
    if not all(counts):
        what = "has empty tiles, and nothing says what they show"
        raise UnreadableImage(what, where=path, fix="Save it with all of its tiles.")
    if page.is_tiled:
        rows, columns = int(page.tilelength), int(page.tilewidth)
    else:
        rows, columns = int(page.rowsperstrip), int(page.imagewidth)
        if int(page.compression) == 1:
            apart = int(page.samplesperpixel) if int(page.planarconfig) == 2 else 1
            samples = 1 if apart > 1 else int(page.samplesperpixel)
            line = columns * samples * np.dtype(page.dtype).itemsize
            offsets, counts, rows = _in_rows(offsets, apart, min(rows, int(page.imagelength)), page, line)
    if rows * columns > _SEGMENT:
        what = f"lies in its file in strips of {columns} x {rows} px, each too large to be read as a whole"
        raise UnreadableImage(what, where=path, fix="Save it tiled.")
    if int(page.bitspersample) < 8 and int(page.compression) == 1 and not page.is_tiled:
        what = f"has {page.bitspersample} bits a pixel, in strips"
        raise UnreadableImage(what, where=path, fix="Save it tiled, or with 8 bits.")
    return _Plane(page, rows, columns, offsets, counts, page.jpegtables)


def _in_rows(
    offsets: tuple[int, ...], apart: int, rows: int, page: Any, line: int
) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Strips of few rows, whatever strips an uncompressed file has: these need not be read as a whole."""
    height = int(page.imagelength)
    strips = math.ceil(height / rows)
    few = math.gcd(rows, _STRIP) if strips > 1 else _STRIP
    found = [
        (offsets[sample * strips + first // rows] + first % rows * line, (min(few, height - first)) * line)
        for sample in range(apart)
        for first in range(0, height, few)
    ]
    starts, counts = zip(*found, strict=True)
    return starts, counts, few


def _require_whole(segment: np.ndarray, rows: int, plane: _Plane, columns: int) -> None:
    """What is smaller than its place would leave a part of the picture black."""
    if segment.shape[0] < rows or segment.shape[1] < min(plane.columns, columns):
        raise ValueError(f"a tile of it has {segment.shape[1]} x {segment.shape[0]} px")


def _jpeg(data: bytes, tables: bytes | None, photometric: int) -> np.ndarray:
    """A segment that is a JPEG stream, with the tables of all: `(h, w, samples)`.

    By Pillow, which refuses one that is cut short; OpenCV fills it with grey.
    """
    head = data[:2] + (_ADOBE_RGB if photometric == _RGB else b"")
    middle = tables[2:-2] if tables else b""
    with Image.open(BytesIO(head + middle + data[2:]), formats=("JPEG",)) as picture:
        array = np.asarray(picture)
    return array[..., None] if array.ndim == 2 else array


def pieces(height: int, width: int, edge: int) -> Iterator[Window]:
    """Windows of about equal size that cover a picture once, none larger than `edge` along either side."""
    down, across = math.ceil(height / edge), math.ceil(width / edge)
    for row in range(down):
        top, below = row * height // down, (row + 1) * height // down
        for column in range(across):
            left, right = column * width // across, (column + 1) * width // across
            yield top, left, below - top, right - left

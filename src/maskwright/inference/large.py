"""Prediction of pictures that do not fit into memory: window by window, a band of rows after the other.

What is in memory does not grow with the height of a picture: the windows of a batch, the probabilities of one row of
windows, and as many rows of the mask as a row of its tiles has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskwright.config.schema import PredictSection
from maskwright.data.cases import CaseFiles
from maskwright.data.filters import resize
from maskwright.data.images import read_images
from maskwright.data.preprocess import InputRule, adjust, to_floats
from maskwright.data.resolution import pixel_spacing, spacing_for
from maskwright.data.scale import seen_size
from maskwright.data.slides import open_slide
from maskwright.data.tiff import UnreadableImage
from maskwright.errors import MaskwrightError
from maskwright.inference.decision import Decision
from maskwright.inference.engines import Engine
from maskwright.inference.journal import Kind
from maskwright.inference.masks import mask_picture
from maskwright.inference.overlay import overlay
from maskwright.inference.tiles import starts
from maskwright.inference.windows import OVERLAP, slabs
from maskwright.storage import atomic, write_bytes

TILE = 512  # px of the mask's tiles
_PREVIEW = 4096  # px of the longer side of what is drawn over the picture
_ACROSS = 4096  # px of the picture that are read at once for it
_BAND = 1 << 24  # probabilities that are brought to the picture's size at once
_ALIGNED = 16  # px of the network within which a window's edge looks for a pixel's edge of the file
_HUGE = 1 << 31  # bytes from which on a file is a BigTIFF


def is_large(files: CaseFiles, rule: InputRule) -> bool:
    """Whether a picture is seen in windows and read by windows too; what is wrong with one is told where it is read."""
    if rule.fit != "patch" or rule.neighbours:
        return False
    try:
        return open_slide(files.paths[0]) is not None
    except (OSError, UnreadableImage):
        return False


def require_writable(options: PredictSection) -> None:
    """Refuse what is asked for of pictures and is not written of such large ones.

    Raises:
        MaskwrightError: naming the key.
    """
    asked = {
        "probabilities": options.probabilities,
        "blur": options.blur,
        "class_colors": options.class_colors,
        "postprocess": options.postprocess != type(options.postprocess)(),
    }
    for key, wanted in asked.items():
        if wanted:
            raise MaskwrightError(
                "needs a picture as a whole, and one of these is too large for that",
                where=f"[predict] {key}",
                fix=f"Leave predict.{key} out; or predict the large ones in a call of their own, without it.",
            )


@dataclass(frozen=True)
class Seen:
    """A large picture as a network sees it; it is asked for boxes of it like an array `(h, w, C)` float32."""

    paths: tuple[Path, ...]
    rule: InputRule
    height: int  # in px of the files
    width: int
    size: tuple[int, int]  # in px of the network

    @property
    def dtype(self) -> np.dtype:
        """Of what it gives."""
        return np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        """As large as the network's input at least."""
        rule = self.rule
        return max(self.size[0], rule.height), max(self.size[1], rule.width), rule.input_channels

    def __getitem__(self, box: tuple[slice, ...]) -> np.ndarray:
        (top, bottom), (left, right) = ((one.start, one.stop) for one in box[:2])
        below, beside = min(bottom, self.size[0]), min(right, self.size[1])
        # A box that lies beyond the picture shows its last row or column.
        first, start = min(top, below - 1), min(left, beside - 1)
        found = to_floats(self._levels(first, below, start, beside), self.rule)
        margins = [(0, bottom - below), (0, right - beside), (0, 0)]
        return np.pad(found, margins, mode="edge")[top - first :, left - start :]

    def _levels(self, top: int, bottom: int, left: int, right: int) -> np.ndarray:
        """Levels `(h, w, C)` at the network's scale."""
        rows, (first, below) = _aligned(top, bottom, self.size[0], self.height)
        columns, (start, beside) = _aligned(left, right, self.size[1], self.width)
        image = read_images(self.paths, (first, start, below - first, beside - start))
        levels = resize(adjust(image, self.rule, self.paths[0]), rows[1] - rows[0], columns[1] - columns[0],
                        self.rule.resize)  # fmt: skip
        return levels[top - rows[0] : bottom - rows[0], left - columns[0] : right - columns[0]]


def _aligned(low: int, high: int, size: int, edge: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Places around two of the network, and where in the file they lie: as near to edges of its pixels as can be.

    So a part that is resized by itself is what it would be in the whole.
    """
    step = edge / size
    if step == 1:
        return (low, high), (low, high)

    def beside(places: range) -> int:
        return min(places, key=lambda place: abs(place * step - round(place * step)))

    begin = beside(range(max(0, low - 1), max(0, low - _ALIGNED) - 1, -1))
    end = beside(range(min(size, high + 1), min(size, high + _ALIGNED) + 1))
    return (begin, end), (round(begin * step), round(end * step))


def seen(files: CaseFiles, rule: InputRule) -> Seen:
    """A large picture as a network sees it.

    Raises:
        MaskwrightError: its levels are normalised by the picture as a whole; or its scale is not known.
    """
    slide = open_slide(files.paths[0])
    assert slide is not None, "asked of large pictures only"
    if rule.normalized_before:
        raise MaskwrightError(
            "is too large to be normalised as a whole, as this model's pictures were (data.intensity = zscore)",
            where=files.paths[0],
            fix='Train with data.intensity = "unit".',
        )
    size = seen_size((slide.height, slide.width), rule, spacing_for(files.paths[0], rule))
    return Seen(files.paths, rule, slide.height, slide.width, size)


def rows_of(picture: Seen) -> int:
    """How many rows of windows it has."""
    height = picture.rule.shape[0]
    return len(starts(picture.shape[0], height, round(height * OVERLAP)))


def segment(
    engine: Engine, picture: Seen, decide: Decision, batch_size: int, step: Callable[[], None] = lambda: None
) -> Iterator[np.ndarray]:
    """Class numbers of a large picture at its own size, some rows `(n, W)` after the others.

    Args:
        step: called after each row of windows.
    """
    last: np.ndarray | None = None  # the row of probabilities before a slab
    done = 0
    for first, block in slabs(engine, picture, batch_size):
        step()
        block = block[: max(0, picture.size[0] - first), : picture.size[1]]
        if not len(block):
            continue
        known = block if last is None else np.concatenate([last, block])
        begin = first - (0 if last is None else len(last))
        ends = first + len(block) == picture.size[0]
        # Rows of the file between whose neighbours all are known.
        until = picture.height if ends else _rows_before(first + len(block), picture.size[0], picture.height)
        rows = max(1, _BAND // (picture.width * block.shape[-1]))
        for top in range(done, until, rows):
            yield decide(_restored(known, begin, top, min(until, top + rows), picture))
        done, last = until, known[-2:]


def _rows_before(known: int, size: int, height: int) -> int:
    """How many rows of the file lie between the middles of the first `known` rows of the network."""
    return max(0, math.floor((known - 0.5) * height / size - 0.5) + 1) if known < size else height


def _restored(known: np.ndarray, begin: int, top: int, bottom: int, picture: Seen) -> np.ndarray:
    """Probabilities of rows of the file `(n, W, K)`: linear between those of the network, as OpenCV resizes a whole."""
    places = (np.arange(top, bottom) + 0.5) * picture.size[0] / picture.height - 0.5
    places = np.clip(places, 0, picture.size[0] - 1)
    lower = np.floor(places).astype(int)
    share = (places - lower).astype(np.float32)[:, None, None]
    upper = np.minimum(lower + 1, picture.size[0] - 1)
    last = begin + len(known) - 1
    rows = known[np.clip(lower, begin, last) - begin] * (1 - share) + known[np.clip(upper, begin, last) - begin] * share
    return resize(rows, bottom - top, picture.width, "linear")


@dataclass(frozen=True)
class LargeMask:
    """The mask of a large picture: a tiled TIFF with the picture's resolution; see `Kind`."""

    folder: Path
    options: PredictSection
    classes: int

    def name(self, files: CaseFiles) -> str:
        """Of the file."""
        return f"{files.name}.tif"

    def names(self, files: CaseFiles) -> list[str]:
        """See `Kind`."""
        return [self.name(files)]


@dataclass(frozen=True)
class Preview:
    """A small version of a large picture with its mask over it, as JPEG; see `Kind`."""

    folder: Path
    outline: tuple[int, int, int]

    def names(self, files: CaseFiles) -> list[str]:
        """See `Kind`."""
        return [f"{files.name}.jpg"]


@dataclass(frozen=True)
class LargeFiles:
    """What is written of a large picture."""

    mask: LargeMask
    preview: Preview | None

    @property
    def kinds(self) -> list[Kind]:
        """Each of them."""
        return [self.mask, *([self.preview] if self.preview else [])]

    def write(self, files: CaseFiles, picture: Seen, rows: Iterator[np.ndarray]) -> None:
        """Write them of the rows of a mask; memory holds some rows of tiles."""
        import tifffile

        drawn = _Drawn(picture) if self.preview else None
        colours = self.mask.options.colorize and self.mask.classes == 2
        shape = (picture.height, picture.width, *((3,) if colours else ()))
        with atomic(self.mask.folder / self.mask.name(files)) as temporary:
            tifffile.imwrite(
                temporary,
                self._tiles(rows, drawn),
                shape=shape,
                dtype=np.uint8,
                tile=(TILE, TILE),
                compression="zlib",
                photometric="rgb" if colours else "minisblack",
                bigtiff=math.prod(shape) > _HUGE,
                metadata=None,
                **_resolution(files.paths[0]),
            )
        if self.preview and drawn:
            (name,) = self.preview.names(files)
            write_bytes(self.preview.folder / name, drawn.jpeg(self.preview.outline))

    def _tiles(self, rows: Iterator[np.ndarray], drawn: _Drawn | None) -> Iterator[np.ndarray]:
        for label in _in_bands(rows, TILE):
            if drawn:
                drawn.add(label)
            shown = mask_picture(label, self.mask.options, self.mask.classes)
            for left in range(0, label.shape[1], TILE):
                part = shown[:, left : left + TILE]
                margins = [(0, TILE - part.shape[0]), (0, TILE - part.shape[1]), (0, 0)][: part.ndim]
                yield np.pad(part, margins)


def large_files(output: Path, previews: Path | None, options: PredictSection, classes: int) -> LargeFiles:
    """What [predict] asks for of large pictures, into a folder of masks and one of previews."""
    mask = LargeMask(output, options, classes)
    return LargeFiles(mask, None if previews is None else Preview(previews, options.outline))


def _in_bands(rows: Iterator[np.ndarray], height: int) -> Iterator[np.ndarray]:
    """The same rows, `height` at a time."""
    kept: list[np.ndarray] = []
    for some in rows:
        kept.append(some)
        while sum(map(len, kept)) >= height:
            whole = np.concatenate(kept)
            yield whole[:height]
            kept = [whole[height:]]
    if sum(map(len, kept)):
        yield np.concatenate(kept)


def _resolution(path: Path) -> dict[str, Any]:
    spacing = pixel_spacing(path)
    if spacing is None:
        return {}
    down, across = spacing
    return {"resolution": (10 / across, 10 / down), "resolutionunit": "CENTIMETER"}


class _Drawn:
    """A preview, made band by band."""

    def __init__(self, picture: Seen) -> None:
        self.picture = picture
        self.step = max(1, math.ceil(max(picture.height, picture.width) / _PREVIEW))
        self.row = 0
        self.images: list[np.ndarray] = []
        self.labels: list[np.ndarray] = []

    def add(self, label: np.ndarray) -> None:
        """The next rows."""
        first = -self.row % self.step
        self.labels.append(label[first :: self.step, :: self.step].copy())
        wide = self.step * max(1, _ACROSS // self.step)  # in columns that are no larger than a window
        lines = [
            read_images(self.picture.paths, (self.row, left, len(label), min(wide, label.shape[1] - left)))[
                first :: self.step, :: self.step
            ]
            for left in range(0, label.shape[1], wide)
        ]
        self.images.append(np.concatenate(lines, axis=1))
        self.row += len(label)

    def jpeg(self, outline: tuple[int, int, int]) -> bytes:
        """The file."""
        drawn = overlay(np.concatenate(self.images), np.concatenate(self.labels), outline)
        return cv2.imencode(".jpg", drawn[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()

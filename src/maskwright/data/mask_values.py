"""What the masks of a data set hold: by these values it is decided what they mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from maskwright.data.mask_files import MaskFile, read_mask
from maskwright.data.slides import FilePart
from maskwright.errors import MaskwrightError, together

_THREADS = 4
_SHOWN = 12
_SQUARE = np.ones((3, 3), np.uint8)
_EVEN = 24  # in JPEG files, levels of a window that differ by so much at most are an area

Colour = tuple[int, int, int]
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class MaskValues:
    """The values of one mask file.

    Attributes:
        pixels: how many it has.
        numbers: pixels of each number; of each grey, where it is in colour. Empty for JPEG.
        colours: pixels of each other colour, of a palette too. Empty for JPEG.
        palette: its numbers stand for colours of a palette that are not grey.
        areas: numbers that fill a window of 3x3 pixels somewhere.
        between: pixels strictly between the least and the largest number of the nine around them.
        border: pixels of each number on the outermost rows and columns.
        lossy: it is a JPEG. brightest: its largest level. middle: its pixels in areas that are neither dark nor bright;
            bright: its pixels from half the range on.
    """

    path: Path
    pixels: int
    numbers: Mapping[float, int] = field(default_factory=dict)
    colours: Mapping[Colour, int] = field(default_factory=dict)
    palette: bool = False
    areas: frozenset[float] = frozenset()
    between: int = 0
    border: Mapping[float, int] = field(default_factory=dict)
    lossy: bool = False
    brightest: float = 0.0
    middle: int = 0
    bright: int = 0


@dataclass(frozen=True)
class Seen:
    """The values of all masks of a data set, part by part."""

    parts: Mapping[str, Sequence[MaskValues]]

    @property
    def files(self) -> list[MaskValues]:
        """All files."""
        return [file for files in self.parts.values() for file in files]

    @property
    def exact(self) -> list[MaskValues]:
        """Files whose compression loses nothing."""
        return [file for file in self.files if not file.lossy]

    @property
    def lossy(self) -> list[MaskValues]:
        """JPEG files."""
        return [file for file in self.files if file.lossy]

    def numbers(self) -> Counter[float]:
        """Pixels of each number in files that lose nothing."""
        return _sum(file.numbers for file in self.exact)

    def colours(self) -> Counter[Colour]:
        """Pixels of each colour that is not grey, of palettes apart."""
        return _sum(file.colours for file in self.exact if not file.palette)

    def shares(self) -> str:
        """The values in words: `0 (79.1 %), 15 (14.4 %)`; the most frequent where they are many."""
        total = sum(file.pixels for file in self.exact) or 1
        found: list[tuple[object, int]] = [(f"{number:g}", count) for number, count in sorted(self.numbers().items())]
        found += self.colours().most_common()
        least = sorted((count for _, count in found), reverse=True)[:_SHOWN][-1:]
        frequent = [(value, count) for value, count in found if [count] >= least][:_SHOWN]
        shown = [f"{value} ({100 * count / total:.1f} %)" for value, count in frequent]
        if len(found) > len(shown):
            shown.append(f"and {len(found) - len(shown)} more")
        if self.lossy:
            shown.append(f"levels up to {max(file.brightest for file in self.lossy):g} in {len(self.lossy)} JPEG files")
        return ", ".join(shown)


def look(
    parts: Mapping[str, Sequence[Path | FilePart]],
    step: Callable[[], None] | None = None,
    lenient: frozenset[str] = frozenset(),
    values: Callable[[Path], MaskValues] | None = None,
) -> Seen:
    """The values of mask files, several at a time.

    Args:
        parts: the files of each part of the data. step: called after each.
        lenient: parts whose unreadable files are passed over.
        values: those of a file; of a picture where None.

    Raises:
        MaskwrightError: files that cannot be read, all in one.
    """

    def one(part: Path | FilePart) -> MaskValues | MaskwrightError:
        path, window = part if isinstance(part, tuple) else (part, None)
        try:
            return values(path) if values else values_of(read_mask(path, window), path)
        except MaskwrightError as error:
            return error
        finally:
            if step is not None:
                step()

    with ThreadPoolExecutor(_THREADS) as pool:
        found = {part: list(pool.map(one, masks)) for part, masks in parts.items()}
    told = [one for part, files in found.items() if part not in lenient for one in files]
    errors = [one for one in told if isinstance(one, MaskwrightError)]
    if errors:
        raise together(errors, f"{sum(map(len, parts.values()))} masks")
    return Seen({part: [file for file in files if isinstance(file, MaskValues)] for part, files in found.items()})


def values_of(mask: MaskFile, path: Path) -> MaskValues:
    """The values of a decoded mask."""
    array, pixels = mask.array, int(mask.array.shape[0] * mask.array.shape[1])
    if array.ndim == 3 and (array[..., :1] == array).all():
        array = array[..., 0]
    if mask.lossy:
        grey = np.ascontiguousarray(array.max(axis=2) if array.ndim == 3 else array)
        low, high = cv2.erode(grey, _SQUARE), cv2.dilate(grey, _SQUARE)
        middle = int(((high - low <= _EVEN) & (grey > 48) & (grey < 208)).sum())
        bright = int((grey >= 128).sum())
        return MaskValues(path, pixels, lossy=True, brightest=float(grey.max()), middle=middle, bright=bright)
    if array.ndim == 3:
        return _coloured(array, path, pixels)
    numbers = _count(array)
    colours: dict[Colour, int] = {}
    if mask.palette is not None:
        for number, count in numbers.items():
            red, green, blue = (int(value) for value in mask.palette[int(number)])
            colours[red, green, blue] = colours.get((red, green, blue), 0) + count
    plain = array if array.dtype in (np.uint8, np.uint16, np.float32) else array.astype(np.float32)
    low, high = cv2.erode(plain, _SQUARE), cv2.dilate(plain, _SQUARE)
    return MaskValues(
        path,
        pixels,
        numbers,
        colours,
        palette=mask.palette is not None,
        areas=frozenset(_count(array[low == high])),
        between=int(((low < plain) & (plain < high)).sum()),
        border=_count(np.concatenate([array[0], array[-1], array[1:-1, 0], array[1:-1, -1]])),
    )


def _coloured(array: np.ndarray, path: Path, pixels: int) -> MaskValues:
    if array.dtype.kind == "u":  # as one number each, which sorts ten times faster
        packed, counts = np.unique((array.astype(np.int64) << np.array([32, 16, 0])).sum(axis=2), return_counts=True)
        rows = np.stack([packed >> 32, packed >> 16 & 0xFFFF, packed & 0xFFFF], axis=1)
    else:
        rows, counts = np.unique(array.reshape(-1, 3), axis=0, return_counts=True)
    numbers, colours = {}, {}
    for (red, green, blue), count in zip(rows.tolist(), counts.tolist(), strict=True):
        if red == green == blue:
            numbers[float(red)] = int(count)
        else:
            colours[int(red), int(green), int(blue)] = int(count)
    # How colours lie beside each other is told by their largest channel.
    grey = np.ascontiguousarray(array.max(axis=2))
    low, high = cv2.erode(grey, _SQUARE), cv2.dilate(grey, _SQUARE)
    between = int(((low < grey) & (grey < high)).sum())
    return MaskValues(path, pixels, numbers, colours, areas=frozenset(_count(grey[low == high])), between=between)


def _count(array: np.ndarray) -> dict[float, int]:
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:  # many times faster than sorting
        counts = np.bincount(array.ravel())
        return {float(number): int(counts[number]) for number in np.flatnonzero(counts)}
    numbers, found = np.unique(array, return_counts=True)
    return dict(zip(numbers.astype(float).tolist(), found.tolist(), strict=True))


def _sum(several: Iterable[Mapping[_Value, int]]) -> Counter[_Value]:
    total = Counter[_Value]()
    for one in several:
        total.update(one)
    return total

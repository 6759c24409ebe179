"""What the masks of a folder hold: the numbers of each file, by which the rule of two folders is decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from maskwright.data.mask_values import Colour, look
from maskwright.data.slides import FilePart
from maskwright.volumes.read import read_labels

_Part = TypeVar("_Part")

# Beyond so many files some are looked at, evenly spread; what a later file holds beside them is refused by its name.
MOST_PICTURES, MOST_SCANS = 500, 100
_SHOWN = 12


@dataclass(frozen=True)
class Values:
    """The levels or label numbers of a folder's masks.

    Attributes:
        files: numbers of each file that was looked at and is no JPEG; its greys where it is coloured.
        colours: red, green, blue of coloured pixels in such files.
        lossy: how many JPEG files were looked at. brightest: their largest level.
        total: files of the folder; looked_at: of these.
    """

    folder: Path
    files: tuple[frozenset[float], ...]
    total: int
    colours: frozenset[Colour] = field(default_factory=frozenset)
    lossy: int = 0
    brightest: float = 0.0

    @property
    def numbers(self) -> frozenset[float]:
        """The numbers of all files."""
        return frozenset().union(*self.files)

    @property
    def looked_at(self) -> int:
        """How many files these are the values of."""
        return len(self.files) + self.lossy

    def listed(self) -> str:
        """The values in words: `0, 127, 255`."""
        several = sorted(self.numbers)
        shown = [f"{number:g}" for number in several[:_SHOWN]]
        if len(several) > _SHOWN:
            shown.append(f"… {several[-1]:g} ({len(several)} levels)")
        shown += [f"colours {', '.join(map(str, sorted(self.colours)[:4]))}"] if self.colours else []
        shown += [f"levels up to {self.brightest:g} in JPEG files"] if self.lossy else []
        return ", ".join(shown)


def picture_values(folder: Path, paths: Sequence[Path | FilePart], step: Callable[[], None] | None = None) -> Values:
    """The values of picture files, or of parts of them, in their own numbers.

    Args:
        step: called after each file.

    Raises:
        MaskwrightError: a file that cannot be read.
    """
    seen = look({"": chosen(paths, MOST_PICTURES)}, step)
    colours = frozenset(colour for file in seen.exact if not file.palette for colour in file.colours)
    numbers = tuple(frozenset(file.numbers) for file in seen.exact)
    brightest = max((file.brightest for file in seen.lossy), default=0.0)
    return Values(folder, numbers, len(paths), colours, len(seen.lossy), brightest)


def scan_values(folder: Path, paths: Sequence[Path | FilePart], step: Callable[[], None] | None = None) -> Values:
    """The numbers of label maps; arguments and errors as of `picture_values`."""
    files = []
    for part in chosen(paths, MOST_SCANS):
        path = part[0] if isinstance(part, tuple) else part
        files.append(_numbers(read_labels(path).array))
        if step is not None:
            step()
    return Values(folder, tuple(files), len(paths))


def chosen(paths: Sequence[_Part], most: int) -> list[_Part]:
    """All paths, or so many, evenly spread, the first and the last among them."""
    places = np.linspace(0, len(paths) - 1, min(most, len(paths)))
    return [paths[place] for place in np.unique(places.astype(int))]


def _numbers(array: np.ndarray) -> frozenset[float]:
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:  # many times faster than sorting
        return frozenset(np.flatnonzero(np.bincount(array.ravel())).astype(float).tolist())
    return frozenset(np.unique(array).astype(float).tolist())


def foreground(values: Values, *without: float | None) -> set[float]:
    """The numbers of a folder that are not 0, nor what is named."""
    return set(values.numbers) - {0.0, *(one for one in without if one is not None)}


def beside(files: Iterable[frozenset[float]], number: float, others: set[float]) -> tuple[bool, bool]:
    """Whether some file holds a number beside one of others, and whether some file holds it without any."""
    holding = [bool(numbers & others) for numbers in files if number in numbers]
    return any(holding), not all(holding)

"""What the masks of a folder hold: the numbers of each file, by which the rule of two folders is decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from maskwright.data.images import LOSSY_SUFFIXES, read_image
from maskwright.data.labels import full_range
from maskwright.volumes.read import read_labels

# Beyond so many files some are looked at, evenly spread; what a later file holds beside them is refused by its name.
MOST_PICTURES, MOST_SCANS = 500, 100
_THREADS = 4
_SHOWN = 12

Colour = tuple[int, int, int]


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


def picture_values(folder: Path, paths: Sequence[Path], step: Callable[[], None] | None = None) -> Values:
    """The values of picture files; levels of 16 bits as those of 8 where there are such (65535 is 255).

    Args:
        step: called after each file.

    Raises:
        MaskwrightError: a file that cannot be read.
    """

    def one(path: Path) -> tuple[frozenset[float], frozenset[Colour], float | None]:
        mask = read_image(path, palette=True)
        if path.suffix.lower() in LOSSY_SUFFIXES:
            found: tuple[frozenset[float], frozenset[Colour], float | None]
            found = frozenset(), frozenset(), float(mask.max() * (255 / full_range(mask)))
        else:
            found = *_levels(mask), None
        if step is not None:
            step()
        return found

    with ThreadPoolExecutor(_THREADS) as pool:
        several = list(pool.map(one, chosen(paths, MOST_PICTURES)))
    lossy = [top for _, _, top in several if top is not None]
    exact = [(numbers, colours) for numbers, colours, top in several if top is None]
    colours = frozenset[Colour]().union(*(one for _, one in exact))
    return Values(
        folder, tuple(numbers for numbers, _ in exact), len(paths), colours, len(lossy), max(lossy, default=0)
    )


def scan_values(folder: Path, paths: Sequence[Path], step: Callable[[], None] | None = None) -> Values:
    """The numbers of label maps; arguments and errors as of `picture_values`."""
    files = []
    for path in chosen(paths, MOST_SCANS):
        files.append(_numbers(read_labels(path).array))
        if step is not None:
            step()
    return Values(folder, tuple(files), len(paths))


def chosen(paths: Sequence[Path], most: int) -> list[Path]:
    """All paths, or so many, evenly spread, the first and the last among them."""
    places = np.linspace(0, len(paths) - 1, min(most, len(paths)))
    return [paths[place] for place in np.unique(places.astype(int))]


def _levels(mask: np.ndarray) -> tuple[frozenset[float], frozenset[Colour]]:
    if mask.ndim == 3:
        if (mask[..., :1] != mask).any():
            colours = {tuple(colour) for colour in _to_8_bits(mask, _rows(mask)).tolist()}
            return (
                frozenset(float(one[0]) for one in colours if len(set(one)) == 1),
                frozenset((int(one[0]), int(one[1]), int(one[2])) for one in colours if len(set(one)) > 1),
            )
        mask = mask[..., 0]
    numbers = np.array(sorted(_numbers(mask)))
    return frozenset(_to_8_bits(mask, numbers).tolist()), frozenset()


def _rows(mask: np.ndarray) -> np.ndarray:
    """The colours of a mask: `(N, 3)`."""
    if mask.dtype.kind == "u":  # as one number each, which sorts ten times faster
        packed = np.unique((mask.astype(np.int64) << np.array([32, 16, 0])).sum(axis=2))
        return np.stack([packed >> 32, packed >> 16 & 0xFFFF, packed & 0xFFFF], axis=1)
    return np.unique(mask.reshape(-1, 3), axis=0)


def _to_8_bits(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values as 8-bit levels, as labels are made of them, unless that would make two of one."""
    if mask.dtype == np.uint8 or full_range(mask) != 65535.0:
        return values
    scaled = values / 257.0
    return scaled if (scaled == np.rint(scaled)).all() else values


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

"""2.5D input: which slices lie before and after one, told by the numbers in the files' names.

A name is a series and a slice number in it: in `PANCREAS_0001-cropped-0-1110` the pattern finds 1110, and what is
left is the series. Only slices of one series are neighbours. Where one is missing, the nearest one on the way to it
stands in, in the end the slice itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from maskwright.data.cases import find_cases
from maskwright.data.images import read_images
from maskwright.data.pairs import list_images
from maskwright.data.preprocess import InputRule, adjust
from maskwright.errors import MaskwrightError
from maskwright.patterns import find
from maskwright.volumes.read import stem

Slice = TypeVar("Slice")


def place_of(name: str, pattern: str) -> tuple[str, int]:
    """Series and slice number of a name.

    Raises:
        MaskwrightError: the pattern finds no number in it.
    """
    found = find(pattern, name, "[data] slice_pattern")
    try:
        number = int(found[1]) if found else None
    except ValueError:
        number = None
    if found is None or number is None:
        raise MaskwrightError(
            f"{pattern!r} finds no slice number in the name",
            where=name,
            fix="Set data.slice_pattern to a pattern with one group, the number of the slice.",
        )
    return name[: found.start(1)] + "*" + name[found.end(1) :], number


def series(names: Mapping[str, Slice], pattern: str) -> dict[str, dict[int, Slice]]:
    """What lies where: for each series its slices by their numbers.

    Raises:
        MaskwrightError: a name without a number.
    """
    found: dict[str, dict[int, Slice]] = {}
    for name, item in names.items():
        key, number = place_of(name, pattern)
        found.setdefault(key, {})[number] = item
    return found


def around(slices: Mapping[int, Slice], number: int, count: int) -> list[Slice]:
    """`count` slices before, the slice itself, and `count` after it."""
    before, after = [number], [number]
    for distance in range(1, count + 1):
        before.append(number - distance if number - distance in slices else before[-1])
        after.append(number + distance if number + distance in slices else after[-1])
    return [slices[place] for place in [*before[:0:-1], number, *after[1:]]]


def neighbour_indices(names: Sequence[str], count: int, pattern: str) -> list[list[int]]:
    """For each name the indices of the slices around it, itself in the middle."""
    places = series({name: index for index, name in enumerate(names)}, pattern)
    return [around(places[key], number, count) for key, number in (place_of(name, pattern) for name in names)]


def neighbour_files(path: Path, rule: InputRule) -> list[tuple[Path, ...]]:
    """The files of the slices around one, itself in the middle, out of its folder; of each the files of its channels.

    Args:
        path: of the slice, or of its first channel.
    """
    names, slices = _folder(path.parent, path.parent.stat().st_mtime_ns, rule.slice_pattern, rule.channel_patterns)
    key, number = place_of(names[path], rule.slice_pattern)
    return around(slices[key], number, rule.neighbours)


@lru_cache(maxsize=4)
def _folder(
    folder: Path, changed: int, slice_pattern: str, channel_patterns: tuple[str, ...]
) -> tuple[dict[Path, str], dict[str, dict[int, tuple[Path, ...]]]]:
    """Names of the pictures of a folder by their (first) files, and their files by series and number."""
    files = (
        _cases(folder, channel_patterns) if channel_patterns else {stem(path): (path,) for path in list_images(folder)}
    )
    return {paths[0]: name for name, paths in files.items()}, series(files, slice_pattern)


def _cases(folder: Path, patterns: Sequence[str]) -> dict[str, tuple[Path, ...]]:
    """The cases beside a file of `folder`: all in it, or the folder is a case itself and has others beside it."""
    found = find_cases(folder, patterns)
    if len(found) == 1 and any(
        any(one.glob(patterns[0])) for one in folder.parent.iterdir() if one.is_dir() and one != folder
    ):
        found = find_cases(folder.parent, patterns)
    return {name: tuple(files) for name, files in found.items()}


def read_levels(path: Path, image: np.ndarray, rule: InputRule) -> np.ndarray:
    """What a network sees of a decoded picture, at the picture's own size: `(H, W, rule.input_channels)`.

    Args:
        path: of the picture, or of its first channel; its neighbours are read where the rule asks for them.

    Raises:
        MaskwrightError: other channels than the network's; a neighbour that cannot be read, or whose size is another.
    """
    own = adjust(image, rule, path)
    if not rule.neighbours:
        return own
    planes = []
    for files in neighbour_files(path, rule):
        plane = own if files[0] == path else adjust(read_images(files), rule, files[0])
        if plane.shape != own.shape:
            raise MaskwrightError(
                f"is {plane.shape[1]} x {plane.shape[0]} px, and its neighbour {path.name} is "
                f"{own.shape[1]} x {own.shape[0]}",
                where=files[0],
                fix="Slices of one series must have the same size; is data.slice_pattern right?",
            )
        planes.append(plane)
    return np.concatenate(planes, axis=2)

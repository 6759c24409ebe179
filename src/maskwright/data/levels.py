"""Which levels are black and white in pictures of another depth, or of another range, than a model learnt from.

It is decided once for a whole set, all pictures that one call names or one part of a data set holds, and never picture
by picture: the same tissue then has the same brightness in each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from maskwright.data.images import read_header, read_images
from maskwright.data.pairs import Pair
from maskwright.data.preprocess import BYTE, InputRule, level_range
from maskwright.data.slides import open_slide, pieces
from maskwright.errors import MaskwrightError

LOOKED_AT = 64  # pictures of each depth that are decoded for it, evenly over the set
MANY = 0.01  # share of the pixels beyond a model's levels from which on the pictures are of another range
_PART = 1024  # px of the parts of a large picture that are looked at
_THREADS = 4


@dataclass(frozen=True)
class Seen:
    """What pictures of one depth hold: smallest and largest level, and the share of pixels beyond a model's.

    `most` is the place of the picture with the largest level.
    """

    low: float
    high: float
    beyond: float
    most: int


def settled(
    rule: InputRule,
    pictures: Sequence[Sequence[Path]],
    given: Sequence[float] = (),
    say: Callable[[str], None] = lambda message: None,
) -> InputRule:
    """The rule with what black and white are in a set of pictures, for each depth that occurs in it.

    Args:
        pictures: the files of each. given: black and white, from `predict.levels`, of all that are deeper than 8 bits.
        say: told what was taken, and how to have it otherwise.

    Raises:
        MaskwrightError: `given` are no two levels. Files that cannot be read are left to whoever reads them.
    """
    by_depth: dict[str, list[Sequence[Path]]] = {}
    for files in dict.fromkeys(map(tuple, pictures)):  # pieces of one picture have the same files
        try:
            by_depth.setdefault(read_header(files[0]).dtype, []).append(files)
        except MaskwrightError:
            continue  # told when it is read
    found = {}
    for dtype, members in sorted(by_depth.items()):
        looked = [members[i] for i in np.unique(np.linspace(0, len(members) - 1, LOOKED_AT).astype(int))]
        if (range_ := _range(rule, dtype, _decoded(looked), given, say, looked, len(members))) is not None:
            found[dtype] = range_
    return replace(rule, levels=tuple((dtype, *range_) for dtype, range_ in found.items()))


def settled_for(rule: InputRule, image: np.ndarray, given: Sequence[float] = ()) -> InputRule:
    """The same for one decoded picture that is a set by itself."""
    range_ = _range(rule, str(image.dtype), [(0, image)], given)
    return rule if range_ is None else replace(rule, levels=((str(image.dtype), *range_),))


def mixed_range(rule: InputRule, pairs: Sequence[Pair], depths: set[str]) -> tuple[float, float] | None:
    """Black and white of a data set of 8-bit and deeper pictures, before any is made an input; None of one depth.

    8-bit pictures become levels of the deeper ones, so that these must be known first.
    """
    if len(depths) < 2:
        return None
    deep = [pair for pair in pairs if read_header(pair.image).dtype == rule.dtype]
    with ThreadPoolExecutor(_THREADS) as pool:
        ends = list(pool.map(lambda pair: _ends(read_images(pair.images, pair.window)), deep))
    return level_range(rule.dtype, min(low for low, _ in ends), max(high for _, high in ends))


def _range(
    rule: InputRule,
    dtype: str,
    pictures: Iterable[tuple[int, np.ndarray]],
    given: Sequence[float],
    say: Callable[[str], None] = lambda message: None,
    files: Sequence[Sequence[Path]] = (),
    count: int = 1,
) -> tuple[float, float] | None:
    """Black and white of pictures of one depth; None where they are levels of the model as they are."""
    own = (rule.low, rule.high)
    name = {"uint8": "8-bit", "uint16": "16-bit"}.get(dtype, "float")
    if dtype == "uint8":
        if rule.dtype != "uint8":
            say(f"8-bit pictures: their 0 to 255 are the model's {_text(own)}")
        return BYTE
    if given:
        if len(given) != 2 or not given[0] < given[1]:
            raise MaskwrightError(
                f"is {list(given)}", where="[predict] levels", fix="Give two levels, black and white: [0, 4095]."
            )
        return float(given[0]), float(given[1])
    if dtype == rule.dtype and rule.intensity == "zscore":
        return None
    seen = _look(pictures, own)
    if seen is None:
        return None
    taken, why = _decide(rule, dtype, seen)
    if why and files:
        most = f" (the largest in {files[seen.most][0].name})" if count > 1 else ""
        some = f", {len(files)} of {count} looked at" if len(files) < count else ""
        example = "[0, 65535]" if dtype == "uint16" and taken[1] != 65535 else "[BLACK, WHITE]"
        say(
            f"{name} pictures, levels {_text((seen.low, seen.high))}{most}{some}: {why}; "
            f"predict.levels = {example} says otherwise"
        )
    return taken


def _decide(rule: InputRule, dtype: str, seen: Seen) -> tuple[tuple[float, float], str]:
    """Black and white, and in words how they were taken; no words where nothing is in doubt."""
    own = (rule.low, rule.high)
    fitting = level_range(dtype, seen.low, seen.high)
    bits = {255.0: 8, 4095.0: 12, 65535.0: 16}.get(fitting[1])
    stretched = f"taken as {bits} bits" if dtype == "uint16" else f"{_text(fitting)} are the model's {_text(own)}"
    if dtype == rule.dtype:
        if seen.beyond > MANY:
            return fitting, f"{seen.beyond:.0%} of the pixels lie beyond the model's {_text(own)}, so {stretched}"
        if seen.beyond > 0:
            return own, f"the few beyond the model's {_text(own)} are clipped"
        darker = dtype == "uint16" and fitting[1] < own[1]
        return own, f"taken as they are, although the model's go from {_text(own)}" if darker else ""
    if dtype == "float32":
        if seen.low >= 0 and seen.high <= 1:
            return (0.0, 1.0), f"0 to 1 are the model's {_text(own)}"
        if seen.beyond <= MANY:
            return own, f"taken as the model's own levels, {_text(own)}"
    return fitting, stretched


def _look(pictures: Iterable[tuple[int, np.ndarray]], own: tuple[float, float]) -> Seen | None:
    low, high, beyond, pixels, most = np.inf, -np.inf, 0, 0, 0
    for place, image in pictures:
        one, other = _ends(image)
        most = place if other > high else most
        low, high, pixels = min(low, one), max(high, other), pixels + image.size
        if one < own[0] or other > own[1]:
            beyond += int(((image < own[0]) | (image > own[1])).sum())
    return Seen(float(low), float(high), beyond / pixels, most) if pixels else None


def _ends(image: np.ndarray) -> tuple[float, float]:
    return float(image.min()), float(image.max())


def _decoded(pictures: Sequence[Sequence[Path]]) -> Iterable[tuple[int, np.ndarray]]:
    """Pictures, or parts of them where they are large, each with its place; what cannot be read is told when it is."""
    for place, files in enumerate(pictures):
        try:
            slide = open_slide(files[0])
            windows = list(pieces(slide.height, slide.width, _PART)) if slide else [None]
            for one in np.unique(np.linspace(0, len(windows) - 1, LOOKED_AT).astype(int)):
                yield place, read_images(files, windows[one])
        except MaskwrightError:
            continue


def _text(ends: tuple[float, float]) -> str:
    return f"{ends[0]:g} to {ends[1]:g}"

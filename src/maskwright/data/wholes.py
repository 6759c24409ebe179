"""Pictures and scans in a network's space, whole: kept in the cache, or made anew each time they are asked for.

Each is an entry of its own, so that parts, folds and trainings share what has been made once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from maskwright.config.schema import DataSection
from maskwright.data.cache import default_folder, open_entries, touch
from maskwright.data.neighbours import neighbour_indices
from maskwright.data.pairs import Pair
from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.storage import make_folder
from maskwright.untrusted.arrays import map_npy

Arrays = tuple[np.ndarray, np.ndarray]
_IMAGE, _LABEL = "image.npy", "label.npy"
_ANEW = "Remove this folder of the cache; it is made anew."
_IN_MEMORY = 2e9  # bytes of those that are made anew and kept for a while


class Wholes(Protocol):
    """Where the pictures or scans of a part come from."""

    def whole(self, index: int) -> Arrays:
        """Image `(D, H, W, C)` or `(H, W, C)`, and label `(D, H, W)` or `(H, W)` uint8."""


class CachedWholes:
    """Arrays in files of the cache, read where they are used."""

    def __init__(self, entries: Sequence[Path]) -> None:
        self.entries = list(entries)

    def whole(self, index: int) -> Arrays:
        """See `Wholes`; memory maps."""
        entry = self.entries[index]
        touch(entry)
        return map_npy(entry / _IMAGE, fix=_ANEW), map_npy(entry / _LABEL, fix=_ANEW)


class FreshWholes:
    """Arrays that `make` gives of a pair, anew; some of the last used stay in memory."""

    def __init__(self, pairs: Sequence[Pair], make: Callable[[Pair], Arrays]) -> None:
        self.pairs, self.make = pairs, make
        self._kept: OrderedDict[int, Arrays] = OrderedDict()
        self._lock = threading.Lock()

    def whole(self, index: int) -> Arrays:
        """See `Wholes`."""
        with self._lock:
            if index in self._kept:
                self._kept.move_to_end(index)
                return self._kept[index]
        found = self.make(self.pairs[index])
        with self._lock:
            self._kept[index] = found
            while len(self._kept) > 1 and sum(a.nbytes + b.nbytes for a, b in self._kept.values()) > _IN_MEMORY:
                self._kept.popitem(last=False)
        return found


class StackedWholes:
    """Pictures with the slices around each as further channels (2.5D)."""

    def __init__(self, wholes: Wholes, pairs: Sequence[Pair], rule: InputRule) -> None:
        self.wholes, self.pairs = wholes, pairs
        self.around = neighbour_indices([pair.name for pair in pairs], rule.neighbours, rule.slice_pattern)

    def whole(self, index: int) -> Arrays:
        """See `Wholes`; the slice itself lies in the middle.

        Raises:
            MaskwrightError: slices of one series have different sizes.
        """
        label = self.wholes.whole(index)[1]
        images = {place: self.wholes.whole(place)[0] for place in dict.fromkeys(self.around[index])}
        own = images[index].shape
        for place, image in images.items():
            if image.shape != own:
                raise MaskwrightError(
                    f"is {image.shape[1]} x {image.shape[0]} px at the network's scale, and its neighbour "
                    f"{self.pairs[index].image.name} is {own[1]} x {own[0]}",
                    where=self.pairs[place].image,
                    fix="Slices of one series must have the same size; is data.slice_pattern right?",
                )
        return np.concatenate([images[place] for place in self.around[index]], axis=2), label


def open_wholes(
    pairs: Sequence[Pair],
    make: Callable[[Pair], Arrays],
    sizes: Sequence[int],
    names: Sequence[str],
    data: DataSection,
    *,
    what: str,
    say: Callable[[str], None] = lambda message: None,
    step: Callable[[], None] = lambda: None,
) -> Wholes:
    """Those of a part: in the cache, unless it is off or too small for them.

    Args:
        make: gives image and label of a pair. sizes: about how many bytes they take. names: of their entries.
        what: they are, for what is said.

    Raises:
        MaskwrightError: one that cannot be used.
    """
    folder = data.cache_dir or default_folder()
    fresh = FreshWholes(pairs, make)
    if not data.cache:
        make_folder(folder)  # for what is measured once a machine
        return fresh
    if sum(sizes) > data.cache_limit_gb * 1e9:
        say(f"cache: not used, {sum(sizes) / 1e9:.2f} GB are more than data.cache_limit_gb = {data.cache_limit_gb:g}")
        return fresh

    def build(index: int, target: Path) -> None:
        image, marks = make(pairs[index])
        np.save(target / _IMAGE, image)
        np.save(target / _LABEL, marks)

    entries = open_entries(folder, names, sizes, data.cache_limit_gb, build, step=step)
    if entries is None:
        say("cache: not used, what other trainings use leaves no room within data.cache_limit_gb")
        return fresh
    say(f"cache: {sum(sizes) / 1e9:.2f} GB of {what} in {folder} (data.cache = false turns it off)")
    return CachedWholes(entries)

"""Scans in a network's space: kept in the cache, or made anew each time they are asked for.

Each scan is an entry of its own, so that parts, folds and trainings share what has been made once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import numpy as np

from maskwright.config.schema import DataSection
from maskwright.data.cache import default_folder, entry_name, open_entry, touch
from maskwright.data.labels import LabelRule
from maskwright.data.model_space import labels_to_model, scan_classes, to_model
from maskwright.data.pairs import Pair
from maskwright.data.part import PartFiles
from maskwright.data.preprocess import InputRule
from maskwright.data.records import Record
from maskwright.data.threads import cores
from maskwright.storage import make_folder
from maskwright.untrusted.arrays import map_npy
from maskwright.volumes.channels import read_channels
from maskwright.volumes.read import read_labels

Arrays = tuple[np.ndarray, np.ndarray]
_IMAGE, _LABEL = "image.npy", "label.npy"
_VERSION = 3
_ANEW = "Remove this folder of the cache; it is made anew."
_IN_MEMORY = 2e9  # bytes of scans that are made anew and kept for a while


class Scans(Protocol):
    """Where the scans of a part come from."""

    def whole(self, index: int) -> Arrays:
        """Image `(D, H, W, C)` float32 and label `(D, H, W)` uint8 of a scan."""


class CachedScans:
    """Scans in files of the cache, read where they are used."""

    def __init__(self, entries: Sequence[Path]) -> None:
        self.entries = list(entries)

    def whole(self, index: int) -> Arrays:
        """See `Scans`; memory maps."""
        entry = self.entries[index]
        touch(entry)
        return map_npy(entry / _IMAGE, fix=_ANEW), map_npy(entry / _LABEL, fix=_ANEW)


class FreshScans:
    """Scans that are read, turned and resampled anew; some of the last used stay in memory."""

    def __init__(self, pairs: Sequence[Pair], label: LabelRule, rule: InputRule) -> None:
        self.pairs, self.label, self.rule = pairs, label, rule
        self._kept: OrderedDict[int, Arrays] = OrderedDict()
        self._lock = threading.Lock()

    def whole(self, index: int) -> Arrays:
        """See `Scans`."""
        with self._lock:
            if index in self._kept:
                self._kept.move_to_end(index)
                return self._kept[index]
        found = make(self.pairs[index], self.label, self.rule)
        with self._lock:
            self._kept[index] = found
            while len(self._kept) > 1 and sum(a.nbytes + b.nbytes for a, b in self._kept.values()) > _IN_MEMORY:
                self._kept.popitem(last=False)
        return found


def make(pair: Pair, label: LabelRule, rule: InputRule) -> Arrays:
    """A scan and its label map as the network sees them: turned, on one spacing, normalised.

    Raises:
        MaskwrightError: one cannot be read, or they do not belong together.
    """
    scan = read_channels(pair.images)
    truth = read_labels(pair.mask, scan)
    classes = truth.with_array(scan_classes(truth.array, label, pair.mask))
    return to_model(scan, rule).array, labels_to_model(classes, rule).array


def open_scans(
    part: PartFiles,
    label: LabelRule,
    rule: InputRule,
    data: DataSection,
    *,
    say: Callable[[str], None] = lambda message: None,
    step: Callable[[], None] = lambda: None,
) -> Scans:
    """The scans of a part: in the cache, unless it is off or too small for them.

    Raises:
        MaskwrightError: a scan that cannot be used.
    """
    folder = data.cache_dir or default_folder()
    pairs = part.pairs
    fresh = FreshScans(pairs, label, rule)
    if not data.cache:
        make_folder(folder)  # for what is measured once a machine
        return fresh
    sizes = [entry_size(record, rule) for record in part.records]
    if sum(sizes) > data.cache_limit_gb * 1e9:
        say(f"cache: not used, {sum(sizes) / 1e9:.2f} GB are more than data.cache_limit_gb = {data.cache_limit_gb:g}")
        return fresh
    space = {
        "orientation": rule.orientation,
        "spacing": rule.spacing,
        "window": rule.window,
        "channels": rule.channels,
        "label": asdict(label),
    }

    def one(index: int) -> Path | None:
        def build(target: Path) -> None:
            image, marks = make(pairs[index], label, rule)
            np.save(target / _IMAGE, image)
            np.save(target / _LABEL, marks)

        name = entry_name("scan", _VERSION, list(part.hashes[index]), space)
        found = open_entry(folder, name, sizes[index], data.cache_limit_gb, build)
        step()
        return found

    with ThreadPoolExecutor(cores()) as pool:
        entries = [entry for entry in pool.map(one, range(len(pairs))) if entry is not None]
    if len(entries) < len(pairs):
        say("cache: not used, what other trainings use leaves no room within data.cache_limit_gb")
        return fresh
    say(f"cache: {sum(sizes) / 1e9:.2f} GB of scans in {folder} (data.cache = false turns it off)")
    return CachedScans(entries)


def entry_size(record: Record, rule: InputRule) -> int:
    """About how many bytes a scan takes in the network's space."""
    shape = (record.depth, record.height, record.width)
    steps = rule.spacing or record.spacing
    voxels = np.prod([edge * own / step for edge, own, step in zip(shape, record.spacing, steps, strict=True)])
    return int(voxels * (4 * rule.channels + 1)) + 1000

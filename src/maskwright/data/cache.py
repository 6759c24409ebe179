"""Decoded pictures on disk, in one file a data set, so that memory does not grow with it.

A cache entry is a folder named after what is in it: the bytes of every file and the rules by which they were read.
Anything else that changes gives another entry. Entries are written beside their place and renamed when complete.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import platformdirs

from maskwright.data.labels import LabelRule
from maskwright.data.pairs import Pair
from maskwright.data.preprocess import InputRule, network_input, resize_label
from maskwright.data.records import Record, examine, file_hash
from maskwright.errors import MaskwrightError
from maskwright.storage import make_folder, write_error, write_json

_VERSION = 2
_RECENT = 3600.0  # seconds; an entry touched since then may be in use by another training


def default_folder() -> Path:
    """The system's cache folder (`~/.cache/maskwright` on Linux)."""
    return Path(platformdirs.user_cache_dir("maskwright", appauthor=False))


def entry_key(pairs: Sequence[Pair], label: LabelRule, rule: InputRule) -> str:
    """A name for what an entry holds: contents, order, names and rules.

    How levels become floats is not part of it, because levels are kept as they are (black and white are: pictures of
    other depths are brought to them); nor are neighbours, because each slice is kept by itself, nor how slices were
    made of scans.
    """
    beside = ("intensity", "neighbours", "slice_pattern", "window", "orientation")
    settings = {name: value for name, value in asdict(rule).items() if name not in beside}
    digest = hashlib.blake2b(digest_size=12)
    digest.update(json.dumps([_VERSION, asdict(label), settings], sort_keys=True).encode())
    for pair in pairs:
        digest.update(f"{pair.name}|{pair.patient}|{file_hash(*pair.images)}|{file_hash(pair.mask)}\n".encode())
    return digest.hexdigest()


def entry_size(count: int, rule: InputRule) -> int:
    """Bytes of an entry of `count` pairs."""
    pixels = rule.height * rule.width
    return count * pixels * (rule.channels * np.dtype(rule.dtype).itemsize + 1)


class Slab:
    """One array on disk, `(N, ...)`, read row by row.

    A memory map would count every page that was ever touched as memory of the process.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: str) -> None:
        self.path, self.shape, self.dtype = path, shape, np.dtype(dtype)
        self._items = int(np.prod(shape))

    def read(self, index: int) -> np.ndarray:
        """Row `index`."""
        offset = index * self._items * self.dtype.itemsize
        return np.fromfile(self.path, self.dtype, self._items, offset=offset).reshape(self.shape)


class SlabWriter:
    """Writes rows of a `Slab` in any order, from several threads."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._lock = threading.Lock()

    def write(self, index: int, row: np.ndarray) -> None:
        """Write row `index`; all rows have the same size."""
        data = np.ascontiguousarray(row).tobytes()
        with self._lock:
            self._file.seek(index * len(data))
            self._file.write(data)

    def close(self) -> None:
        """Flush and close."""
        self._file.close()


def open_entry(
    folder: Path,
    pairs: Sequence[Pair],
    label: LabelRule,
    rule: InputRule,
    limit_gb: float,
    step: Callable[[], None] | None = None,
) -> tuple[Slab, Slab, list[Record]]:
    """The images and labels of `pairs` at the network's size, decoded now or taken from disk.

    Raises:
        MaskwrightError: pairs that cannot be read, or no room on the disk; nothing half-written is left.
    """
    entry = folder / entry_key(pairs, label, rule)
    if not (entry / "records.json").exists():
        _make_room(folder, entry_size(len(pairs), rule), limit_gb)
        _build(entry, pairs, label, rule, step)
    (entry / "records.json").touch()
    plain = json.loads((entry / "records.json").read_text(encoding="utf-8"))
    thumbnails = np.load(entry / "thumbnails.npy", allow_pickle=False)
    records = [Record(**values, thumbnail=thumb) for values, thumb in zip(plain, thumbnails, strict=True)]
    images = Slab(entry / "images.raw", (rule.height, rule.width, rule.channels), rule.dtype)
    labels = Slab(entry / "labels.raw", (rule.height, rule.width), "uint8")
    return images, labels, records


def _build(
    entry: Path, pairs: Sequence[Pair], label: LabelRule, rule: InputRule, step: Callable[[], None] | None
) -> None:
    make_folder(entry.parent)
    try:
        temporary = Path(tempfile.mkdtemp(prefix=".building-", dir=entry.parent))
    except OSError as error:
        raise write_error(entry.parent, error) from error
    try:
        images, labels = SlabWriter(temporary / "images.raw"), SlabWriter(temporary / "labels.raw")

        def keep(index: int, image: np.ndarray, truth: np.ndarray) -> None:
            images.write(index, network_input(image, rule, pairs[index].image))
            labels.write(index, resize_label(truth, rule.height, rule.width))

        try:
            records = examine(pairs, label, use=keep, step=step)
        finally:
            images.close()
            labels.close()
        np.save(temporary / "thumbnails.npy", np.stack([record.thumbnail for record in records]))
        write_json(temporary / "records.json", [record.as_dict() for record in records])
        if not entry.exists():  # another process may have been faster
            temporary.rename(entry)
    except OSError as error:
        raise MaskwrightError(
            f"the cache of decoded pictures cannot be written ({error.strerror or error})",
            where=entry.parent,
            fix="Free some space, set data.cache_dir to another disk, or set data.cache = false.",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def common_dtype(depths: set[str]) -> str:
    """The depth that holds all pictures of a data set.

    Raises:
        MaskwrightError: integers and floats are mixed, so that no common scale exists.
    """
    if "float32" in depths and len(depths) > 1:
        raise MaskwrightError(
            f"pictures of {' and '.join(sorted(depths))} are mixed",
            where="[data]",
            fix="Save all as floats or all as integers.",
        )
    return "float32" if "float32" in depths else "uint16" if "uint16" in depths else "uint8"


def entries(folder: Path) -> list[tuple[Path, int, float]]:
    """Complete entries with their bytes and when they were last used, the longest unused first."""
    found = []
    for marker in folder.glob("*/records.json"):
        size = sum(file.stat().st_size for file in marker.parent.iterdir())
        found.append((marker.parent, size, marker.stat().st_mtime))
    return sorted(found, key=lambda item: item[2])


def _make_room(folder: Path, needed: int, limit_gb: float) -> None:
    """Remove the longest unused entries until `needed` more bytes keep within the limit."""
    present = entries(folder) if folder.is_dir() else []
    total = sum(size for _, size, _ in present)
    for entry, size, used in present:
        if total + needed <= limit_gb * 1e9 or time.time() - used < _RECENT:
            break
        shutil.rmtree(entry, ignore_errors=True)
        total -= size
    make_folder(folder)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise MaskwrightError(
            f"the cache of decoded pictures needs {needed / 1e9:.2f} GB, and {free / 1e9:.2f} GB are free",
            where=folder,
            fix="Free some space, set data.cache_dir to another disk, or set data.cache = false.",
        )

"""A cache of decoded pictures and scans on disk, whose size is limited and which can be turned off.

An entry is a folder named after what is in it: the bytes of the files and the rules by which they were read. Anything
else gives another entry. Entries are written beside their place and renamed when complete; a note in each says that it
is ours and which files belong to it, and nothing else is ever removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import platformdirs

from maskwright.data.threads import cores
from maskwright.errors import MaskwrightError
from maskwright.storage import make_folder, sweep, temporary_prefix, write_error, write_json
from maskwright.untrusted.text import read_json

_NOTE = "maskwright-cache.json"
_RECENT = 3600.0  # seconds; an entry touched since then may be in use by another training


def default_folder() -> Path:
    """The system's cache folder (`~/.cache/maskwright` on Linux)."""
    return Path(platformdirs.user_cache_dir("maskwright", appauthor=False))


def entry_name(kind: str, *content: Any) -> str:
    """A name for an entry that holds `content`, plain values: hashes of files and the rules for reading them."""
    digest = hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=12)
    return f"{kind}-{digest.hexdigest()}"


def open_entry(folder: Path, name: str, size: int, limit_gb: float, build: Callable[[Path], None]) -> Path | None:
    """The folder of one entry; see `open_entries`."""
    found = open_entries(folder, [name], [size], limit_gb, lambda place, target: build(target))
    return None if found is None else found[0]


def open_entries(
    folder: Path,
    names: Sequence[str],
    sizes: Sequence[int],
    limit_gb: float,
    build: Callable[[int, Path], None],
    *,
    step: Callable[[], None] = lambda: None,
) -> list[Path] | None:
    """The folders of entries; those that are missing are built, several at a time.

    Room is made once for all of them: who looks through the cache for each entry looks at n * n of them.

    Args:
        sizes: how many bytes each will take; the longest unused entries make room for them.
        build: given the place of a name, writes files into a folder. step: called after each entry.

    Returns:
        The folders, or None where the limit leaves no room (entries that may be in use are never removed), or where a
        folder that is not the cache's has the name of an entry.

    Raises:
        MaskwrightError: no room on the disk, or what `build` raises; nothing half-written is left.
    """
    found = [folder / name for name in names]
    missing: dict[Path, int] = {}  # two files of the same content are one entry
    for place, entry in enumerate(found):
        if _is_ours(entry):
            touch(entry)  # before room is made, so that it stays
        else:
            missing.setdefault(entry, place)
    if any(entry.exists() for entry in missing):
        return None
    if missing and not _make_room(folder, sum(sizes[place] for place in missing.values()), limit_gb):
        return None
    for _ in range(len(found) - len(missing)):
        step()

    def one(entry: Path) -> None:
        _build(entry, lambda target: build(missing[entry], target))
        step()

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(one, missing))
    return found


def touch(entry: Path) -> None:
    """Say that an entry is in use, so that nobody takes it away within the hour."""
    os.utime(entry / _NOTE)


def entries(folder: Path) -> list[tuple[Path, int, float]]:
    """Complete entries with their bytes and when they were last used, the longest unused first."""
    found = []
    for note in folder.glob(f"*/{_NOTE}"):
        if _is_ours(note.parent):
            size = sum(file.stat().st_size for file in note.parent.iterdir())
            found.append((note.parent, size, note.stat().st_mtime))
    return sorted(found, key=lambda item: item[2])


def _note(entry: Path) -> dict[str, Any]:
    try:
        return read_json(entry / _NOTE, like={"maskwright cache entry": str, "files": [str]})
    except MaskwrightError:
        return {}


def _is_ours(entry: Path) -> bool:
    """Whether a folder is an entry of this cache: its note says so, under the name that it has."""
    return _note(entry).get("maskwright cache entry") == entry.name


def _build(entry: Path, build: Callable[[Path], None]) -> None:
    make_folder(entry.parent)
    sweep(entry.parent)
    try:
        temporary = Path(tempfile.mkdtemp(prefix=temporary_prefix(entry), dir=entry.parent))
    except OSError as error:
        raise write_error(entry.parent, error) from error
    try:
        build(temporary)
        files = sorted(path.name for path in temporary.iterdir())
        write_json(temporary / _NOTE, {"maskwright cache entry": entry.name, "files": files})
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


def _remove(entry: Path) -> None:
    """Take away the files that an entry's note lists, and its folder if nothing else lies in it."""
    for name in (*_note(entry).get("files", []), _NOTE):
        (entry / Path(name).name).unlink(missing_ok=True)
    if not any(entry.iterdir()):
        entry.rmdir()


def _make_room(folder: Path, needed: int, limit_gb: float) -> bool:
    """Remove the longest unused entries until `needed` more bytes keep within the limit; whether they do."""
    present = entries(folder) if folder.is_dir() else []
    total = sum(size for _, size, _ in present) + needed
    for entry, size, used in present:
        if total <= limit_gb * 1e9 or time.time() - used < _RECENT or needed > limit_gb * 1e9:
            break
        _remove(entry)
        total -= size
    if total > limit_gb * 1e9:
        return False
    make_folder(folder)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise MaskwrightError(
            f"the cache of decoded pictures needs {needed / 1e9:.2f} GB, and {free / 1e9:.2f} GB are free",
            where=folder,
            fix="Free some space, set data.cache_dir to another disk, or set data.cache = false.",
        )
    return True

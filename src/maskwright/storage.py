"""Writing files whole or not at all, and keeping what was there before."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from maskwright.errors import MaskwrightError

# Whose temporary files are whose.
_HERE = hashlib.blake2b(platform.node().encode(), digest_size=4).hexdigest()
_BEGAN = int(time.time() * 1000)
_DAY = 86_400  # seconds; no file takes so long
_TEMPORARY = re.compile(r"\..*~(?P<machine>[0-9a-f]{8})-(?P<process>[0-9a-f]+)-(?P<began>[0-9a-f]+)-[^.~]+(\.[^.]*)?")
_SWEPT: set[tuple[int, Path]] = set()

# What is being read: nothing is written over it, among it or in its place. See `reading`.
_ELSEWHERE = "Choose a folder of its own for results, with --output, --run or --set."
_READ: ContextVar[frozenset[Path]] = ContextVar("read", default=frozenset())


@contextmanager
def reading(paths: Iterable[Path | str | None]) -> Iterator[None]:
    """While this lasts, files and folders that are read are safe, whoever names a place to write to.

    Nothing is written over a file of these or into a folder of these, and no folder that holds one is put aside.
    """
    token = _READ.set(_READ.get() | {Path(path).resolve() for path in paths if path is not None})
    try:
        yield
    finally:
        _READ.reset(token)


@dataclass
class _Staying:
    """A folder that is written into for long, and by what the file system knows it once it is there."""

    path: Path
    identity: tuple[int, int] | None = None

    def now(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino


_STAYING: ContextVar[tuple[_Staying, ...]] = ContextVar("staying", default=())


@contextmanager
def staying(folder: Path) -> Iterator[None]:
    """While this lasts, what is written into a folder goes into that very one.

    A disk or a network folder that is taken away leaves an empty folder of its name behind, and what is written into
    that is hidden as soon as the other comes back.
    """
    token = _STAYING.set((*_STAYING.get(), _Staying(folder.absolute())))
    try:
        yield
    finally:
        _STAYING.reset(token)


def require_same(path: Path) -> None:
    """Refuse to write into a folder that is not the one any more that was written into before; see `staying`.

    Raises:
        MaskwrightError: it was taken away, or replaced.
    """
    target = path.absolute()
    for one in _STAYING.get():
        if one.identity is None or not target.is_relative_to(one.path) or one.now() == one.identity:
            continue
        raise MaskwrightError(
            "is no longer the folder that was written into before: its disk or network folder was taken away, or it was"
            " moved",
            where=one.path,
            fix="Bring it back; nothing was written into what is there now.",
        )


def note_folder(path: Path, *, anew: bool = False) -> None:
    """A file was written: know the folders again that stay from now on; `anew`: what is at `path` was put aside."""
    target = path.absolute()
    for one in _STAYING.get():
        if anew and one.path.is_relative_to(target):
            one.identity = None
        elif not anew and one.identity is None and target.is_relative_to(one.path):
            one.identity = one.now()


def require_free(path: Path) -> None:
    """Refuse to write where something is read.

    Raises:
        MaskwrightError: `path` is read, or would lie among what is.
    """
    target = path.resolve()
    for kept in _READ.get():
        if target == kept or target.parent == kept:
            what = (
                "is read here, and would be overwritten" if target == kept else f"would lie among the files of {kept}"
            )
            raise MaskwrightError(what, where=path, fix=_ELSEWHERE)


@contextmanager
def atomic(path: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` when the block ends well, remove it otherwise.

    The temporary name keeps the suffix, because encoders choose the format by it, and says whose it is: what a process
    left that was killed while it wrote goes when the next one writes there.

    Raises:
        MaskwrightError: the folder cannot be written or the disk is full; `path` is then as it was.
    """
    path = Path(path)
    require_free(path)
    require_same(path)
    make_folder(path.parent)
    note_folder(path)
    if is_read_only(path.parent):
        raise write_error(path, PermissionError(errno.EACCES, "its folder is read-only"))
    sweep(path.parent)
    # Its name is known before it is there, so that it is removed whenever the process is ended from now on.
    temporary = path.with_name(f"{temporary_prefix(path)}{secrets.token_hex(4)}{path.suffix}")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def temporary_prefix(path: Path) -> str:
    """How temporary files and folders for `path` begin: hidden, with machine, process and its start, for `sweep`."""
    return f".{path.stem}~{_HERE}-{os.getpid():x}-{_BEGAN:x}-"


def sweep(folder: Path) -> None:
    """Remove temporary files and folders of processes that are dead, once a process and folder.

    Whether one of another machine lives nobody here knows; it is taken for dead after a day.
    """
    whole = folder.resolve()
    if (os.getpid(), whole) in _SWEPT:
        return
    _SWEPT.add((os.getpid(), whole))
    with suppress(OSError):
        for path in whole.iterdir():
            if (match := _TEMPORARY.fullmatch(path.name)) and _is_dead(match, path):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _is_dead(match: re.Match[str], path: Path) -> bool:
    process, began = int(match["process"], 16), int(match["began"], 16)
    if match["machine"] == _HERE and os.name == "posix":
        if process == os.getpid():  # numbers are given again, in containers above all
            return began != _BEGAN
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
    return time.time() - path.stat().st_mtime > _DAY


def _umask() -> int:
    # The mask can only be read by setting it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def write_error(path: Path, error: OSError) -> MaskwrightError:
    """The message for a file that could not be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, None)  # NumPy's short writes have no number
    return MaskwrightError(
        f"cannot be written ({error.strerror or error})",
        where=path,
        fix=("Free some space there, or choose" if full else "Choose")
        + " another folder with --output, --run or --set.",
    )


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path | str, text: str) -> None:
    """Write `text` as UTF-8 with `\\n` line ends, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def make_folder(path: Path) -> Path:
    """Create `path` and its parents.

    Raises:
        MaskwrightError: it cannot be created, or a file of that name is in the way.
    """
    if not path.exists() and is_read_only(path.parent):
        raise write_error(path, PermissionError(errno.EACCES, "the folder above it is read-only"))
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(path, error) from error
    return path


def require_space(folder: Path, needed: int) -> None:
    """Refuse to start writing `needed` bytes where there is no room for them.

    Raises:
        MaskwrightError: the disk has less than that.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise write_error(
            folder, OSError(errno.ENOSPC, f"{needed / 1e6:.0f} MB are needed, {free / 1e6:.0f} MB are free")
        )


def keep_aside(path: Path, *, ours: str | None = None) -> Path | None:
    """Rename what is at `path` to a dated name, so that nothing of the user's is overwritten.

    Args:
        path: a file or folder.
        ours: a file by which a folder is known to be Maskwright's; one without it is left where it is.

    Returns:
        The new path, or None where there was nothing (or only an empty folder).

    Raises:
        MaskwrightError: it is not ours, the working directory lies in it, or it is, holds or lies in what is read.
    """
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return None
    if ours and not (path / ours).exists():
        kind = "holds files that Maskwright did not write" if path.is_dir() else "is a file, not a folder"
        raise MaskwrightError(kind, where=path, fix="Choose another folder, one that is new or empty.")
    whole = path.resolve()
    for kept_there in _READ.get():
        if kept_there.is_relative_to(whole) or (ours is None and whole.is_relative_to(kept_there)):
            raise MaskwrightError(
                f"is, holds or lies in what is being read ({kept_there}), and would have to be put aside",
                where=path,
                fix=_ELSEWHERE,
            )
    if Path.cwd().is_relative_to(path.resolve()):
        raise MaskwrightError(
            "is the working directory or one above it, and would have to be put aside",
            where=path,
            fix="Choose a folder of its own, below the working directory.",
        )
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    kept = path.with_name(f"{path.name}_{stamp}")
    number = 2
    while kept.exists():
        kept = path.with_name(f"{path.name}_{stamp}-{number}")
        number += 1
    try:
        path.rename(kept)
    except OSError as error:
        raise write_error(path, error) from error
    note_folder(path, anew=True)
    return kept


def give_way(path: Path, say: Callable[[str], None]) -> Path:
    """Where a file that a user named may be written: what is there already is kept under a dated name, and told."""
    if path.is_dir():
        raise MaskwrightError("is a folder", where=path, fix="Name a file.")
    require_free(path)
    if kept := keep_aside(path):
        say(f"kept what was in {path} as {kept.name}")
    return path


def is_read_only(folder: Path) -> bool:
    """Whether `folder` (or its nearest existing parent) refuses new files.

    A folder without any write bit counts as read-only even for an administrator, who could write there all the same.
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return not os.access(folder, os.W_OK) or not folder.stat().st_mode & 0o222

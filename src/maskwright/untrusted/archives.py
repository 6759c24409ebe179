"""Zip and gzip: what is declared is looked at before it is unpacked, and checksums count."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maskwright.errors import MaskwrightError
from maskwright.untrusted.decode import ARRAY, COPY, decoding, too_large

_PIECE = 1 << 20
_PLAIN = "Make the archive again with deflate, without a password."


@contextmanager
def open_zip(
    path: Path, what: str = "is no archive, or a damaged one", fix: str = COPY, absent: str = "there is no such file"
) -> Iterator[zipfile.ZipFile]:
    """A zip archive to `read_member` of.

    Raises:
        MaskwrightError: no such file, or no archive.
    """
    with decoding(path, what, fix, absent=absent):
        archive = zipfile.ZipFile(path)
        if not all(archive.namelist()):
            archive.close()
            raise ValueError("a member without a name")
    with archive:
        yield archive


def read_member(
    archive: zipfile.ZipFile,
    name: str | zipfile.ZipInfo,
    limit: int,
    where: object,
    *,
    what: str = "is a damaged archive",
    fix: str = COPY,
) -> bytes:
    """The bytes of a file in an archive, of at most `limit` unpacked: what it declares is looked at first.

    Raises:
        MaskwrightError: there is none of that name, it declares more, or it is damaged (a checksum that is not right).
    """
    with decoding(where, what, fix):
        entry = archive.getinfo(name) if isinstance(name, str) else name
    if entry.file_size > limit:
        raise too_large(f"{where}:{entry.filename}", entry.file_size, limit, fix)
    return beginning(archive, entry, -1, where, what=what, fix=fix)


def beginning(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, count: int, where: object, *, what: str, fix: str = COPY
) -> bytes:
    """The first bytes of a file in an archive; all where `count` is negative.

    Raises:
        MaskwrightError: it is damaged, locked, or packed in a way that is not read.
    """
    with decoding(where, what, fix):
        try:
            with archive.open(entry) as file:
                return file.read(count)
        except NotImplementedError:
            reason = "is packed in a way that is not read"
        except RuntimeError:
            reason = "is locked by a password"
    raise MaskwrightError(f"cannot be unpacked (it {reason})", where=where, fix=_PLAIN)


def unpacked(path: Path, limit: int = ARRAY) -> bytes:
    """What a gzip file holds, of at most `limit` bytes.

    Raises:
        MaskwrightError: it holds more, or is damaged.
    """
    data = bytearray()
    with decoding(path), gzip.open(path) as file:
        while piece := file.read(_PIECE):
            data += piece
            if len(data) > limit:
                raise too_large(path, len(data), limit)
    return bytes(data)


def holds(path: Path, count: float) -> bool:
    """Whether a gzip file holds so many bytes; it is looked through without being kept.

    Raises:
        MaskwrightError: it is damaged before that.
    """
    seen = 0
    with decoding(path), gzip.open(path) as file:
        while seen < count and (piece := file.read(_PIECE)):
            seen += len(piece)
    return seen >= count

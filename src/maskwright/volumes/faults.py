"""What libraries raise for damaged files, turned into errors that name the file and say what would be right."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maskwright.errors import MaskwrightError

# What a wrong length, a wrong type or a missing element lead to, wherever a reader first meets them.
_FAULTS = (ValueError, TypeError, KeyError, IndexError, AttributeError, NotImplementedError, EOFError, OSError,
           OverflowError, RuntimeError, AssertionError, MemoryError, struct.error, zlib.error)  # fmt: skip
_ARCHIVE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError, IndexError)


def dicom_faults() -> tuple[type[Exception], ...]:
    """What pydicom, highdicom and their decoders raise for a file that is damaged."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    return (*_FAULTS, BytesLengthException, InvalidDicomError)


@contextmanager
def told(error: MaskwrightError) -> Iterator[None]:
    """Raise `error` for whatever a damaged DICOM file leads to; errors of ours pass."""
    try:
        yield
    except dicom_faults() as cause:
        raise error from cause


@contextmanager
def unzipped(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive, open for reading as long as the block.

    Raises:
        MaskwrightError: it is none, damaged, locked, or packed in a way that is not read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except NotImplementedError:
        reason = "it is packed in a way that is not read"
    except RuntimeError:
        reason = "it is locked by a password"
    except _ARCHIVE:
        reason = "it is damaged or cut short, or no zip archive"
    else:
        return
    raise MaskwrightError(
        f"cannot be unpacked ({reason})", where=path, fix="Make the archive again with deflate, without a password."
    )

"""What decoders raise becomes an error of ours, and what files claim is held against a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from maskwright.errors import MaskwrightError

NOTE = 4 << 20  # bytes of what a model says of itself; ours have some thousand
ARRAY = 8 << 30  # bytes of scans and arrays
COPY = "Copy it again from its source."


@contextmanager
def decoding(
    where: object,
    what: str | Callable[[], str] = "is damaged or cut short",
    fix: str = COPY,
    *,
    kind: type[MaskwrightError] = MaskwrightError,
    absent: str = "there is no such file",
) -> Iterator[None]:
    """Whatever a decoder raises in this block is damage of `where`.

    Decoders of others raise anything for damaged bytes, and what they say is for programmers ("use force=True"): no
    list of exceptions is complete, so this takes them all, here and nowhere else. The block holds the decoding only,
    as a mistake of ours in it would be told as the file's; `--debug` shows what was behind it.

    Args:
        what: is wrong, or what finds that out. kind: of the error. absent: what is said where there is no such file.
    """
    try:
        yield
    except MaskwrightError:
        raise
    except FileNotFoundError as error:
        raise kind(absent, where=where, fix=fix) from error
    except MemoryError as error:
        raise kind("is damaged, or larger than the memory that is free", where=where, fix=fix) from error
    except OSError as error:
        # With a number it is the system that speaks (no permission, a folder); without one it is a decoder.
        reason = f"cannot be read ({error.strerror})" if error.errno and error.strerror else _told(what)
        raise kind(reason, where=where, fix=fix) from error
    except Exception as error:
        raise kind(_told(what), where=where, fix=fix) from error


def _told(what: str | Callable[[], str]) -> str:
    return what if isinstance(what, str) else what()


def too_large(where: object, size: float, limit: float, fix: str = COPY) -> MaskwrightError:
    """The message for a file, or a part of one, that is or claims more bytes than are read."""
    return MaskwrightError(f"has, or claims, {_bytes(size)}; at most {_bytes(limit)} are read", where=where, fix=fix)


def _bytes(size: float) -> str:
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size:.0f} bytes"

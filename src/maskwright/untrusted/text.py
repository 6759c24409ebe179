"""Text, JSON, TOML and Python literals."""

from __future__ import annotations

import ast
import json
import tomllib
from pathlib import Path
from typing import Any

from maskwright.errors import MaskwrightError
from maskwright.typed import unlike
from maskwright.untrusted.decode import COPY, decoding, too_large

TEXT = 1 << 20  # bytes of a configuration
JSON = 64 << 20  # of a list or a summary
_DEEPEST = 32  # lists in lists; a few more than Maskwright writes, and far from where Python gives up
_WHOLE = 1 << 63  # integers beyond are no numbers of ours, and not every library's either
_DOTS = 32  # parts of a dotted TOML key: its reader takes the square of them


def read_bytes(path: Path, limit: int, fix: str = COPY, absent: str = "there is no such file") -> bytes:
    """All bytes of a file of at most `limit`.

    Raises:
        MaskwrightError: no such file, one that cannot be read, or a larger one.
    """
    with decoding(path, fix=fix, absent=absent), path.open("rb") as file:
        data = file.read(limit + 1)  # not by its size, which devices do not have
    if len(data) > limit:
        raise too_large(path, path.stat().st_size, limit, fix)
    return data


def read_text(path: Path, limit: int = TEXT, fix: str = COPY, absent: str = "there is no such file") -> str:
    """UTF-8 text, with or without a byte order mark.

    Raises:
        MaskwrightError: as `read_bytes`; other bytes than UTF-8, or zeros.
    """
    return as_text(read_bytes(path, limit, fix, absent), path, "Save it as UTF-8 text.")


def as_text(data: bytes, where: object, fix: str = COPY) -> str:
    """Bytes as UTF-8 text.

    Raises:
        MaskwrightError: they are none.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MaskwrightError(f"is no text file in UTF-8 (byte {error.start})", where=where, fix=fix) from error
    if "\0" in text:
        raise MaskwrightError(f"is no text file (byte {text.index(chr(0))} is zero)", where=where, fix=fix)
    return text


def read_json(
    path: Path,
    kind: type | None = dict,
    *,
    limit: int = JSON,
    what: str = "is no JSON file, or a damaged one",
    fix: str = COPY,
    absent: str = "there is no such file",
    like: Any = None,
) -> Any:
    """The value of a JSON file; see `parse_json`."""
    return parse_json(read_bytes(path, limit, fix, absent), path, kind, limit=limit, what=what, fix=fix, like=like)


def parse_json(
    data: bytes | str,
    where: object,
    kind: type | None = dict,
    *,
    limit: int = JSON,
    what: str = "is no JSON file, or a damaged one",
    fix: str = COPY,
    deepest: int = _DEEPEST,
    like: Any = None,
) -> Any:
    """A JSON value.

    Args:
        kind: what must stand at its top, `dict` or `list`; None for anything. deepest: how many lists in lists.
        like: what it must hold, as `typed.unlike` takes it.

    Raises:
        MaskwrightError: no JSON, another kind of value, or one of endless numbers, lists in lists or broken text.
    """
    if len(data) > limit:
        raise too_large(where, len(data), limit, fix)
    text = data if isinstance(data, str) else as_text(data, where, fix)
    with decoding(where, what, fix):
        value = json.loads(text, parse_int=_whole)
        _require_plain(value, deepest)
        if kind is not None and not isinstance(value, kind):
            raise TypeError
    if like is not None and (wrong := unlike(value, like)):
        raise MaskwrightError(f"{what}: {wrong}", where=where, fix=fix)
    return value


def parse_toml(text: str, where: object) -> dict[str, Any]:
    """The tables of TOML text.

    Raises:
        MaskwrightError: no TOML, with the line where it ends to be; or as `parse_json`.
    """
    fix = "Text needs quotes, lists need commas, sections are written [section]."
    if len(text) > TEXT:
        raise too_large(where, len(text), TEXT, fix)
    with decoding(where, "is no valid TOML: a number without end, or lists in lists in lists", fix):
        if any(line.count(".") > _DOTS and _dotted(line) for line in text.splitlines()):
            raise ValueError
        try:
            tree = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise MaskwrightError(f"is no valid TOML: {error}", where=where, fix=fix) from None
        _require_plain(tree)
    return tree


def _dotted(line: str) -> bool:
    """Whether a line is a key or a section of more than `_DOTS` parts; text in quotes may have as many points."""
    head = line.partition("=")[0].partition('"')[0].partition("'")[0]
    return head.count(".") > _DOTS or (line.lstrip()[:1] in "\"'[{" and line.count(".") > 8 * _DOTS)


def parse_literal(text: str) -> Any:
    """A Python literal; nothing in it is run.

    Raises:
        ValueError: it is none, or one of endless numbers or lists in lists. SyntaxError: it is no Python.
    """
    if len(text) > TEXT:
        raise ValueError("is longer than any value")
    try:
        return ast.literal_eval(text)
    except (TypeError, MemoryError, RecursionError, OverflowError):
        raise ValueError("is no literal") from None


def _whole(text: str) -> int:
    value = int(text) if len(text) < 21 else _WHOLE
    if not -_WHOLE <= value < _WHOLE:
        raise ValueError("no whole number of 64 bits")
    return value


def _require_plain(value: Any, deepest: int = _DEEPEST) -> None:
    """Refuse lists in lists in lists, whole numbers of more than 64 bits, and text that no file name can be.

    Level by level, as a function that calls itself would stop where Python does.
    """
    level = [value]
    for _ in range(deepest):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner += one.keys()
                inner += one.values()
            elif isinstance(one, list):
                inner += one
            elif isinstance(one, str):
                if "\0" in one or (not one.isascii() and any("\ud800" <= letter <= "\udfff" for letter in one)):
                    raise ValueError("text with zeros, or half letters")
            elif isinstance(one, int) and not -_WHOLE <= one < _WHOLE:
                raise ValueError("no whole number of 64 bits")
        if not inner:
            return
        level = inner
    raise ValueError("too many lists in lists")

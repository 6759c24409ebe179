"""CSV files: every one that is written or read again goes through here, so that no name in it becomes a formula.

A spreadsheet runs what begins with `=`, `+`, `-` or `@`, and names of files, patients and classes come from anybody.
Such a cell of text gets an apostrophe in front, which reading takes away again; numbers stay as they are.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from maskwright.storage import atomic

# Wide forms of the four signs count as well, and spaces in front do not help.
_FORMULA = re.compile(r"'*(\s*[=+\-@＝＋－＠]|[\t\r\n])")
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)"
_NUMBERS = re.compile(rf"({_NUMBER})( ({_NUMBER}))*")


def cell(value: Any) -> Any:
    """A value as it may stand in a sheet; text that would be a formula behind an apostrophe."""
    text = value if isinstance(value, str) else str(value)
    if value is None or isinstance(value, int | float) or not _FORMULA.match(text) or _NUMBERS.fullmatch(text):
        return value
    return f"'{text}"


def plain(text: str) -> str:
    """What `cell` was given: the apostrophe in front is taken away where `cell` would have put one."""
    inner = text[1:] if text.startswith("'") else text
    return inner if inner != text and cell(inner) == text else text


def write_sheet(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a CSV file with a header, whole or not at all; what a row lacks is an empty cell."""
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([cell(name) for name in columns])
        writer.writerows([cell(row.get(name, "")) for name in columns] for row in rows)


def line(values: Sequence[Any], end: str = "\r\n") -> str:
    """One line of a CSV file."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator=end).writerow([cell(value) for value in values])
    return buffer.getvalue()


def rows_of(text: str) -> list[list[str]]:
    """The rows of a CSV file's text, with the names that were written; empty ones are left out.

    Raises:
        csv.Error: it is none.
    """
    return [[plain(value) for value in row] for row in csv.reader(io.StringIO(text, newline="")) if row]

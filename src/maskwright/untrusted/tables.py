"""CSV files with a header."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maskwright.errors import MaskwrightError
from maskwright.sheets import rows_of
from maskwright.untrusted.decode import COPY, decoding
from maskwright.untrusted.text import read_text

_TABLE = 256 << 20  # bytes


def read_table(
    path: Path, columns: Sequence[str], *, fix: str = COPY, absent: str = "there is no such file"
) -> list[dict[str, str]]:
    """The rows of a CSV file with a header.

    Args:
        columns: that it must have, beside others.

    Raises:
        MaskwrightError: no such file or columns, or a row that has more or fewer cells than the header.
    """
    text = read_text(path, _TABLE, fix, absent)
    what = "is a damaged table"
    with decoding(path, what, fix):
        rows = rows_of(text)
    header = rows[0] if rows else []
    missing = [name for name in columns if name not in header]
    if missing or len(set(header)) < len(header):
        reason = f"its header lacks {', '.join(missing)}" if missing else "its header has a name twice"
        raise MaskwrightError(f"{what}: {reason}", where=path, fix=fix)
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(header):
            what += f": row {number} has {len(row)} cells, and the header {len(header)}"
            raise MaskwrightError(what, where=path, fix=fix)
    return [dict(zip(header, row, strict=True)) for row in rows[1:]]


def read_numbers(row: dict[str, str], path: Path, *, but: Sequence[str] = (), fix: str = COPY) -> dict[str, float]:
    """The cells of a row as numbers, NaN where there is nothing; without the columns of `but`.

    Raises:
        MaskwrightError: a cell that is no number.
    """
    found = {}
    for name, text in row.items():
        if name not in but:
            try:
                found[name] = float(text) if text else float("nan")
            except ValueError:
                what = f"is a damaged table: {name} is {text[:40]!r}, no number"
                raise MaskwrightError(what, where=path, fix=fix) from None
    return found

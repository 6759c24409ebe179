"""Measures as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maskwright.errors import MaskwrightError
from maskwright.sheets import write_sheet
from maskwright.storage import write_json


def write_table(found: Mapping[int, Mapping[str, Any]], path: Path) -> None:
    """Write what `measure` found as `.csv` (a line a label, points as three columns) or `.json`.

    Raises:
        MaskwrightError: another ending, or the file cannot be written.
    """
    plain = {"labels": {str(number): dict(facts) for number, facts in found.items()}}
    _write(plain, [{"label": number, **flat(facts)} for number, facts in found.items()], path)


def write_tables(files: Mapping[str, Mapping[int, Mapping[str, Any]]], path: Path) -> None:
    """The same of several label maps, by their names.

    Raises:
        MaskwrightError: as `write_table`.
    """
    plain = {name: {str(number): dict(facts) for number, facts in found.items()} for name, found in files.items()}
    rows = [
        {"file": name, "label": number, **flat(facts)}
        for name, found in files.items()
        for number, facts in found.items()
    ]
    _write({"files": plain}, rows, path)


def _write(plain: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    if path.suffix == ".json":
        write_json(path, plain)
        return
    if path.suffix != ".csv":
        raise MaskwrightError(f"ends in {path.suffix!r}", where=path, fix="Write to a .csv or .json file.")
    columns = list(dict.fromkeys(name for row in rows for name in row)) or ["label"]
    write_sheet(path, columns, rows)


def flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Measures for a line of a table: points become three columns, lists one of several numbers."""
    row: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, list) and name.endswith("_mm"):
            row |= {f"{name}_{axis}": f"{one:.6g}" for axis, one in zip("xyz", value, strict=True)}
        elif isinstance(value, list):
            row[name] = " ".join(f"{one:.6g}" for one in value)
        else:
            row[name] = f"{value:.6g}" if isinstance(value, float) else value
    return row

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
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["label"]
    write_sheet(path, names, rows)


def columns(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Measures as columns of a table: points become three of them, and other lists stay lists."""
    row: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, list) and name.endswith("_mm"):
            row |= {f"{name}_{axis}": one for axis, one in zip("xyz", value, strict=True)}
        else:
            row[name] = value
    return row


def flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a line of text: lists are one column of several numbers, and floats have six digits."""
    return {name: _text(value) for name, value in columns(facts).items()}


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(f"{one:.6g}" for one in value)
    return f"{value:.6g}" if isinstance(value, float) else value

"""Scores as files: JSON for programs, CSV for spreadsheets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maskwright.evaluation.scores import ImageScore, pool, table
from maskwright.evaluation.summary import Summary
from maskwright.sheets import line, write_sheet
from maskwright.storage import write_json, write_text

SCORE_FILES = ("evaluation.json", "evaluation.csv", "per_image.csv", "per_patient.csv")


def write_scores(
    folder: Path,
    summary: Summary,
    images: Sequence[ImageScore],
    class_names: Sequence[str],
    cases: Sequence[ImageScore] | None = None,
) -> None:
    """Write evaluation.json, evaluation.csv, per_image.csv and per_patient.csv.

    evaluation.csv is the reference's: `name,value` with 4 decimals and no header, the network's loss first. `n` and
    `undefined` beside each mean are whole numbers.

    Args:
        cases: as `report` takes them.
    """
    write_json(folder / "evaluation.json", summary)
    lines = [(name, f"{value:.4f}") for name, value in summary.get("network", {}).items()]
    for group in ("per_image", "per_patient"):
        for name, facts in summary[group].items():
            found = [(key, f"{value:.4f}") for key, value in facts.items() if isinstance(value, float)]
            found += [(key, str(facts[key])) for key in ("n", "undefined") if key in facts]
            lines += [(f"{group}.{name}.{key}", text) for key, text in found]
    write_text(folder / "evaluation.csv", "".join(line(one, "\n") for one in lines))
    write_rows(folder / "per_image.csv", table(images, class_names))
    write_rows(folder / "per_patient.csv", table(pool(images if cases is None else cases), class_names))


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write a CSV file with a header; undefined numbers are empty cells."""
    write_sheet(path, list(rows[0]), ({key: _cell(value) for key, value in row.items()} for row in rows))


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6f}"
    return value

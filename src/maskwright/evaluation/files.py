"""Scores as files: JSON for programs, CSV for spreadsheets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maskwright.errors import MaskwrightError
from maskwright.evaluation.scores import ImageScore, pool, table
from maskwright.evaluation.summary import Summary
from maskwright.sheets import line, write_sheet
from maskwright.storage import write_json, write_text
from maskwright.typed import NUMBER
from maskwright.untrusted.text import read_json

SCORE_FILES = ("evaluation.json", "evaluation.csv", "per_image.csv", "per_patient.csv")


# What is read of evaluation.json again; `write_scores` writes more.
_ANEW = "Score it anew: maskwright evaluate RUN."
_STATISTICS = {"mean": NUMBER, "?ci95": ([NUMBER], None), "undefined": int}
_GROUP = {"dice": _STATISTICS, str: (_STATISTICS, {str: _STATISTICS})}
_SUMMARY = {
    "images": int, "patients": int, "per_image": _GROUP, "per_patient": _GROUP,
    "worst": [{"patient": str, "dice": float}],
    "warnings": [str], "?split": str,
    "?units": {"distance": str, "volume": str, "tolerance": float},
    "?agreement": {str: {str: (*NUMBER, [NUMBER])}},
    "?calibration": {"brier": float, "expected_calibration_error": float, "bins": [{str: NUMBER}]},
    "?confusion": [[int]],
}  # fmt: skip


def read_summary(folder: Path) -> dict[str, Any]:
    """The evaluation.json of a folder.

    Raises:
        MaskwrightError: there is none, or it is damaged.
    """
    found: dict[str, Any] = read_json(
        folder / "evaluation.json", what="is a damaged evaluation", fix=_ANEW, like=_SUMMARY
    )
    return found


def require_all_patients(folder: Path, found: dict[str, Any]) -> None:
    """Compare the patients that per_patient.csv was read to hold with how many evaluation.json says were scored.

    A table that was cut between two lines is a sound table of fewer patients.

    Raises:
        MaskwrightError: some are missing, or there are more.
    """
    path = folder / "evaluation.json"
    if not path.exists():
        return
    told = read_json(path, what="is a damaged evaluation", fix=_ANEW, like={"?patients": int})
    if len(found) != (scored := told.get("patients", len(found))):
        what = f"holds {len(found)} patients, and evaluation.json says that {scored} were scored"
        raise MaskwrightError(what, where=folder / "per_patient.csv", fix=_ANEW)


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

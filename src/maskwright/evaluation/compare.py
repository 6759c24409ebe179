"""Runs beside each other on the same patients, with paired statistics.

Every run is compared with the first: the mean difference over the patients that both have, its 95 % interval by the
paired bootstrap (patients are drawn, not slices), and the p-value of Wilcoxon's signed-rank test (1945).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from maskwright.errors import MaskwrightError, choices
from maskwright.evaluation.summary import bootstrap_interval, summarize

Patients = dict[str, float]


def read_patients(folder: Path, metric: str) -> Patients:
    """A score of each patient of an evaluated run (the mean over classes), from its per_patient.csv.

    Raises:
        MaskwrightError: the run was not evaluated, or has no such score.
    """
    path = folder / "per_patient.csv"
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        raise MaskwrightError(
            "has no per_patient.csv",
            where=folder,
            fix="Score it first: `maskwright evaluate RUN`, or `maskwright score … --output DIR` for other masks.",
        ) from None
    names = [name for name in (rows[0] if rows else {}) if name not in ("name", "patient", "class")]
    if metric not in names:
        raise MaskwrightError(f"has no score {metric!r}", where=path, fix=choices(metric, names))
    found: dict[str, list[float]] = {}
    for row in rows:
        values = found.setdefault(row["patient"], [])
        if row[metric]:
            values.append(float(row[metric]))
    return {patient: float(np.mean(values)) if values else float("nan") for patient, values in found.items()}


def compare(runs: Mapping[str, Patients], resamplings: int = 2000) -> list[dict[str, Any]]:
    """A row for each run: `run`, the summary of its own patients with `ci95`, and `versus_first` for all but the first.

    `versus_first` has `n` (patients that both have), `difference` (this run minus the first), `ci95` and `p`; the last
    two are None where fewer than two patients are shared.
    """
    first = next(iter(runs.values()))
    rows = []
    for place, (name, patients) in enumerate(runs.items()):
        values = list(patients.values())
        row = {"run": name, **summarize(values), "ci95": bootstrap_interval(values, resamplings)}
        rows.append(row | ({"versus_first": paired(patients, first, resamplings)} if place else {}))
    return rows


def paired(one: Patients, other: Patients, resamplings: int = 2000) -> dict[str, Any]:
    """The differences one - other over the patients that both have."""
    shared = [name for name in one if name in other and not np.isnan([one[name], other[name]]).any()]
    differences = np.array([one[name] - other[name] for name in shared])
    if len(differences) < 2:
        return {"n": len(shared), "difference": float(differences.mean()) if shared else None, "ci95": None, "p": None}
    p = float(stats.wilcoxon(differences).pvalue) if np.any(differences != 0) else 1.0
    interval = bootstrap_interval(differences.tolist(), resamplings)
    return {"n": len(shared), "difference": float(differences.mean()), "ci95": interval, "p": p}


def as_text(rows: Sequence[Mapping[str, Any]], metric: str) -> str:
    """The table, to be read."""
    width = max(len(str(row["run"])) for row in rows)
    lines = [f"{'':{width}}  {metric} per patient (95 % interval)    n   against the first (95 % interval)      p"]
    for row in rows:
        own = f"{_number(row['mean'])} ({_interval(row['ci95'])})"
        line = f"{row['run']:{width}}  {own:<34} {row['n']:>4}"
        if against := row.get("versus_first"):
            gap = f"{_number(against['difference'], '+')} ({_interval(against['ci95'], '+')})"
            line += f"   {gap:<32}  {_number(against['p'])}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def _number(value: float | None, sign: str = "") -> str:
    return "–" if value is None else f"{value:{sign}.3f}"


def _interval(values: Sequence[float] | None, sign: str = "") -> str:
    return "–" if values is None else f"{values[0]:{sign}.3f} to {values[1]:{sign}.3f}"

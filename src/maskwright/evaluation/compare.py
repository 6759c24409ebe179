"""Runs beside each other on the same patients, with paired statistics.

Every run is compared with the first on what both define, patient by patient and class by class: the mean difference
over the patients, its 95 % interval by the paired bootstrap (patients are drawn, not slices), and the p-value of
Wilcoxon's signed-rank test (1945). What only one of the two defines (a distance to a structure that the other never
found) is in no difference; how often that is stands in the same line, so that nobody wins by missing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from maskwright.errors import MaskwrightError, choices
from maskwright.evaluation.files import require_all_patients
from maskwright.evaluation.summary import bootstrap_interval, summarize
from maskwright.untrusted.tables import read_numbers, read_table
from maskwright.untrusted.text import read_json

Patients = dict[str, dict[str, float]]  # of each patient the score of each class, NaN where it is undefined


def read_patients(folder: Path, metric: str) -> Patients:
    """A score of each patient and class of an evaluated run, from its per_patient.csv.

    Raises:
        MaskwrightError: the run was not evaluated, or has no such score.
    """
    path = folder / "per_patient.csv"
    fix = "Score it first: `maskwright evaluate RUN`, or `maskwright score … --output DIR` for other masks."
    if not path.exists():
        raise MaskwrightError("has no per_patient.csv", where=folder, fix=fix)
    rows = read_table(path, ("patient", "class"), fix=fix)
    names = [name for name in (rows[0] if rows else {}) if name not in ("name", "patient", "class")]
    if metric not in names:
        raise MaskwrightError(f"has no score {metric!r}", where=path, fix=choices(metric, names))
    found: Patients = {}
    for row in rows:
        values = found.setdefault(row["patient"], {})
        values[row["class"]] = read_numbers({metric: row[metric]}, path, fix=fix)[metric]
    require_all_patients(folder, found)
    return found


def read_warnings(folder: Path) -> list[str]:
    """What is wrong with the scores of an evaluated run; empty where nothing is known to be."""
    path = folder / "evaluation.json"
    if not path.exists():
        return []
    found = read_json(path, what="is a damaged evaluation", fix="Score it anew.", like={"?warnings": [str]})
    return list(found.get("warnings", []))


def compare(runs: Mapping[str, Patients], resamplings: int = 2000) -> list[dict[str, Any]]:
    """A row for each run: `run`, the summary of its own patients with `ci95`, and `versus_first` for all but the first.

    A patient's value is the mean over the classes where it is defined; `undefined` counts the others. `versus_first` is
    as `paired` gives it.
    """
    first = next(iter(runs.values()))
    rows = []
    for place, (name, patients) in enumerate(runs.items()):
        values = [_mean(list(classes.values())) for classes in patients.values()]
        undefined = sum(math.isnan(value) for classes in patients.values() for value in classes.values())
        row = {
            "run": name,
            **summarize(values),
            "undefined": undefined,
            "ci95": bootstrap_interval(values, resamplings),
        }
        rows.append(row | ({"versus_first": paired(patients, first, resamplings)} if place else {}))
    return rows


def paired(one: Patients, other: Patients, resamplings: int = 2000) -> dict[str, Any]:
    """The differences one - other.

    Returns:
        `n`, the patients of whom both define something; `difference`, the mean over them of the mean over the classes
        that both define; `ci95` and `p`, None where fewer than two patients are left; `undefined` and
        `undefined_first`, how many values only the other one of the two defines.
    """
    found, missed, missed_first = [], 0, 0
    for patient in one:
        classes = [name for name in one[patient] if name in other.get(patient, {})]
        pairs = [(one[patient][name], other[patient][name]) for name in classes]
        both = [mine - theirs for mine, theirs in pairs if not math.isnan(mine) and not math.isnan(theirs)]
        missed += sum(math.isnan(mine) and not math.isnan(theirs) for mine, theirs in pairs)
        missed_first += sum(math.isnan(theirs) and not math.isnan(mine) for mine, theirs in pairs)
        found += [float(np.mean(both))] if both else []
    told = {"n": len(found), "undefined": missed, "undefined_first": missed_first}
    differences = np.array(found)
    if len(differences) < 2:
        return {**told, "difference": float(differences.mean()) if found else None, "ci95": None, "p": None}
    p = float(stats.wilcoxon(differences).pvalue) if np.any(differences != 0) else 1.0
    interval = bootstrap_interval(differences.tolist(), resamplings)
    return {**told, "difference": float(differences.mean()), "ci95": interval, "p": p}


def as_text(rows: Sequence[Mapping[str, Any]], metric: str) -> str:
    """The table, to be read."""
    width = max(len(str(row["run"])) for row in rows)
    lines = [
        f"{'':{width}}  {metric} per patient (95 % interval)    n undefined   against the first, of what both define"
        "   p"
    ]
    for row in rows:
        own = f"{_number(row['mean'])} ({_interval(row['ci95'])})"
        line = f"{row['run']:{width}}  {own:<34} {row['n']:>4} {row['undefined']:>9}"
        if against := row.get("versus_first"):
            gap = f"{_number(against['difference'], '+')} ({_interval(against['ci95'], '+')})"
            line += f"   {gap:<38}  {_number(against['p'])}"
            if against["undefined"] or against["undefined_first"]:
                line += (
                    f"   not counted: {against['undefined']} that only the first defines, "
                    f"{against['undefined_first']} that only this one does"
                )
        lines.append(line.rstrip())
    return "\n".join(lines)


def _mean(values: Sequence[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return float(np.mean(defined)) if defined else float("nan")


def _number(value: float | None, sign: str = "") -> str:
    return "–" if value is None else f"{value:{sign}.3f}"


def _interval(values: Sequence[float] | None, sign: str = "") -> str:
    return "–" if values is None else f"{values[0]:{sign}.3f} to {values[1]:{sign}.3f}"

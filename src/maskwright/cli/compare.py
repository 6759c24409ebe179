"""maskwright compare"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maskwright.cli._main import Outcome

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "evaluated runs beside each other, with paired intervals over the same patients"
EXAMPLE = "maskwright compare runs/config runs/other"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="evaluated runs, or folders that `maskwright score --output` wrote"
    )
    parser.add_argument("--metric", default="dice", help="a column of per_patient.csv (default: %(default)s)")


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Read the patients' scores and compare."""
    from maskwright.errors import MaskwrightError
    from maskwright.evaluation.compare import as_text, compare, read_patients, read_warnings

    if len(arguments.runs) < 2:
        raise MaskwrightError("needs two runs or more", where="compare", fix=f"For example: {EXAMPLE}")
    runs = {name: read_patients(Path(name), arguments.metric) for name in arguments.runs}
    if len({frozenset(patients) for patients in runs.values()}) > 1:
        reporter.warn("the runs were scored on different patients; differences are over those that both have")
    rows = compare(runs)
    lines = [as_text(rows, arguments.metric)]
    for row in rows:
        row["warnings"] = read_warnings(Path(row["run"]))
        lines += [f"warning: {row['run']}: {warning}" for warning in row["warnings"]]
    return Outcome({"metric": arguments.metric, "runs": rows}, "\n".join(lines))

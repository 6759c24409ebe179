"""maskwright suspects"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from maskwright.cli._here import run_of
from maskwright.cli._main import Outcome

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "the masks that are most probably wrong, as a page: networks look at cases that they have not learnt from"
EXAMPLE = "maskwright suspects runs/config"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "run",
        metavar="RUN",
        nargs="?",
        help="a run folder, or the folder of a cross-validation, train --fold all (default: config.toml's)",
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Look, and write the page."""
    from maskwright.api import suspects

    run = run_of(arguments.run)
    rows, page = suspects(run, reporter=reporter), run / "suspects.html"
    lines = [f"{row['suspicion']:.2f}  {row['case']}  {row['structure']}: {row['what']}" for row in rows[:20]]
    lines += [f"and {len(rows) - 20} more"] if len(rows) > 20 else [] if rows else ["nothing to look at"]
    return Outcome({"page": page, "suspects": rows}, "\n".join([*lines, str(page)]))

"""maskwright report"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from maskwright.cli._here import run_of
from maskwright.cli._main import Outcome

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "one HTML page about a run, or several side by side: scores, plots, pictures, model card"
EXAMPLE = "maskwright report runs/config"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "runs", nargs="*", metavar="RUN", help="run folders, or folders of a cross-validation (default: config.toml's)"
    )
    parser.add_argument("--output", metavar="FILE", help="the page (default: report.html in the first run)")


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Write the page."""
    from maskwright.api import report

    runs = [run_of(one) for one in arguments.runs or [None]]
    path = report(runs, output=arguments.output, reporter=reporter)
    return Outcome({"report": path}, str(path))

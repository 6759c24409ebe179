"""maskwright tune"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from maskwright.cli._here import run_of
from maskwright.cli._main import Outcome

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "choose thresholds and cleaning of masks by their score on the validation patients"
EXAMPLE = "maskwright tune runs/config"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "run",
        metavar="RUN",
        nargs="?",
        help="a run folder; what is chosen is written into it (default: config.toml's)",
    )
    parser.add_argument("--scans", metavar="DIR", help="choose on these scans instead of the validation pictures")
    parser.add_argument("--labels", metavar="DIR", help="their label maps")
    parser.add_argument("--dry-run", action="store_true", help="say what would be chosen, and write nothing")


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Choose, write, and show what each choice gave."""
    from maskwright.api import tune

    found = tune(
        run_of(arguments.run),
        scans=arguments.scans,
        labels=arguments.labels,
        write=not arguments.dry_run,
        reporter=reporter,
    )
    lines = [
        f"{item['class']}: {item['step']} {item['value']} -> Dice {item['dice']:.4f}"
        for item in found["tried"]
        if item["kept"]
    ]
    gain = f"Dice of {found['patients']} validation patients {found['before']:.4f} -> {found['after']:.4f}"
    written = "nothing is written" if arguments.dry_run else f"written into {found['config']}"
    text = [*lines, gain, written] if lines else [gain, "nothing is better than what there is"]
    return Outcome(found, "\n".join(text))

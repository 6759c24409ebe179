"""maskwright repeat"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maskwright.cli._here import run_of
from maskwright.cli._main import DONE, FAILED, Outcome

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "train again what a run recorded, and compare weights and scores"
EXAMPLE = "maskwright repeat runs/config"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument("run", metavar="RUN", nargs="?", help="a run folder (default: config.toml's)")
    parser.add_argument("--output", metavar="DIR", help="folder of the repetition (default: RUN-repeated)")


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Train and compare."""
    from maskwright.repeat import repeat

    folder = run_of(arguments.run).absolute()
    output = Path(arguments.output or folder.with_name(f"{folder.name}-repeated"))
    found = repeat(folder, output, reporter)
    if found["same"]:
        text = "the same to the last bit: weights, history, scores"
    else:
        changed = ", ".join(f"{name} was {was}, is {now}" for name, (was, now) in found["machine"].items())
        text = (
            f"not the same: Dice of the validation patients differs by {found['mean_dice']:.4f} in the mean, weights "
            f"by up to {found['weights']:.3g}; {changed or 'machine and versions are those of the run'}"
        )
    return Outcome(found, f"{text}\n{found['run']}", DONE if found["alike"] else FAILED)

"""maskwright demo"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maskwright.cli._main import Outcome

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "phantom data -> train -> evaluate -> predict -> pictures, in a few minutes on two cores"
EXAMPLE = "maskwright demo --out maskwright-demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "--out", default="maskwright-demo", metavar="DIR", help="folder to work in (default: %(default)s)"
    )
    parser.add_argument("--epochs", type=int, default=20, help="length of the training (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=137, help="seed of the phantoms (default: %(default)s)")


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Run the demonstration and say where to look."""
    from maskwright.demo import run_demo
    from maskwright.evaluation.summary import headline

    demo = run_demo(Path(arguments.out), reporter, epochs=arguments.epochs, seed=arguments.seed)
    text = "\n".join(
        [
            "",
            "Scores on patients that the network has not seen:",
            headline(demo.summary),
            "",
            "Look at:",
            f"  {demo.picture}  predictions (yellow) and ground truth (white)",
            f"  {demo.run / 'train_losses.png'}  the training",
            f"  {demo.run / 'predictions' / 'overlays'}  every test slice",
            f"  {demo.run / 'per_patient.csv'}  every patient's scores",
            f"  {demo.folder / 'demo.toml'}  the configuration, to start your own from",
            "Try it on a scan in the browser (extra [serve]):",
            f"  maskwright serve {demo.run}  and drop one of {demo.folder / 'dataset' / 'volumes'}",
        ]
    )
    return Outcome({"folder": demo.folder, "run": demo.run, "picture": demo.picture, "evaluation": demo.summary}, text)

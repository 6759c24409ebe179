"""maskwright evaluate"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maskwright.cli._here import DEFAULT, configuration
from maskwright.cli._main import Outcome
from maskwright.cli._shared import add_engine, add_overrides, add_run, load_and_tell

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "score a trained model, image by image and patient by patient"
EXAMPLE = "maskwright evaluate runs/config --split test"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "config", metavar="CONFIG|RUN", nargs="?", help=f"a configuration that was trained, or a run folder ({DEFAULT})"
    )
    parser.add_argument("--split", choices=["train", "valid", "test"], help="what to score on (default: as configured)")
    parser.add_argument("--tiles", action="store_true", help="predict in overlapping tiles")
    parser.add_argument("--model", metavar="FILE", help="score this export of the run in place of its model")
    add_engine(parser, "as configured, else what the model is made for")
    add_run(parser)
    add_overrides(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Score and show the few numbers that matter."""
    from maskwright.api import evaluate
    from maskwright.evaluation.summary import headline

    if arguments.engine:
        arguments.overrides.append(f"predict.engine={arguments.engine}")
    arguments.config = configuration(arguments.config)
    folder = Path(arguments.config).is_dir()
    target = arguments.config if folder else load_and_tell(arguments, reporter)
    result = evaluate(
        target,
        split=arguments.split,
        overrides=arguments.overrides if folder else (),
        tiled=arguments.tiles,
        model=arguments.model,
        reporter=reporter,
    )
    network = "  ".join(f"{name} {value:.4f}" for name, value in result.summary["network"].items())
    lines = [
        headline(result.summary),
        *([f"network: {network}"] if network else []),
        result.run.path / "evaluation.json",
    ]
    text = "\n".join(map(str, lines))
    return Outcome(result.summary, text)

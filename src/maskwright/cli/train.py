"""maskwright train"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from maskwright.cli._main import Outcome
from maskwright.cli._shared import add_overrides, add_run, load_and_tell

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "train what a configuration says"
EXAMPLE = "maskwright train config.toml --set train.epochs=10"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument("config", metavar="CONFIG", help="a .toml file, or a train_eval_infer.config of the reference")
    add_run(parser)
    add_overrides(parser)
    parser.add_argument("--resume", action="store_true", help="go on where an interrupted training stopped")
    parser.add_argument(
        "--allow-leak", action="store_true", help="train although training and validation share patients"
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Train and report the best epoch."""
    from maskwright.api import train

    loaded = load_and_tell(arguments, reporter, whole=True)
    result = train(loaded, resume=arguments.resume, allow_leak=arguments.allow_leak, reporter=reporter)
    rows = result.history()
    best = min(rows, key=lambda row: row.get("val_loss", row["loss"]))
    name = "val_loss" if "val_loss" in best else "loss"
    return Outcome(
        {"run": result.path, "model": result.model_file, "epochs": len(rows), "best": best},
        f"{result.path}\nbest epoch {best['epoch']:.0f} of {len(rows)}, {name} {best[name]:.4f}",
    )

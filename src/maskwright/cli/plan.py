"""maskwright plan"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maskwright.cli._here import DEFAULT, configuration
from maskwright.cli._main import Outcome
from maskwright.cli._shared import add_overrides, load_and_tell

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "what a training would be of: who is in which part and fold, what masks mean, which levels are black and white"
EXAMPLE = "maskwright plan config.toml --output plan.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "config", metavar="CONFIG|RUN", nargs="?", help=f"a configuration, or a run, or its folds' folder ({DEFAULT})"
    )
    parser.add_argument(
        "--output", metavar="FILE", help="write it; data.split_file takes such a file for another training"
    )
    parser.add_argument("--allow-leak", action="store_true", help="although training and validation share patients")
    add_overrides(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Make the plan, or read it, and show it."""
    from maskwright.errors import MaskwrightError
    from maskwright.plan.files import as_dict, read_plan
    from maskwright.plan.make import make_plan
    from maskwright.plan.text import as_text
    from maskwright.storage import give_way, reading, write_json

    arguments.config = configuration(arguments.config)
    folder = Path(arguments.config)
    if folder.is_dir():
        plan = read_plan(folder)
        if plan is None:
            raise MaskwrightError("has no plan.json", where=folder, fix="Name a configuration, or another run.")
    else:
        arguments.run_dir = None
        config = load_and_tell(arguments, reporter).config
        plan = make_plan(config, reporter, allow_leak=arguments.allow_leak)
    lines = [as_text(plan)]
    if arguments.output:
        target = Path(arguments.output)
        with reading([folder, *(one for entry in plan.entries for one in (*entry.pair.images, entry.pair.mask))]):
            write_json(give_way(target, reporter.say), as_dict(plan))
        lines.append(str(target))
    return Outcome(as_dict(plan), "\n".join(lines))

"""maskwright train"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from maskwright.cli._here import DEFAULT, configuration
from maskwright.cli._main import Outcome
from maskwright.cli._shared import add_overrides, add_run, load_and_tell

if TYPE_CHECKING:
    from maskwright.progress import Reporter
    from maskwright.training.run import Run

HELP = "train what a configuration says"
EXAMPLE = "maskwright train config.toml --set train.epochs=10"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "config",
        metavar="CONFIG",
        nargs="?",
        help=f"a .toml file, or a train_eval_infer.config of the reference ({DEFAULT})",
    )
    add_run(parser)
    add_overrides(parser)
    parser.add_argument(
        "--fold",
        metavar="K",
        help="cross-validation: validate on fold K (from 0) of data.folds, into fold-K of the run folder, or on `all`",
    )
    parser.add_argument(
        "--each",
        action="append",
        default=[],
        metavar="KEY=A,B,…",
        help="a run for each value (again: for each combination); goes on where it was stopped, ends with a table",
    )
    parser.add_argument(
        "--from",
        dest="start_from",
        metavar="RUN|MODEL",
        help="start from the weights of a trained model: what fits is taken; with --set train.start_rate=0.1 they "
        "learn more slowly, with 0 they stay",
    )
    parser.add_argument(
        "--learning-curve",
        action="store_true",
        help="train on a quarter, a half and all of the patients, and say what more of them may bring",
    )
    parser.add_argument("--resume", action="store_true", help="go on where an interrupted training stopped")
    parser.add_argument(
        "--allow-leak", action="store_true", help="train although training and validation share patients"
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Train and report the best epoch."""
    from maskwright.api import train

    arguments.config = configuration(arguments.config)
    if arguments.start_from:
        arguments.overrides = [*arguments.overrides, f"train.start_from={arguments.start_from}"]
    if arguments.learning_curve:
        return _curve(arguments, reporter)
    if arguments.each:
        return _study(arguments, reporter)
    loaded = load_and_tell(arguments, reporter, whole=True)
    options = {"resume": arguments.resume, "allow_leak": arguments.allow_leak, "reporter": reporter}
    if arguments.fold is None:
        return _outcome(train(loaded, **options))
    outcomes = []
    for fold in _folds(arguments.fold, loaded.config.data.folds):
        reporter.say(f"fold {fold} of 0 to {loaded.config.data.folds - 1}")
        outcomes.append(_outcome(train(loaded, fold=fold, **options)))
    data = {"run": loaded.run_dir, "folds": [one.data for one in outcomes]}
    return Outcome(data, "\n".join([*(one.text for one in outcomes), str(loaded.run_dir)]))


def _study(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    from maskwright.errors import MaskwrightError
    from maskwright.evaluation.compare import as_text
    from maskwright.study import run_study

    if arguments.fold is not None:
        raise MaskwrightError("do not go together", where="--each, --fold", fix="Set data.fold with --each instead.")
    found = run_study(
        arguments.config,
        arguments.each,
        reporter,
        overrides=arguments.overrides,
        run_dir=arguments.run_dir,
        allow_leak=arguments.allow_leak,
    )
    return Outcome(found, f"{as_text(found['table'], 'Dice')}\n{found['folder']}, scored on the validation patients")


def _curve(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    from maskwright.errors import MaskwrightError
    from maskwright.learning_curve import as_text, learning_curve

    if arguments.each or arguments.fold is not None or arguments.resume:
        raise MaskwrightError(
            "goes alone, and goes on by itself where it was stopped",
            where="--learning-curve",
            fix="Leave out --each, --fold and --resume.",
        )
    found = learning_curve(
        arguments.config,
        reporter,
        overrides=arguments.overrides,
        run_dir=arguments.run_dir,
        allow_leak=arguments.allow_leak,
    )
    return Outcome(found, as_text(found))


def _folds(text: str, count: int) -> list[int]:
    """The folds that are meant.

    Raises:
        MaskwrightError: neither a number nor `all`.
    """
    from maskwright.errors import MaskwrightError

    if text != "all" and not text.isdigit():
        raise MaskwrightError(f"is no fold: {text!r}", where="--fold", fix=f"Give 0 to {count - 1}, or all.")
    return list(range(count)) if text == "all" else [int(text)]


def _outcome(run: Run) -> Outcome:
    rows, best, name = run.history(), *run.best()
    return Outcome(
        {"run": run.path, "model": run.model_file, "epochs": len(rows), "best": best},
        f"{run.path}\nbest epoch {best['epoch']:.0f} of {len(rows)}, {name} {best[name]:.4f}",
    )

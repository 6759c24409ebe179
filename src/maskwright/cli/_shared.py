"""Arguments that several commands take, and what they do with the configuration's problems."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maskwright.config import Loaded
    from maskwright.progress import Reporter


def add_overrides(parser: argparse.ArgumentParser) -> None:
    """`--set`, on every command that takes a configuration."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        dest="overrides",
        help="override a key of the configuration (may be given again)",
    )


def add_run(parser: argparse.ArgumentParser) -> None:
    """`--run`, the run folder."""
    parser.add_argument("--run", metavar="DIR", dest="run_dir", help="run folder (default: runs/NAME beside the file)")


def add_resample(parser: argparse.ArgumentParser) -> None:
    """`--resample-slices`, on every command that reads scans of DICOM."""
    parser.add_argument(
        "--resample-slices",
        action="store_true",
        help="read DICOM slices at uneven distances at the smallest one, interpolated, instead of refusing them",
    )


def add_engine(parser: argparse.ArgumentParser, usual: str) -> None:
    """`--engine`, on every command that runs a network."""
    parser.add_argument(
        "--engine", choices=["keras", "onnx", "openvino", "auto"], help=f"what runs the network (default: {usual})"
    )


def add_ensemble(parser: argparse.ArgumentParser) -> None:
    """`--with`, further models."""
    parser.add_argument(
        "--with",
        action="append",
        default=[],
        dest="ensemble",
        metavar="RUN",
        help="one more run or model: the mean of all",
    )


def load_and_tell(arguments: argparse.Namespace, reporter: Reporter, *, whole: bool = False) -> Loaded:
    """Load the configuration and say aloud what is wrong in it: each problem, or (not `whole`) how many there are."""
    from maskwright.api import load_config

    loaded = load_config(arguments.config, arguments.overrides, run_dir=arguments.run_dir)
    for note in loaded.notes:
        reporter.say(note)
    if whole:
        for problem in loaded.problems:
            reporter.warn(f"{loaded.path.name}: {problem}")
    elif loaded.problems:
        reporter.say(f"{loaded.path.name}: {len(loaded.problems)} remarks; `maskwright config check` lists them")
    return loaded

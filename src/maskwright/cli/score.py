"""maskwright score"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maskwright.cli._main import Outcome

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "the scores of any tool's masks against ground truth, patient by patient"
EXAMPLE = r"maskwright score predictions/ masks/ --patient-pattern 'PANCREAS_(\d+)' --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument("predictions", metavar="PRED", help="folder of predicted masks")
    parser.add_argument("truth", metavar="TRUTH", help="folder of ground truth, with the same names")
    parser.add_argument("--patient-pattern", metavar="REGEX", help="finds the patient in a name, in one group")
    parser.add_argument(
        "--classes",
        type=int,
        default=1,
        metavar="N",
        help="1: one structure; else the number of classes with background (default: %(default)s)",
    )
    parser.add_argument(
        "--threshold",
        type=int,
        metavar="LEVEL",
        help="one structure: foreground from this grey level on (default: half the range)",
    )
    parser.add_argument("--levels", type=int, nargs="+", default=[], help="grey level of each class, background first")
    parser.add_argument("--names", nargs="+", default=[], help="names of the classes, background first")
    parser.add_argument("--resize", action="store_true", help="bring predictions of another size to that of the truth")
    parser.add_argument("--output", metavar="DIR", help="write evaluation.json, per_image.csv, per_patient.csv there")


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Score two folders."""
    from maskwright.config.toml import validate
    from maskwright.data.dataset import class_names
    from maskwright.evaluation.files import write_scores
    from maskwright.evaluation.folders import score_folders
    from maskwright.evaluation.summary import headline, report

    config = validate(
        {
            "mask": {"threshold": arguments.threshold, "levels": arguments.levels, "classes": arguments.names},
            "model": {"num_classes": arguments.classes},
            "data": {"patient_pattern": arguments.patient_pattern},
        },
        "score",
    )
    images = score_folders(
        Path(arguments.predictions),
        Path(arguments.truth),
        config.mask,
        arguments.classes,
        arguments.patient_pattern,
        reporter,
        resize=arguments.resize,
    )
    names = class_names(config)
    summary = report(images, names)
    if arguments.output:
        write_scores(Path(arguments.output), summary, images, names)
    return Outcome(summary, headline(summary))

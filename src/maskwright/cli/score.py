"""maskwright score"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maskwright.cli._main import Outcome
from maskwright.cli._shared import add_overrides

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "the scores of any tool's masks or label maps against ground truth, patient by patient"
EXAMPLE = r"maskwright score predictions/ masks/ --patient-pattern 'PANCREAS_(\d+)' --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "predictions", metavar="PRED", help="folder of predicted masks: pictures, NIfTI, NRRD, DICOM SEG"
    )
    parser.add_argument("truth", metavar="TRUTH", help="folder of ground truth, with the same names")
    parser.add_argument("--patient-pattern", metavar="REGEX", help="finds the patient in a name, in one group")
    parser.add_argument(
        "--classes",
        type=int,
        metavar="N",
        help="1: one structure; else the number of classes with background (default: as the masks say)",
    )
    parser.add_argument(
        "--threshold",
        type=int,
        metavar="LEVEL",
        help="one structure: foreground from this grey level on, in both folders",
    )
    parser.add_argument("--levels", type=int, nargs="+", default=[], help="grey level of each class, background first")
    parser.add_argument("--names", nargs="+", default=[], help="names of the classes, background first")
    parser.add_argument(
        "--spacing", type=float, nargs="+", default=[], metavar="MM",
        help="pictures: size of a pixel along rows and columns, or slices first (default: distances in px)",
    )  # fmt: skip
    parser.add_argument(
        "--tolerance", type=float, default=2.0, metavar="MM", help="of the surface Dice (default: %(default)g)"
    )
    parser.add_argument("--nnunet", metavar="FILE", help="write the scores in the layout of nnU-Net's summary.json too")
    parser.add_argument("--resize", action="store_true", help="bring predictions of another size to that of the truth")
    parser.add_argument("--output", metavar="DIR", help="write evaluation.json, per_image.csv, per_patient.csv there")
    add_overrides(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Score two folders."""
    from maskwright.config.completing import completed_scoring
    from maskwright.config.loading import from_overrides
    from maskwright.evaluation.files import SCORE_FILES, write_scores
    from maskwright.evaluation.nnunet import nnunet_summary
    from maskwright.evaluation.summary import headline, report
    from maskwright.folders.score import score_folders
    from maskwright.storage import give_way, reading, write_json

    config = from_overrides(
        arguments.overrides,
        {
            "mask": {"threshold": arguments.threshold, "levels": arguments.levels, "classes": arguments.names},
            # Absent where it was not given: the values of the masks say it then.
            "model": {} if arguments.classes is None else {"num_classes": arguments.classes},
            "data": {"patient_pattern": arguments.patient_pattern},
            "evaluate": {"spacing": arguments.spacing, "tolerance": arguments.tolerance},
        },
    )
    config, notes = completed_scoring(config, Path(arguments.truth))
    for note in notes:
        reporter.say(note)
    found = score_folders(Path(arguments.predictions), Path(arguments.truth), config, reporter, resize=arguments.resize)
    names = found.meaning.names
    told = {"rule": found.meaning.text, "values": found.values}
    summary = {**told, "units": found.units, **report(found.images, names)}
    if arguments.output:
        with reading([arguments.predictions, arguments.truth]):
            for name in SCORE_FILES:
                give_way(Path(arguments.output) / name, reporter.say)
            write_scores(Path(arguments.output), summary, found.images, names)
    if arguments.nnunet:
        target = give_way(Path(arguments.nnunet), reporter.say)
        write_json(target, nnunet_summary(found.images, found.files, found.meaning.numbers))
    return Outcome(summary, headline(summary))

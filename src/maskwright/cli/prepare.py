"""maskwright prepare"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maskwright.cli._main import DONE, WRONG, Outcome
from maskwright.cli._shared import add_overrides, add_resample, load_and_tell

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "scans and label maps (DICOM, NIfTI, NRRD, MHA) to image/mask pairs, split by patient"
EXAMPLE = "maskwright prepare scans --labels labels --output dataset --set prepare.structures.pancreas=[7]"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "config", metavar="CONFIG|SCANS", help="a configuration with [prepare], or a folder of scans (nnU-Net's too)"
    )
    parser.add_argument("--labels", metavar="DIR", help="folder of the label maps")
    parser.add_argument("--output", metavar="DIR", help="folder of the pairs to be made")
    parser.add_argument("--window", help="named window, level/width, full or percentiles (default: abdomen)")
    parser.add_argument("--series", metavar="UID", help="which series, where folders of DICOM hold several")
    add_resample(parser)
    add_overrides(parser)
    parser.set_defaults(run_dir=None)  # nothing is trained


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Prepare and say what there is now."""
    from maskwright.config.loading import from_overrides
    from maskwright.prepare.from_dataset import with_dataset
    from maskwright.prepare.run import prepare_scans
    from maskwright.storage import reading

    given = {"labels_dir": arguments.labels, "output_dir": arguments.output}
    direct = Path(arguments.config).is_dir()
    if direct:
        given["scans_dir"] = arguments.config
    words = [f"prepare.{key}={Path(value).absolute()}" for key, value in given.items() if value]
    words += [f"prepare.window={arguments.window}"] if arguments.window else []
    words += [f"prepare.series={arguments.series}"] if arguments.series else []
    words += ["prepare.resample_slices=true"] if arguments.resample_slices else []
    arguments.overrides[:0] = words
    config = from_overrides(arguments.overrides) if direct else load_and_tell(arguments, reporter).config
    options, notes = with_dataset(config.prepare)
    for note in notes:
        reporter.say(note)
    with reading([options.scans_dir, options.labels_dir]):
        result = prepare_scans(options, reporter)
    counts = {part: len(names) for part, names in result.patients.items()}
    text = f"{result.slices} slices of {sum(counts.values())} patients in {result.target.path}: " + ", ".join(
        f"{count} {part}" for part, count in counts.items()
    )
    text += f"\nnext: maskwright train {result.target.config}"
    data = {
        "output": result.target.path,
        "manifest": result.target.manifest,
        "slices": result.slices,
        "patients": result.patients,
        "failed": result.failed,
    }
    return Outcome(data, text, code=WRONG if result.failed else DONE)

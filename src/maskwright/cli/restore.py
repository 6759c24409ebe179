"""maskwright restore"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maskwright.cli._main import Outcome

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "masks of prepared slices back to label maps on the scans' own voxels, and their volumes"
EXAMPLE = "maskwright restore dataset --masks predictions --output labels"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument("dataset", metavar="DATASET", help="a folder that `maskwright prepare` made")
    parser.add_argument("--masks", metavar="DIR", help="masks under the slices' names (default: the prepared ones)")
    parser.add_argument("--patient", action="append", help="only this patient; may be given several times")
    parser.add_argument("--output", metavar="DIR", required=True, help="folder of the NIfTI files to be made")


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Put back, write, measure."""
    from maskwright.prepare.files import open_prepared
    from maskwright.prepare.restore import patients_in, restore, structure_names
    from maskwright.storage import give_way, reading
    from maskwright.volumes.measure import measure
    from maskwright.volumes.nifti import write_nifti

    target = open_prepared(Path(arguments.dataset))
    masks = Path(arguments.masks) if arguments.masks else None
    chosen = arguments.patient or (patients_in(target, masks) if masks else target.patients())
    found, lines = {}, []
    with reporter.task("putting back", len(chosen), "patients") as advance:
        for patient in chosen:
            labels = restore(target, patient, masks)
            path = Path(arguments.output) / f"{patient}.nii.gz"
            with reading([target.path, masks]):
                write_nifti(labels, give_way(path, reporter.say))
            measures = measure(labels, names=structure_names(target, patient))
            found[patient] = {"file": path, "labels": {str(number): facts for number, facts in measures.items()}}
            volumes = ", ".join(f"{facts['name']} {facts['volume_ml']:.3f} ml" for facts in measures.values())
            lines.append(f"{path}: {volumes or 'empty'}")
            advance()
    return Outcome({"patients": found}, "\n".join(lines))

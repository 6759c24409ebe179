"""maskwright measure"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskwright.cli._main import Outcome

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "volume, surface, extent, centroid and HU of each label of a label map"
EXAMPLE = "maskwright measure labels.nii.gz --image scan.nii.gz --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument("labels", metavar="LABELS", help="a label map: NIfTI, NRRD, MHA or DICOM SEG")
    parser.add_argument("--image", metavar="SCAN", help="its scan, for the statistics of its values in each label")
    parser.add_argument("--series", metavar="UID", help="which series, where the scan's folder holds several")
    parser.add_argument("--output", metavar="FILE", help="write the table to a .csv or .json file too")


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Read, measure, and print a line a label."""
    from maskwright.storage import give_way, reading
    from maskwright.volumes.measure import measure
    from maskwright.volumes.read import read_labels, read_volume
    from maskwright.volumes.tables import write_table

    image = read_volume(Path(arguments.image), arguments.series) if arguments.image else None
    labels = read_labels(Path(arguments.labels), image)
    for volume in (labels, *([image] if image else [])):
        for note in volume.source.notes:
            reporter.warn(f"{volume.name}: {note}")
    found = measure(labels, image, labels.source.details.get("names"))
    if arguments.output:
        with reading([arguments.labels, arguments.image]):
            write_table(found, give_way(Path(arguments.output), reporter.say))
    data = {
        "file": arguments.labels,
        "shape": list(labels.grid.shape),
        "spacing_mm": list(labels.grid.spacing),
        "orientation": labels.grid.orientation,
        "labels": {str(number): facts for number, facts in found.items()},
    }
    return Outcome(data, "\n".join(_lines(found, image is not None)))


def _lines(found: dict[int, dict[str, Any]], valued: bool) -> list[str]:
    head = f"{'label':>6}  {'volume ml':>11}  {'surface mm²':>12}  {'extent mm (x y z)':<22}  {'centroid mm (RAS)':<26}"
    lines = [head + ("  mean ± std" if valued else "")]
    for number, facts in found.items():
        extent = " ".join(f"{value:.1f}" for value in facts["extent_mm"])
        centroid = " ".join(f"{value:.1f}" for value in facts["centroid_mm"])
        line = f"{number:>6}  {facts['volume_ml']:>11.3f}  {facts['surface_mm2']:>12.1f}  {extent:<22}  {centroid:<26}"
        line += f"  {_short(facts['mean'])} ± {_short(facts['std'])}" if valued else ""
        lines.append(f"{line}  {facts['name']}" if "name" in facts else line)
    return lines if found else ["no label in it: every voxel is 0"]


def _short(value: float) -> str:
    """A decimal of HU, and four digits of values as small as a diffusion coefficient."""
    return f"{value:.1f}" if abs(value) >= 10 or value == 0 else f"{value:.4g}"

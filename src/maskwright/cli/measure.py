"""maskwright measure"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskwright.cli._main import DONE, WRONG, Outcome
from maskwright.cli._shared import add_resample

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "volume, surface, extent, centroid and HU of each label of a label map"
EXAMPLE = "maskwright measure labels.nii.gz --image scan.nii.gz --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "labels", metavar="LABELS", help="a label map (NIfTI, NRRD, MHA or DICOM SEG), or a folder of them"
    )
    parser.add_argument(
        "--image", metavar="SCAN", help="its scan (or their folder), for the statistics of its values in each label"
    )
    parser.add_argument("--series", metavar="UID", help="which series, where the scan's folder holds several")
    add_resample(parser)
    parser.add_argument("--output", metavar="FILE", help="write the table to a .csv or .json file too")


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Read, measure, and print a line a label."""
    from functools import partial

    from maskwright.folders.measure import label_maps, measure_file, measure_files
    from maskwright.storage import give_way, reading
    from maskwright.volumes.read import read_volume
    from maskwright.volumes.tables import write_table, write_tables

    path, image = Path(arguments.labels), Path(arguments.image) if arguments.image else None
    read = partial(read_volume, series=arguments.series, resample_slices=arguments.resample_slices)
    files = label_maps(path, image)
    with reading([path, image, *(one for pair in files for one in pair if one is not None)]):
        if len(files) == 1:
            one = measure_file(*files[0], reporter, read)
            if arguments.output:
                write_table(one.labels, give_way(Path(arguments.output), reporter.say))
            return Outcome(one.facts, "\n".join(_lines(one.labels, image is not None)))
        found, failed = measure_files(files, reporter, read)
        if arguments.output:
            tables = {name: one.labels for name, one in found.items()}
            write_tables(tables, give_way(Path(arguments.output), reporter.say))
    lines = [line for one in found.values() for line in (str(one.path), *_lines(one.labels, image is not None))]
    data = {"files": {name: one.facts for name, one in found.items()}, "failed": failed}
    return Outcome(data, "\n".join(lines), code=WRONG if failed else DONE)


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

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
    from maskwright.storage import give_way, reading
    from maskwright.volumes.tables import write_table, write_tables

    path, image = Path(arguments.labels), Path(arguments.image) if arguments.image else None
    files = _files(path, image)
    with reading([path, image, *(one for pair in files for one in pair if one is not None)]):
        if len(files) > 1:
            outcome, tables = _several(files, arguments, reporter)
            if arguments.output:
                write_tables(tables, give_way(Path(arguments.output), reporter.say))
            return outcome
        one, found = _measured(*files[0], arguments, reporter)
        if arguments.output:
            write_table(found, give_way(Path(arguments.output), reporter.say))
        return Outcome(one, "\n".join(_lines(found, image is not None)))


def _files(labels: Path, image: Path | None) -> list[tuple[Path, Path | None]]:
    """Label maps and their scans: those of two folders by their names."""
    from maskwright.data.pairs import match_pairs
    from maskwright.volumes.read import segmentation_in
    from maskwright.volumes.sources import scans_in

    if not labels.is_dir() or segmentation_in(labels) is not None:
        return [(labels, image)]
    found = scans_in(labels)
    if len(found) < 2 and (image is None or not image.is_dir() or scans_in(image) == [image]):
        return [(found[0] if found else labels, image)]
    if image is None:
        return [(path, None) for path in found]
    return [(pair.mask, pair.image) for pair in match_pairs(image, labels, scans=True)[0]]


def _measured(
    path: Path, image: Path | None, arguments: argparse.Namespace, reporter: Reporter
) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """What is told of a label map, and its measures."""
    from maskwright.volumes.measure import measure
    from maskwright.volumes.read import read_labels, read_volume

    scan = read_volume(image, arguments.series, resample_slices=arguments.resample_slices) if image else None
    labels = read_labels(path, scan)
    for volume in (labels, *([scan] if scan else [])):
        for note in volume.source.notes:
            reporter.warn(f"{volume.name}: {note}")
    found = measure(labels, scan, labels.source.details.get("names"))
    return {
        "file": str(path),
        "shape": list(labels.grid.shape),
        "spacing_mm": list(labels.grid.spacing),
        "orientation": labels.grid.orientation,
        "labels": {str(number): facts for number, facts in found.items()},
    }, found


def _several(
    files: list[tuple[Path, Path | None]], arguments: argparse.Namespace, reporter: Reporter
) -> tuple[Outcome, dict[str, dict[int, dict[str, Any]]]]:
    """All label maps of a folder; one that cannot be measured does not stop the others."""
    from maskwright.data.pairs import by_stem
    from maskwright.errors import MaskwrightError
    from maskwright.volumes.read import stem

    by_stem([path for path, _ in files])
    told, tables, lines, failed = {}, {}, list[str](), list[str]()
    with reporter.task("measuring", len(files), "label maps") as advance:
        for path, image in files:
            try:
                told[stem(path)], found = _measured(path, image, arguments, reporter)
            except MaskwrightError as error:
                reporter.warn(str(error))
                failed.append(str(path))
            else:
                tables[stem(path)] = found
                lines += [str(path), *_lines(found, image is not None)]
            advance()
    if not told:
        raise MaskwrightError(
            f"none of {len(files)} label maps could be measured", where=arguments.labels, fix="See the list above."
        )
    data = {"files": told, "failed": failed}
    return Outcome(data, "\n".join(lines), code=WRONG if failed else DONE), tables


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

"""Measures of a label map, or of all label maps of a folder, each on its scan where there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwright.data.pairs import by_stem, match_pairs
from maskwright.errors import MaskwrightError
from maskwright.progress import Reporter
from maskwright.volumes import Volume
from maskwright.volumes.measure import measure
from maskwright.volumes.read import read_labels, read_volume, segmentation_in, stem
from maskwright.volumes.sources import scans_in


@dataclass(frozen=True)
class Measured:
    """A label map: its file, what is told of it, and the measures of each label by its number."""

    path: Path
    facts: dict[str, Any]
    labels: dict[int, dict[str, Any]]


def label_maps(labels: Path, image: Path | None) -> list[tuple[Path, Path | None]]:
    """Label maps and their scans: the two files, or those of two folders by their names.

    Raises:
        MaskwrightError: two label maps of one name, or scans without one.
    """
    if not labels.is_dir() or segmentation_in(labels) is not None:
        return [(labels, image)]
    found = scans_in(labels)
    if len(found) < 2 and (image is None or not image.is_dir() or scans_in(image) == [image]):
        return [(found[0] if found else labels, image)]
    if image is None:
        return [(path, None) for path in by_stem(found).values()]
    return [(pair.mask, pair.image) for pair in match_pairs(image, labels, scans=True)[0]]


def measure_file(
    path: Path, image: Path | None, reporter: Reporter, read: Callable[[Path], Volume] = read_volume
) -> Measured:
    """Measure one label map.

    Args:
        image: its scan, for statistics of its values. read: a scan's file or folder to its volume.

    Raises:
        MaskwrightError: one cannot be read, or they do not lie on each other.
    """
    scan = read(image) if image else None
    labels = read_labels(path, scan)
    for volume in (labels, *([scan] if scan else [])):
        for note in volume.source.notes:
            reporter.warn(f"{volume.name}: {note}")
    found = measure(labels, scan, labels.source.details.get("names"))
    facts = {
        "file": str(path),
        "shape": list(labels.grid.shape),
        "spacing_mm": list(labels.grid.spacing),
        "orientation": labels.grid.orientation,
        "labels": {str(number): one for number, one in found.items()},
    }
    return Measured(path, facts, found)


def measure_files(
    files: Sequence[tuple[Path, Path | None]], reporter: Reporter, read: Callable[[Path], Volume] = read_volume
) -> tuple[dict[str, Measured], list[str]]:
    """Measure label maps, by their names, and those that could not be; one does not stop the others.

    Raises:
        MaskwrightError: not one could be measured.
    """
    found, failed = {}, list[str]()
    with reporter.task("measuring", len(files), "label maps") as advance:
        for path, image in files:
            try:
                found[stem(path)] = measure_file(path, image, reporter, read)
            except MaskwrightError as error:
                reporter.warn(str(error))
                failed.append(str(path))
            advance()
    if not found:
        raise MaskwrightError(
            f"none of {len(files)} label maps could be measured", where=files[0][0].parent, fix="See the list above."
        )
    return found, failed

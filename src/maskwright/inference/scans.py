"""Prediction of scans into files: label maps as NIfTI, DICOM SEG or RT structure set, and a table of volumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.data.cases import find_cases
from maskwright.data.images import SUFFIXES as PICTURES
from maskwright.data.pairs import shorten
from maskwright.errors import MaskwrightError
from maskwright.inference.decision import decision
from maskwright.inference.journal import Journal
from maskwright.inference.predict import Job, Predictions, make_room, tell_of_done
from maskwright.inference.volumes import Segmented, confidence, predict_scan
from maskwright.labels.regions import inside, parts
from maskwright.models.metadata import Metadata
from maskwright.progress import Reporter
from maskwright.sheets import write_sheet
from maskwright.storage import write_json
from maskwright.volumes import Volume
from maskwright.volumes.channels import read_channels
from maskwright.volumes.measure import measure
from maskwright.volumes.nifti import write_nifti
from maskwright.volumes.read import is_volume, stem
from maskwright.volumes.sources import bare_names, beside, scans_in
from maskwright.volumes.tables import flat

_ENDINGS = {"nifti": ".nii.gz", "seg": "_seg.dcm", "rtstruct": "_rtstruct.dcm"}


@dataclass(frozen=True)
class Scan:
    """What is segmented: a file or folder, or the files of a case's channels."""

    name: str
    paths: tuple[Path, ...]


def find_scans(sources: Sequence[Path], patterns: Sequence[str] = ()) -> list[Scan]:
    """The scans among files and folders: files by their endings; of a folder its scan files and patients' folders, or
    itself where it is a DICOM series.

    A folder of pictures, and a picture, is none.

    Args:
        patterns: of the files that are a case's channels; the sources are then folders of such files, or of cases.

    Raises:
        MaskwrightError: two scans have one name, a pattern does not match one file of each case, or files of nnU-Net
            are channels of the same scans.
    """
    if patterns:
        cases = [(name, paths) for source in sources for name, paths in find_cases(source, patterns).items()]
    else:
        cases = [(name, [path]) for path, name in _single(sources).items()]
    names = [name for name, _ in cases]
    for name in names:
        if names.count(name) > 1:
            raise MaskwrightError(
                f"two scans are named {name}", where="predict", fix="Predict them into folders of their own."
            )
    return [Scan(name, tuple(paths)) for name, paths in cases]


def _single(sources: Sequence[Path]) -> dict[Path, str]:
    """Scans of one file or folder each, and their names."""
    found: dict[Path, str] = {}
    for source in sources:
        if source.is_dir():
            entries = [path for path in sorted(source.iterdir()) if not path.name.startswith(".")]
            scans = scans_in(source)
            if scans:
                found |= {path: stem(path.absolute()) for path in scans} | bare_names(source, scans)
            elif entries and not any(path.suffix.lower() in PICTURES for path in entries):
                found[source] = stem(source.absolute())  # where it is read it is said what it is not
        elif is_volume(source):
            found[source] = stem(source.absolute())
    return found


def predict_scans(
    job: Job,
    scans: Sequence[Scan],
    *,
    read: Callable[[Sequence[Path]], Volume] = read_channels,
    settings: Sequence[Any] = (),
) -> Predictions:
    """Segment scans: a label map each, `measures.csv` and `measures.json` of all.

    Where an interrupted prediction of the same settings lies there, it goes on.

    Args:
        read: the files of a scan to its volume. settings: of `read`.

    Raises:
        MaskwrightError: results of another are in the way, or not one scan could be segmented.
    """
    engine, options, output, reporter = job.engine, job.options, job.output, job.reporter
    kinds = list(options.volume_formats)
    journal = job.journal(*settings)
    targets = [f"{scan.name}{_ENDINGS[kind]}" for scan in scans if not journal.begun(scan.name) for kind in kinds]
    make_room(output, targets, reporter, ours=job.ours and not journal.goes_on)
    journal.start()
    result = Predictions(output, None)
    names = label_names(engine.metadata)
    done = {scan.name: journal.done(scan.name, scan.paths) for scan in scans}
    tell_of_done(sum(one is not None for one in done.values()), len(scans), "scans", reporter)
    table: dict[str, dict[str, Any]] = {}
    for source in scans:
        name, path, written = source.name, source.paths[0], list[Path]()
        if (known := done[name]) is not None:
            result.masks.extend(map(Path, known["files"]))
            table[name] = known["measured"]
            continue
        try:
            scan = read(source.paths)
            for note in (*scan.source.notes, *_besides(path)):
                reporter.warn(f"{path}: {note}")
            count = scan.grid.shape[0] if engine.metadata.input_rule.orientation[0] in "SI" else max(scan.grid.shape)
            with reporter.task(f"segmenting {name}", count, "slices") as advance:
                found = predict_scan(engine, scan, options, tiled=job.tiled, step=advance)
            journal.begin(name)
            for kind in kinds:
                written += _write(kind, found.labels, scan, output / f"{name}{_ENDINGS[kind]}", names, reporter)
        except MaskwrightError as error:
            for file in written:
                file.unlink(missing_ok=True)
            if len(scans) == 1:
                _leave(output, journal)
                raise
            reporter.warn(str(error))
            result.failed.append(str(path))
            continue
        result.masks.extend(written)
        table[name] = {"scan": str(path), "labels": measures(found, scan, engine.metadata)}
        journal.finish(name, source.paths, written, measured=table[name])
    if len(result.failed) == len(scans):
        _leave(output, journal)
        raise MaskwrightError(
            f"none of {len(scans)} scans could be segmented", where=scans[0].paths[0].parent, fix="See the list above."
        )
    write_json(output / "measures.json", {"scans": table})
    _write_csv(output / "measures.csv", table)
    result.mark(engine.metadata.class_names, decision(engine.metadata, options))
    journal.close()
    return result


def _besides(path: Path) -> list[str]:
    """Label maps that lie beside the slices of a scan, which are not segmented in its place."""
    others = [one.name for one in beside(path)] if path.is_dir() else []
    return [f"not segmented, because they lie beside a DICOM series: {shorten(others)}"] if others else []


def _leave(folder: Path, journal: Journal) -> None:
    """Take away the folder that was made for results, if nothing is in it."""
    journal.close()
    with suppress(OSError):
        folder.rmdir()


def label_names(metadata: Metadata) -> dict[int, str]:
    """Names of the numbers in the label map."""
    regions = metadata.label_rule.regions
    return (
        parts(dict(zip(metadata.class_names[1:], regions, strict=True)))
        if regions
        else dict(enumerate(metadata.class_names))
    )


def measures(found: Segmented, scan: Volume, metadata: Metadata) -> dict[str, dict[str, Any]]:
    """Measures of each label by its number, or of each region by its name; with the spread over an ensemble."""
    sure, regions = confidence(found.members), metadata.label_rule.regions
    if not regions:
        plain = measure(found.labels, scan, dict(enumerate(metadata.class_names)))
        return {str(number): facts | sure.get(number, {}) for number, facts in plain.items()}
    table = {}
    for place, (name, region) in enumerate(zip(metadata.class_names[1:], regions, strict=True), start=1):
        covered = found.labels.with_array(inside(found.labels.array, region).astype(np.uint8))
        if facts := measure(covered, scan, {1: name}).get(1):
            table[name] = facts | {"label_numbers": list(region)} | sure.get(place, {})
    return table


def _write(
    kind: str, labels: Volume, scan: Volume, path: Path, classes: dict[int, str], reporter: Reporter
) -> list[Path]:
    if kind == "nifti":
        write_nifti(labels, path)
        return [path]
    if not labels.array.any():
        reporter.warn(f"{path.name}: nothing was found in {scan.name}, and DICOM has no empty segmentation")
        return []
    if kind == "seg":
        from maskwright.volumes.dicom_seg import write_segmentation

        write_segmentation(labels, scan, path, classes)
    else:
        from maskwright.volumes.rtstruct import write_structures

        write_structures(labels, scan, path, classes)
    return [path]


def _write_csv(path: Path, table: dict[str, dict[str, Any]]) -> None:
    rows = [
        {"scan": name, "label": number, **flat(facts)}
        for name, entry in table.items()
        for number, facts in entry["labels"].items()
    ]
    columns = list(dict.fromkeys(key for row in rows for key in row)) or ["scan", "label"]
    write_sheet(path, columns, rows)

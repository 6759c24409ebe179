"""Which label map belongs to which scan, and who the patient is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from maskwright.config.schema import PrepareSection
from maskwright.data.pairs import shorten
from maskwright.errors import MaskwrightError
from maskwright.patterns import find as matched
from maskwright.volumes.read import is_volume, stem

_CHANNEL = r"_\d{4}$"  # nnU-Net's number of a channel


@dataclass(frozen=True)
class Case:
    """A patient's scan and its label map; `name` begins every file that is made of it."""

    name: str
    scan: Path
    labels: Path


def find_cases(options: PrepareSection) -> tuple[list[Case], list[str]]:
    """Cases in the order of their names, and what is worth saying.

    Raises:
        MaskwrightError: a folder is missing or empty, a name is not matched or matched twice, or no scan has labels.
    """
    scans = _entries(options.scans_dir, "scans_dir")
    labels = _entries(options.labels_dir, "labels_dir")
    keys = _keys(scans, options.scan_pattern, "scan_pattern")
    others = _keys(labels, options.label_pattern, "label_pattern")
    matched, names = keys.keys() & others.keys(), dict[str, Path]()
    bare = {path: re.sub(_CHANNEL, "", stem(path)) for path in scans}
    if not matched and options.scan_pattern is None and others.keys() & {*bare.values()}:
        # As nnU-Net names them: the label map of A_0000 is A. Slices are made of one channel.
        keys = names = _by(scans, lambda path: bare[path])
        matched = keys.keys() & others.keys()
    if not matched and options.scan_pattern is None and options.label_pattern is None:
        keys, others = _by(scans, _number), _by(labels, _number)
        matched = keys.keys() & others.keys()
    notes = []
    for what, found in (("scans have no label map", keys), ("label maps have no scan", others)):
        missing = sorted(found.keys() - matched)
        if missing:
            notes.append(f"{len(missing)} {what}, and are left out: {shorten(missing)}")
    if not matched:
        raise MaskwrightError(
            f"no label map belongs to a scan (scans {shorten(sorted(keys), 3)}; "
            f"label maps {shorten(sorted(others), 3)})",
            where="[prepare] scan_pattern, label_pattern",
            fix="Write patterns that find the same patient in both names.",
        )
    cases = sorted(
        (Case(key if key in names else stem(keys[key]), keys[key], others[key]) for key in matched),
        key=lambda case: case.name,
    )
    for case in cases:
        if re.search(r"-crop\d+$", case.name):
            raise MaskwrightError(
                "ends like the name of a cropped slice, and its slices could not be told from another patient's",
                where=case.scan,
                fix="Rename it.",
            )
    return cases, notes


def _entries(folder: Path | None, key: str) -> list[Path]:
    if folder is None:
        raise MaskwrightError("is not set", where=f"[prepare] {key}", fix="Name the folder.")
    if not folder.is_dir():
        raise MaskwrightError("there is no such folder", where=folder, fix=f"Check prepare.{key}.")
    found = [
        path
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".") and (path.is_dir() or is_volume(path))
    ]
    if not found:
        raise MaskwrightError(
            "holds no scans",
            where=folder,
            fix="Scans are .nii, .nii.gz, .nrrd, .mha or .zip files, or folders of DICOM.",
        )
    return found


def _keys(paths: list[Path], pattern: str | None, key: str) -> dict[str, Path]:
    if pattern is None:
        return _by(paths, stem)

    def find(path: Path) -> str | None:
        match = matched(pattern, path.name, f"[prepare] {key}")
        return match[1] if match else None

    found = _by(paths, find)
    if not found:
        raise MaskwrightError(
            f"{pattern!r} matches no name: {shorten([path.name for path in paths])}",
            where=f"[prepare] {key}",
            fix="Write a pattern with one group that finds the patient.",
        )
    return found


def _by(paths: Iterable[Path], key: Callable[[Path], str | None]) -> dict[str, Path]:
    """Paths by their keys; names without one (a licence's folder) are left out.

    Raises:
        MaskwrightError: two have the same key.
    """
    found: dict[str, Path] = {}
    for path in paths:
        name = key(path)
        if name is None:
            continue
        if name in found:
            raise MaskwrightError(
                f"{found[name].name} and {path.name} are both patient {name!r}",
                where=path.parent,
                fix="Keep one, or write a pattern that tells them apart.",
            )
        found[name] = path
    return found


def _number(path: Path) -> str | None:
    """The last number in a name, without zeros in front: 1 of PANCREAS_0001 and of label0001.nii.gz."""
    numbers = re.findall(r"\d+", stem(path))
    return str(int(numbers[-1])) if numbers else None

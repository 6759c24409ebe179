"""Which scans a folder holds: files, a DICOM series, or a folder for each patient."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from maskwright.errors import MaskwrightError
from maskwright.volumes.dicom_files import DicomFile, header_of, looks_like_dicom
from maskwright.volumes.read import is_volume, stem

_NO_SCANS = ("SEG", "RTSTRUCT")
_CHANNEL = re.compile(r"_\d{4}$")  # nnU-Net's number of a channel
_THEIR_FOLDERS = ("imagesTr", "imagesTs", "imagesVal")


def scans_in(folder: Path) -> list[Path]:
    """The scans of a folder, in the order of their names: each a file, or a folder of DICOM.

    A folder whose DICOM files are one series is itself the scan, and label maps beside them are none. Folders in it are
    patients, unless they hold parts of one study.
    """
    files = [path for path in _visible(folder) if path.is_file()]
    dicom = [path for path in files if looks_like_dicom(path)]
    if _is_one_series(dicom):
        return [folder]
    taken = set(dicom)
    found = [*dicom, *(path for path in files if is_volume(path) and path not in taken)]
    inner = [path for path in _visible(folder) if path.is_dir() and (is_volume(path) or _first_dicom(path))]
    studies = {_study(path) for path in inner}
    if not found and len(studies) == 1 and not any(is_volume(path) for path in inner):
        return [folder]
    return sorted([*found, *inner], key=lambda path: path.name)


def bare_names(folder: Path, scans: Sequence[Path]) -> dict[Path, str]:
    """Names of scans of a folder: as they are, or without the number of the channel where nnU-Net wrote the folder.

    Raises:
        MaskwrightError: files of it are channels of the same scans.
    """
    names = {path: stem(path) for path in scans}
    cut = {path: name[:-5] for path, name in names.items() if _CHANNEL.search(name)}
    numbers: dict[str, set[str]] = {}
    for path, bare in cut.items():
        numbers.setdefault(bare, set()).add(names[path][-4:])
    theirs = folder.absolute().name in _THEIR_FOLDERS
    several = [bare for bare, found in numbers.items() if {"0000", "0001"} <= found]
    if several and len(cut) == len(names) and (theirs or len(several) == len(numbers) > 1):
        listed = sorted(numbers[several[0]])
        raise MaskwrightError(
            f"holds {len(listed)} channels of each scan ({several[0]}_{listed[0]}, {several[0]}_{listed[1]}, …), and "
            "the model takes one",
            where=folder,
            fix="Copy the channel that it learnt from into a folder of its own; a model of several channels takes all "
            "(data.channel_patterns).",
        )
    return names | cut if theirs and all(found == {"0000"} for found in numbers.values()) else names


def beside(folder: Path) -> list[Path]:
    """Other scan files in a folder that is a DICOM series: mostly label maps of it."""
    files = [path for path in _visible(folder) if path.is_file()]
    return [path for path in files if is_volume(path) and not looks_like_dicom(path)]


def _is_one_series(dicom: list[Path]) -> bool:
    """Whether files are the slices of a study; which of its series is meant is the reader's matter.

    So is a damaged file among them, which the reader names.
    """
    if not dicom:
        return False
    ends = [header for path in (dicom[0], dicom[-1]) if (header := _header(path)) is not None]
    if any(header.get("Modality") in _NO_SCANS for header in ends):
        return False
    return len(ends) < 2 or _whose(ends[0]) == _whose(ends[1])


def _whose(header: Any) -> tuple[str, str]:
    """Patient and study of a file."""
    return str(header.get("PatientID", "") or ""), str(header.get("StudyInstanceUID", "") or "")


def _study(folder: Path) -> tuple[str, str]:
    """Whose the files of a folder are; where they do not say, it is a patient by itself."""
    first = _first_dicom(folder)
    header = _header(first) if first else None
    found = _whose(header) if header is not None else ("", "")
    return found if any(found) else ("", str(folder))


def _first_dicom(folder: Path) -> Path | None:
    return next((path for path in _walk(folder) if looks_like_dicom(path)), None)


def _walk(folder: Path) -> Iterator[Path]:
    inner = []
    for path in _visible(folder):
        if path.is_dir():
            inner.append(path)
        elif path.is_file():
            yield path
    for one in inner:
        yield from _walk(one)


def _header(path: Path) -> Any | None:
    """The header of a file; None where it cannot be read, which is told where its pixels are."""
    if importlib.util.find_spec("pydicom") is None:
        return None
    try:
        return header_of(DicomFile(str(path), path))
    except MaskwrightError:
        return None


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))

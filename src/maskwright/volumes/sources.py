"""Which scans a folder holds: files, a DICOM series, or a folder for each patient."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maskwright.volumes.dicom_files import DicomFile, looks_like_dicom, read_header
from maskwright.volumes.read import is_volume

_NO_SCANS = ("SEG", "RTSTRUCT")


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
    studies = {_whose(first) for path in inner if (first := _first_dicom(path))}
    if not found and len(studies) == 1 and not any(is_volume(path) for path in inner):
        return [folder]
    return sorted([*found, *inner], key=lambda path: path.name)


def beside(folder: Path) -> list[Path]:
    """Other scan files in a folder that is a DICOM series: mostly label maps of it."""
    files = [path for path in _visible(folder) if path.is_file()]
    return [path for path in files if is_volume(path) and not looks_like_dicom(path)]


def _is_one_series(dicom: list[Path]) -> bool:
    """Whether files are the slices of a study; which of its series is meant is the reader's matter."""
    if not dicom:
        return False
    ends = [dicom[0], dicom[-1]]
    if any(_said(path, "Modality") in _NO_SCANS for path in ends):
        return False
    return _whose(ends[0]) == _whose(ends[1])


def _whose(path: Path) -> tuple[str, str]:
    """Patient and study of a file; where it says neither, the folder that it lies in."""
    said = _said(path, "PatientID"), _said(path, "StudyInstanceUID")
    return said if any(said) else ("", str(path.parent))


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


def _said(path: Path, keyword: str) -> str:
    """What a header says; nothing where it cannot be read, which is told when the file is."""
    if importlib.util.find_spec("pydicom") is None:
        return ""  # told when the file is read
    from pydicom.errors import InvalidDicomError

    header: Any
    try:
        header = read_header(DicomFile(str(path), path))
    except (InvalidDicomError, EOFError, OSError, ValueError, KeyError, NotImplementedError, AttributeError, TypeError):
        return ""
    return str(header.get(keyword, "") or "")


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))

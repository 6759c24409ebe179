"""Finding DICOM series: in a folder and its sub-folders, in a zip archive, or in one file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from maskwright.errors import MaskwrightError
from maskwright.untrusted.archives import open_zip, read_member
from maskwright.untrusted.decode import decoding

MOST_BYTES = 8 << 30  # unpacked, of a zip archive; a bomb declares more
_NO_IMAGES = {"SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "SR", "PR", "KO", "REG", "DOC"}
_PREAMBLE = 132
_NONE = "is a damaged DICOM file, or none ({})"
_AGAIN = "Copy it again from its source, or take it out of the folder."
_ASKED = ("Modality", "SeriesInstanceUID", "StudyInstanceUID", "SeriesNumber", "PatientID", "SOPClassUID")
_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
# The most that numbers which size an image can be.
_MOST = {"Rows": 1 << 16, "Columns": 1 << 16, "NumberOfFrames": 1 << 20, "SamplesPerPixel": 64}
# Of type 2 (PS3.3 C.7.1.1, C.7.2.1): empty where not known, but there; some anonymisers take them out.
_MAY_BE_EMPTY = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
                 "AccessionNumber", "ReferringPhysicianName")  # fmt: skip
_OF_IMAGES = (*_MAY_BE_EMPTY, "SOPInstanceUID", "FrameOfReferenceUID", "SeriesDescription", "ImageType", "Rows",
              "Columns", "NumberOfFrames", "SamplesPerPixel", "ImagePositionPatient", "ImageOrientationPatient",
              "PixelSpacing", "SliceThickness", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence",
              "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")  # fmt: skip
_COUNTS = {"Rows": "(0028,0010)", "Columns": "(0028,0011)", "NumberOfFrames": "(0028,0008)",
           "SamplesPerPixel": "(0028,0002)"}  # fmt: skip


@dataclass(frozen=True)
class DicomFile:
    """One file: its name for messages, and where its bytes are."""

    name: str
    path: Path | None = None
    data: bytes | None = field(default=None, repr=False)

    def open(self) -> Any:
        """What pydicom can read."""
        return self.path if self.path is not None else io.BytesIO(self.data or b"")

    def start(self) -> bytes:
        """Its first bytes, preamble and all."""
        if self.path is None:
            return (self.data or b"")[:_PREAMBLE]
        with self.path.open("rb") as file:
            return file.read(_PREAMBLE)


@dataclass(frozen=True)
class Series:
    """Images that belong together.

    Attributes:
        uid: of the series. modality, description: as the files say. files: each with its header, without pixels.
        notes: what was left out for it.
    """

    uid: str
    modality: str
    description: str
    files: tuple[tuple[DicomFile, Any], ...] = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def is_scout(self) -> bool:
        """Whether these images only show where slices are taken: a single one, or several of different directions."""
        headers = [header for _, header in self.files]
        if len(headers) == 1:
            return int(headers[0].get("NumberOfFrames", 1) or 1) == 1
        directions = {_direction(header) for header in headers}
        return len(directions) > 1 or all("LOCALIZER" in str(one.get("ImageType")) for one in headers)

    def __str__(self) -> str:
        described = f" {self.description!r}" if self.description else ""
        return f"{self.modality}{described}, {len(self.files)} images, {self.uid}"


def _direction(header: Any) -> tuple[float, ...]:
    try:
        return tuple(round(float(value), 2) for value in header.get("ImageOrientationPatient") or ())
    except (TypeError, ValueError):
        return ()


def find_series(path: Path) -> list[Series]:
    """The image series of a folder, a zip archive or a file, the largest first.

    Raises:
        MaskwrightError: nothing is there, or none of it is a DICOM image.
    """
    groups: dict[str, list[tuple[DicomFile, Any]]] = {}
    seen = 0
    for file in _files(path):
        seen += 1
        header = header_of(file)
        uid, modality = _series_uid(header), str(header.get("Modality", ""))
        if "Rows" not in header and _is_image(header):
            # Left out in silence, a slice at the end of a scan would be missed by nobody.
            raise _damaged(file, "it ends before its image is described")
        if modality not in _NO_IMAGES and "Rows" in header:
            _check_image(file, header)
            with _understood(file, "its header"):
                _complete(header, uid)
            groups.setdefault(uid, []).append((file, header))
    if not groups:
        raise MaskwrightError(
            f"holds no DICOM images ({seen} files looked at)",
            where=path,
            fix="Name the folder or zip archive of the series, or its files.",
        )
    found = []
    for uid, files in groups.items():
        first = files[0][1]
        found.append(Series(uid, str(first.get("Modality", "")), str(first.get("SeriesDescription", "")), tuple(files)))
    return sorted(found, key=lambda one: (-len(one.files), one.uid))


def modalities(path: Path) -> list[tuple[Path, str]]:
    """The DICOM files of a folder, or the file itself, with what kind each is.

    Raises:
        MaskwrightError: a file that cannot be read; passed over, it would be missed by nobody.
    """
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    dicom = [file for file in files if file.is_file() and not file.name.startswith(".") and looks_like_dicom(file)]
    return [(file, str(header_of(DicomFile(str(file), file)).get("Modality", ""))) for file in dicom]


def header_of(file: DicomFile) -> Any:
    """The header of a file.

    Raises:
        MaskwrightError: it is damaged, or no DICOM.
    """
    from pydicom.errors import InvalidDicomError

    with decoding(file.name, _NONE.format("its header cannot be read to the end"), _AGAIN):
        try:
            header = read_header(file)
        except InvalidDicomError:
            raise _damaged(file, "it does not begin like one") from None
    with _understood(file, "its head"):
        list(getattr(header, "file_meta", ()))
    _check_elements(file, header, _ASKED)
    return header


def _check_elements(file: DicomFile, header: Any, keywords: Iterable[str]) -> None:
    """Decode elements, which happens when they are asked for and not sooner; here the file's name is known."""
    from pydicom.datadict import tag_for_keyword

    for keyword in keywords:
        tag = tag_for_keyword(keyword) or 0
        where = f"{file.name}, ({tag >> 16:04X},{tag & 0xFFFF:04X}) {keyword}"
        with decoding(where, "is damaged and cannot be read", _AGAIN):
            header.get(keyword)


def _check_image(file: DicomFile, header: Any) -> None:
    """Refuse an image whose header says nothing that could be counted."""
    _check_elements(file, header, _OF_IMAGES)
    with _understood(file, "what it says of its frames"):
        for keyword in _GROUPS:
            for item in header.get(keyword) or ():
                for element in item.iterall():
                    element.value  # noqa: B018 - decoded here, where it can be told whose it is
    for keyword, tag in _COUNTS.items():
        value, may_lack = header.get(keyword), keyword in ("NumberOfFrames", "SamplesPerPixel")
        if may_lack and value in (None, "", 0):
            continue
        if not isinstance(value, int) or not 1 <= value <= _MOST[keyword]:
            known = f"is {str(value)[:40]!r}, and no number from 1 to {_MOST[keyword]}"
            what = "is missing" if value in (None, "") else known
            raise MaskwrightError(what, where=f"{file.name}, {tag} {keyword}", fix=_AGAIN)


def read_header(file: DicomFile) -> Any:
    """The header of a file, which may lack the preamble (a slice as some scanners and servers send it).

    Raises:
        What pydicom raises for a file that is damaged or none.
    """
    import pydicom

    return pydicom.dcmread(file.open(), stop_before_pixels=True, force=lacks_preamble(file.start()))


def lacks_preamble(start: bytes) -> bool:
    """Whether bytes begin with an element of DICOM's first groups instead of the preamble (PS3.10, 7.1)."""
    group, element = start[:2], start[2:4]
    return start[128:_PREAMBLE] != b"DICM" and group in (b"\x02\x00", b"\x08\x00") and element[1:] == b"\x00"


def _damaged(file: DicomFile, reason: str) -> MaskwrightError:
    return MaskwrightError(_NONE.format(reason), where=file.name, fix=_AGAIN)


def _understood(file: DicomFile, what: str) -> AbstractContextManager[None]:
    return decoding(file.name, _NONE.format(f"{what} cannot be understood"), _AGAIN)


def _is_image(header: Any) -> bool:
    """Whether a file says at its head that it holds an image; the directory of a disc, a report or a plan does not."""
    kind = getattr(header, "file_meta", {}).get("MediaStorageSOPClassUID") or header.get("SOPClassUID")
    return "Image Storage" in getattr(kind, "name", "")


def _series_uid(header: Any) -> str:
    """The series' UID; where anonymisation has emptied it, what else tells series apart."""
    uid = str(header.get("SeriesInstanceUID", "") or "")
    rest = [str(header.get(name, "") or "") for name in ("StudyInstanceUID", "SeriesNumber", "Modality")]
    return uid or "no UID " + "/".join(rest)


def _complete(header: Any, uid: str) -> None:
    """What anonymisation has emptied and a reference to this image needs: from the file's head, else made of the rest.

    The same series always gets the same.
    """
    from pydicom.uid import generate_uid

    meta = getattr(header, "file_meta", {})
    for keyword, source in (
        ("SOPClassUID", "MediaStorageSOPClassUID"),
        ("SOPInstanceUID", "MediaStorageSOPInstanceUID"),
    ):
        if not header.get(keyword) and meta.get(source):
            setattr(header, keyword, meta.get(source))
    for keyword in _MAY_BE_EMPTY:
        if keyword not in header:
            setattr(header, keyword, "")
    place = str(header.get("FrameOfReferenceUID", ""))
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        if not header.get(keyword):
            setattr(header, keyword, generate_uid(entropy_srcs=[keyword, uid, place]))


def choose(series: list[Series], path: object, wanted: str | None = None) -> Series:
    """The only series, or the one whose UID or description begins with `wanted`.

    Where none is wanted and all others are scouts, these are left out, and its notes name them.

    Raises:
        MaskwrightError: there are several, or none of that name; all are listed.
    """
    chosen = series
    if wanted is not None:
        chosen = [one for one in series if one.uid.startswith(wanted) or one.description.startswith(wanted)]
    if len(chosen) == 1:
        return chosen[0]
    others = [one for one in series if not one.is_scout]
    if wanted is None and len(others) == 1:
        notes = tuple(f"left out: {one} (it shows where the slices lie)" for one in series if one.is_scout)
        return replace(others[0], notes=notes)
    listed = "\n    ".join(str(one) for one in series)
    raise MaskwrightError(
        f"holds {len(series)} series{f', {len(chosen)} of which match {wanted!r}' if wanted else ''} "
        f"(0020,000E SeriesInstanceUID):\n    {listed}",
        where=path,
        fix="Choose one with --series and the beginning of its UID or description.",
    )


def _files(path: Path) -> Iterator[DicomFile]:
    if path.is_file() and path.name.upper() == "DICOMDIR":  # the directory of a disc, whose files lie beside it
        path = path.parent
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file() and not file.name.startswith(".") and looks_like_dicom(file):
                yield DicomFile(str(file), file)
    elif path.suffix.lower() == ".zip":
        yield from _unpacked(path)
    elif path.exists():
        yield DicomFile(str(path), path)
    else:
        raise MaskwrightError("there is no such file or folder", where=path)


def looks_like_dicom(path: Path) -> bool:
    """Whether a file has DICOM's preamble or begins with its first elements, or its name says what it is."""
    if path.suffix.lower() in {".dcm", ".dicom", ".ima"}:
        return True
    start = DicomFile(str(path), path).start()
    return start[-4:] == b"DICM" or lacks_preamble(start)


def _unpacked(path: Path) -> Iterator[DicomFile]:
    what, fix = "cannot be unpacked (it is damaged or cut short, or no zip archive)", "Make the archive again."
    with open_zip(path, what, fix) as archive:
        total = sum(entry.file_size for entry in archive.infolist())
        if total > MOST_BYTES:
            raise MaskwrightError(
                f"declares {total / 2**30:.1f} GiB unpacked; at most {MOST_BYTES >> 30} are read",
                where=path,
                fix="Unpack it, and name its folder.",
            )
        for entry in archive.infolist():
            # Nothing is written: a name with .. in it leads nowhere.
            if not entry.is_dir() and not Path(entry.filename).name.startswith("."):
                if entry.filename.lower().endswith(".zip"):
                    what = f"holds another archive, {entry.filename}"
                    raise MaskwrightError(what, where=path, fix="Unpack it, and name the inner one.")
                data = read_member(archive, entry, MOST_BYTES, path, what=what, fix=fix)
                named = entry.filename.lower().endswith((".dcm", ".ima"))
                if named or data[128:_PREAMBLE] == b"DICM" or lacks_preamble(data[:_PREAMBLE]):
                    yield DicomFile(f"{path}:{entry.filename}", None, data)

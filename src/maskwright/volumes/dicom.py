"""Reading a DICOM series into a volume: slices by position, values through the rescale, any common compression."""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.untrusted.decode import decoding
from maskwright.volumes.dicom_files import DicomFile, Series, choose, find_series
from maskwright.volumes.dicom_geometry import Plane, plane_of, stack
from maskwright.volumes.dicom_values import rescale_of, rescaled, stored_values
from maskwright.volumes.volume import Source, Volume, check_affine, check_values

_THREADS = 4
_COUNTS = (0x0020, 0x0028, 0x5200, 0x7FE0)  # groups of tags: place, values, frames, pixels
_OF_THE_FILE = ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence")
# What pydicom warns of (a file that ends too early) becomes an error of ours, or is none; nor does it log to the
# user's screen, where it would show its own tracebacks.
logging.getLogger("pydicom").addHandler(logging.NullHandler())
warnings.filterwarnings("ignore", category=UserWarning, module=r"pydicom\.")


@dataclass(frozen=True)
class Frame:
    """A slice: where it lies, its file, its number in a file of several, and what its values are rescaled by."""

    plane: Plane
    file: DicomFile
    number: int | None
    slope: float
    intercept: float
    rescale_said: bool


def read_dicom(path: Path, series: str | None = None, *, resample_slices: bool = False) -> Volume:
    """Read a series from a folder, a zip archive or a (multi-frame) file.

    Args:
        series: beginning of the UID or description, where there are several.
        resample_slices: bring slices at uneven distances to even ones.

    Returns:
        `(D, H, W)` int16 where the values are whole numbers of that range (HU of a CT), else float32.

    Raises:
        MaskwrightError: no series or several, a tag that is missing or ambiguous, a gap, or a file that is cut short.
    """
    return read_series(choose(find_series(path), path, series), path, resample_slices=resample_slices)


def read_series(series: Series, where: Path, *, resample_slices: bool = False) -> Volume:
    """Read one series; see `read_dicom`."""
    files, notes = _without_doubles(series)
    _require_one_size(files, where)
    frames = [frame for file, header in files for frame in _frames_of(file, header)]
    frames, again = _once(frames)
    found = stack([frame.plane for frame in frames], where, resample=resample_slices)
    frames, more = [frames[index] for index in found.order], [*again, *found.notes]
    if not all(frame.rescale_said for frame in frames):
        more.append("no rescale slope and intercept (0028,1053 and 0028,1052): values are taken as they are stored")
    array = _pixels(frames)
    headers = {file.name: header for file, header in files}
    details: dict[str, Any] = {
        "instances": [headers[frame.file.name] for frame in frames],  # of each slice; of several where multi-frame
        "frames": [frame.number for frame in frames],
        "series": series.uid,
    }
    if found.places is not None:
        # None of these is an image of the series.
        array, details = _between(array, found.places), {"series": series.uid, "resampled": True}
    source = Source("dicom", where, details, (*series.notes, *notes, *more))
    return Volume(check_values(array, where), check_affine(found.affine, where), series.modality, source)


def _once(frames: Sequence[Frame]) -> tuple[list[Frame], list[str]]:
    """Slices of which no two lie at one place with the same values, and what was left out: a series that was sent twice
    under new UIDs. Those that differ are the geometry's matter."""
    kept, notes, decoded = list[Frame](), list[str](), dict[int, np.ndarray]()

    def values(frame: Frame) -> np.ndarray:
        if id(frame.file) not in decoded:
            decoded[id(frame.file)] = stored_values(frame.file)
        return _values(decoded[id(frame.file)], frame)

    by_place: dict[tuple[float, ...], list[Frame]] = {}
    for frame in frames:
        here = by_place.setdefault(tuple(np.round(frame.plane.position, 3).tolist()), [])
        twin = next((other for other in here if np.array_equal(values(frame), values(other))), None)
        if twin is None:
            here.append(frame)
            kept.append(frame)
        else:
            notes.append(f"{frame.plane.name} is left out: it is {twin.plane.name} once more")
    return kept, notes


def _between(array: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Slices at places between those of a stack, linearly."""
    lower = np.minimum(places.astype(int), len(array) - 2)
    share = (places - lower)[:, None, None].astype(np.float32)
    mixed = array[lower] * (1 - share) + array[lower + 1] * share
    return np.rint(mixed).astype(array.dtype) if array.dtype.kind == "i" else mixed.astype(array.dtype)


def _without_doubles(series: Series) -> tuple[list[tuple[DicomFile, Any]], list[str]]:
    """Each instance once: files that are there twice are told, instances that differ under one UID refused."""
    kept: dict[str, tuple[DicomFile, Any]] = {}
    notes = []
    for file, header in series.files:
        uid = str(header.get("SOPInstanceUID", "") or "") or _digest(file).hex()  # anonymised ones may have none
        if uid not in kept:
            kept[uid] = (file, header)
        elif _digest(file) == _digest(kept[uid][0]) or _same_image((file, header), kept[uid]):
            notes.append(f"{file.name} is there twice, as {kept[uid][0].name}")
        else:
            raise MaskwrightError(
                f"and {kept[uid][0].name} are two images of one name",
                where=f"{file.name}, (0008,0018) SOPInstanceUID",
                fix="Keep the right one.",
            )
    return list(kept.values()), notes


def _same_image(one: tuple[DicomFile, Any], other: tuple[DicomFile, Any]) -> bool:
    """Whether two files differ only in what does not count: in a time, not in values, place or rescale."""
    (first, header), (second, again) = one, other
    with decoding(first.name, "is a damaged DICOM file (one of its elements cannot be understood)"):
        differing = {
            key
            for key in {*header.keys(), *again.keys()}
            if key not in header or key not in again or header[key] != again[key]
        }
    if any(key.group in _COUNTS for key in differing):
        return False
    return np.array_equal(stored_values(first), stored_values(second))


def _digest(file: DicomFile) -> bytes:
    return hashlib.blake2b(file.path.read_bytes() if file.path else file.data or b"").digest()


def _require_one_size(files: Sequence[tuple[DicomFile, Any]], where: Path) -> None:
    first_file, first = files[0]
    for file, header in files:
        if (header.Rows, header.Columns) != (first.Rows, first.Columns):
            raise MaskwrightError(
                f"{file.name} has {header.Rows} x {header.Columns} pixels, "
                f"{first_file.name} {first.Rows} x {first.Columns}",
                where=f"{where}, (0028,0010) Rows",
                fix="Keep slices of one size in the folder.",
            )
        if int(header.get("SamplesPerPixel", 1)) != 1:
            raise MaskwrightError(
                "is a colour image",
                where=f"{file.name}, (0028,0002) SamplesPerPixel",
                fix="Name a series of grey images, as CT and MR are.",
            )


def _frames_of(file: DicomFile, header: Any) -> list[Frame]:
    what = "is a damaged DICOM file (what it says of its frames cannot be understood)"
    with decoding(file.name, what):
        return _frames(file, header)


def _frames(file: DicomFile, header: Any) -> list[Frame]:
    """The slices of a file: one, or those of a multi-frame image (enhanced CT and MR)."""
    if "PerFrameFunctionalGroupsSequence" not in header:
        if int(header.get("NumberOfFrames", 1) or 1) > 1:
            raise MaskwrightError(
                "is missing in an image of several frames, and nobody knows where they lie",
                where=f"{file.name}, (5200,9230) PerFrameFunctionalGroupsSequence",
                fix="Export the series again as enhanced or as single images.",
            )
        return [_frame(file, None, header, str(header.get("Modality", "")), file.name)]
    shared = header.get("SharedFunctionalGroupsSequence")
    found: list[Frame] = []
    for number, groups in enumerate(header.PerFrameFunctionalGroupsSequence):
        # What stands at the top of a file holds for all its frames, unless their groups say otherwise.
        merged = {key: header.get(key) for key in _OF_THE_FILE if header.get(key) is not None}
        for source in (shared[0] if shared else None, groups):
            for sequence in ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence",
                             "PixelValueTransformationSequence"):  # fmt: skip
                if source is not None and sequence in source and len(source[sequence].value):
                    merged |= {element.keyword: element.value for element in source[sequence][0]}
        modality = str(header.get("Modality", ""))
        found.append(_frame(file, number, merged, modality, f"{file.name}, frame {number + 1}"))
    return found


def _frame(file: DicomFile, number: int | None, rule: Any, modality: str, name: str) -> Frame:
    return Frame(plane_of(rule, name), file, number, *rescale_of(rule, modality, name))


def _pixels(frames: Sequence[Frame]) -> np.ndarray:
    """Rescaled values of all frames, each file decoded once."""
    by_file: dict[int, list[int]] = {}
    for index, frame in enumerate(frames):
        by_file.setdefault(id(frame.file), []).append(index)

    def decode(indices: list[int]) -> list[tuple[int, np.ndarray]]:
        stored = stored_values(frames[indices[0]].file)
        return [(index, _values(stored, frames[index])) for index in indices]

    with ThreadPoolExecutor(_THREADS) as pool:
        done = [item for items in pool.map(decode, by_file.values()) for item in items]
    arrays = [array for _, array in sorted(done, key=lambda item: item[0])]
    kind = np.int16 if all(array.dtype == np.int16 for array in arrays) else np.float32
    return np.stack([array.astype(kind, copy=False) for array in arrays])


def _values(stored: np.ndarray, frame: Frame) -> np.ndarray:
    """The rescaled values of a frame, of all that its file holds."""
    planes, number = stored if stored.ndim == 3 else stored[None], frame.number or 0
    if number >= len(planes):
        raise MaskwrightError(
            f"describes frame {number + 1}, and holds {len(planes)}",
            where=f"{frame.file.name}, (5200,9230) PerFrameFunctionalGroupsSequence",
            fix="Copy it again from its source.",
        )
    return rescaled(planes[number], frame.slope, frame.intercept)

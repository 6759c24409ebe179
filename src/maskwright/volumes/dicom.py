"""Reading a DICOM series into a volume: slices by position, values through the rescale, any common compression."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.volumes.decoders import pixels
from maskwright.volumes.dicom_files import DicomFile, Series, choose, find_series
from maskwright.volumes.dicom_geometry import Plane, plane_of, stack
from maskwright.volumes.volume import Source, Volume, check_affine, check_values

_THREADS = 4
# What pydicom warns of (a file that ends too early) becomes an error of ours, or is none.
warnings.filterwarnings("ignore", category=UserWarning, module=r"pydicom\.")
# where a slice lies, its file, its number in a file of several, and what rescales it
Frame = tuple[Plane, DicomFile, int | None, Any]


def read_dicom(path: Path, series: str | None = None) -> Volume:
    """Read a series from a folder, a zip archive or a (multi-frame) file.

    Args:
        series: beginning of the UID or description, where there are several.

    Returns:
        `(D, H, W)` int16 where the values are whole numbers of that range (HU of a CT), else float32.

    Raises:
        MaskwrightError: no series or several, a tag that is missing or ambiguous, a gap, or a file that is cut short.
    """
    return read_series(choose(find_series(path), path, series), path)


def read_series(series: Series, where: Path) -> Volume:
    """Read one series; see `read_dicom`."""
    files, notes = _without_doubles(series)
    _require_one_size(files, where)
    frames = [frame for file, header in files for frame in _frames(file, header)]
    order, affine, more = stack([frame[0] for frame in frames], where)
    frames = [frames[index] for index in order]
    array = _pixels(frames)
    headers = {file.name: header for file, header in files}
    details = {
        "instances": [headers[frame[1].name] for frame in frames],  # of each slice; of several where multi-frame
        "frames": [frame[2] for frame in frames],
        "series": series.uid,
    }
    source = Source("dicom", where, details, (*notes, *more))
    return Volume(check_values(array, where), check_affine(affine, where), series.modality, source)


def _without_doubles(series: Series) -> tuple[list[tuple[DicomFile, Any]], list[str]]:
    """Each instance once: files that are there twice are told, instances that differ under one UID refused."""
    kept: dict[str, tuple[DicomFile, Any]] = {}
    notes = []
    for file, header in series.files:
        uid = str(header.get("SOPInstanceUID", "") or "") or _digest(file).hex()  # anonymised ones may have none
        if uid not in kept:
            kept[uid] = (file, header)
        elif _digest(file) == _digest(kept[uid][0]):
            notes.append(f"{file.name} is there twice, as {kept[uid][0].name}")
        else:
            raise MaskwrightError(
                f"and {kept[uid][0].name} are two images of one name",
                where=f"{file.name}, (0008,0018) SOPInstanceUID",
                fix="Keep the right one.",
            )
    return list(kept.values()), notes


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


def _frames(file: DicomFile, header: Any) -> list[Frame]:
    """The slices of a file: one, or those of a multi-frame image (enhanced CT and MR)."""
    if "PerFrameFunctionalGroupsSequence" not in header:
        if int(header.get("NumberOfFrames", 1) or 1) > 1:
            raise MaskwrightError(
                "is missing in an image of several frames, and nobody knows where they lie",
                where=f"{file.name}, (5200,9230) PerFrameFunctionalGroupsSequence",
                fix="Export the series again as enhanced or as single images.",
            )
        return [(plane_of(header, file.name), file, None, header)]
    shared = header.get("SharedFunctionalGroupsSequence")
    found: list[Frame] = []
    for number, groups in enumerate(header.PerFrameFunctionalGroupsSequence):
        merged: dict[str, Any] = {}
        for source in (shared[0] if shared else None, groups):
            for sequence in ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence",
                             "PixelValueTransformationSequence"):  # fmt: skip
                if source is not None and sequence in source and len(source[sequence].value):
                    merged |= {element.keyword: element.value for element in source[sequence][0]}
        found.append((plane_of(merged, f"{file.name}, frame {number + 1}"), file, number, merged))
    return found


def _pixels(frames: Sequence[Frame]) -> np.ndarray:
    """Rescaled values of all frames, each file decoded once."""
    by_file: dict[int, list[int]] = {}
    for index, frame in enumerate(frames):
        by_file.setdefault(id(frame[1]), []).append(index)

    def decode(indices: list[int]) -> list[tuple[int, np.ndarray]]:
        stored = _stored(frames[indices[0]][1])
        slices = []
        for index in indices:
            _, file, number, rule = frames[index]
            slices.append((index, _rescaled(stored if number is None else stored[number], rule, file)))
        return slices

    with ThreadPoolExecutor(_THREADS) as pool:
        done = [item for items in pool.map(decode, by_file.values()) for item in items]
    arrays = [array for _, array in sorted(done, key=lambda item: item[0])]
    kind = np.int16 if all(array.dtype == np.int16 for array in arrays) else np.float32
    return np.stack([array.astype(kind, copy=False) for array in arrays])


def _stored(file: DicomFile) -> np.ndarray:
    import pydicom

    try:
        return pixels(pydicom.dcmread(file.open()))
    except (ValueError, AttributeError, RuntimeError, EOFError, OSError, KeyError, NotImplementedError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise MaskwrightError(
            f"its pixels cannot be decoded ({reason})",
            where=f"{file.name}, (7FE0,0010) PixelData",
            fix="Copy it again from its source: it may be cut short. `maskwright doctor` lists the decoders.",
        ) from None


def _rescaled(stored: np.ndarray, rule: Any, file: DicomFile) -> np.ndarray:
    """Stored values to HU or what the modality means: slope · value + intercept (PS3.3 C.11.1)."""
    if "ModalityLUTSequence" in rule:
        raise MaskwrightError(
            "gives its values by a table, which is not supported",
            where=f"{file.name}, (0028,3000) ModalityLUTSequence",
            fix="Export it with a rescale slope and intercept.",
        )
    try:
        slope, intercept = float(rule.get("RescaleSlope", 1) or 1), float(rule.get("RescaleIntercept", 0) or 0)
    except (TypeError, ValueError):
        raise MaskwrightError(
            "is no number", where=f"{file.name}, (0028,1053) RescaleSlope", fix="Export it again."
        ) from None
    if slope == int(slope) and intercept == int(intercept):
        values = stored.astype(np.int32) * int(slope) + int(intercept)
        limits = np.iinfo(np.int16)
        if values.min() >= limits.min and values.max() <= limits.max:
            return values.astype(np.int16)
        return values.astype(np.float32)
    return stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)

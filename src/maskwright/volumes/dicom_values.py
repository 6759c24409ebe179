"""What the stored values of a DICOM image mean: slope · value + intercept (PS3.3 C.11.1), or why nobody knows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.untrusted.decode import decoding, too_large
from maskwright.volumes.decoders import can_decode, pixels
from maskwright.volumes.dicom_files import DicomFile, lacks_preamble

_TAGS = {"RescaleSlope": "(0028,1053)", "RescaleIntercept": "(0028,1052)"}
MOST_PIXELS = 1 << 28  # of one slice
MOST_VALUES = 4 << 30  # of one file
_INT16 = np.iinfo(np.int16)
_WHOLE = 1 << 30  # a slope or intercept beyond that is no whole number that int64 could count with


def stored_values(file: DicomFile) -> np.ndarray:
    """The stored values of a file: `(H, W)`, or `(frames, H, W)`; floats stay floats.

    Raises:
        MaskwrightError: they are cut short, or compressed in a way that is not read.
    """
    where = f"{file.name}, (7FE0,0010) PixelData"
    again = "Copy it again from its source: it may be cut short. `maskwright doctor` lists the decoders."
    with decoding(where, "its pixels cannot be decoded (the file cannot be read to its end)", again):
        header = _whole(file)
    with decoding(where, lambda: f"its pixels cannot be decoded ({_reason(header)})", again):
        claimed = math.prod(int(header.get(key, 1) or 1) for key in ("Rows", "Columns", "NumberOfFrames"))
        if claimed > MOST_VALUES or int(header.Rows) * int(header.Columns) > MOST_PIXELS:
            raise too_large(file.name, claimed, MOST_VALUES)
        found, size = pixels(header), (int(header.Rows), int(header.Columns))
        if found.shape[-2:] != size or found.ndim > 3:
            raise ValueError
        return found


def _whole(file: DicomFile) -> Any:
    import pydicom

    header = pydicom.dcmread(file.open(), force=lacks_preamble(file.start()))
    if "TransferSyntaxUID" not in header.file_meta:  # without a preamble: the plainest (PS3.5, 10.1)
        header.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    return header


def _reason(header: Any) -> str:
    """Why the pixels of a file cannot be decoded, in words of ours."""
    if not any(keyword in header for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        return "there are none"
    try:
        with decoding("its header"):  # what describes them may be damaged too, and the transfer syntax none
            return _reason_by(header)
    except MaskwrightError:
        return "what describes them is damaged"


def _reason_by(header: Any) -> str:
    syntax = header.file_meta.TransferSyntaxUID
    if syntax.is_compressed:
        if not can_decode(syntax):
            return f"no decoder for the transfer syntax {syntax.name} is installed"
        return f"what is packed as {syntax.name} is damaged"
    needed = int(header.Rows) * int(header.Columns) * int(header.get("NumberOfFrames", 1) or 1)
    needed = needed * int(header.get("SamplesPerPixel", 1)) * int(header.BitsAllocated) // 8
    there = len(header.get("PixelData") or b"")
    return f"{there} bytes are there, and {needed} are described" if there != needed else "their header is damaged"


def rescale_of(rule: Mapping[str, Any], modality: str, name: str) -> tuple[float, float, bool]:
    """Slope and intercept of an image or frame, and whether the file says them.

    Args:
        rule: its elements; those of a frame hold those of its file. name: of the file (and frame), for messages.

    Raises:
        MaskwrightError: values by a table; a CT that does not say what its values mean; a factor that is none.
    """
    if "ModalityLUTSequence" in rule:
        raise MaskwrightError(
            "gives its values by a table, which is not supported",
            where=f"{name}, (0028,3000) ModalityLUTSequence",
            fix="Export it with a rescale slope and intercept.",
        )
    missing = [key for key in _TAGS if rule.get(key) in (None, "")]
    if missing and modality == "CT":
        raise MaskwrightError(
            "is missing in a CT, and without it its values are no HU (they are mostly 1024 too high)",
            where=f"{name}, {' and '.join(f'{_TAGS[key]} {key}' for key in missing)}",
            fix="Export the series again with it; nothing is guessed.",
        )
    slope, intercept = _number(rule, "RescaleSlope", 1, name), _number(rule, "RescaleIntercept", 0, name)
    if slope == 0:
        raise MaskwrightError(
            "is 0, and every value would be the same", where=f"{name}, {_TAGS['RescaleSlope']} RescaleSlope",
            fix="Export the series again.",
        )  # fmt: skip
    return slope, intercept, not missing


def _number(rule: Mapping[str, Any], key: str, default: float, name: str) -> float:
    value = rule.get(key)
    try:
        number = float(default if value in (None, "") else value)
    except (TypeError, ValueError):
        number = float("nan")
    if not np.isfinite(number):
        raise MaskwrightError(f"is {value}, no number", where=f"{name}, {_TAGS[key]} {key}", fix="Export it again.")
    return number


def rescaled(stored: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """Stored values to what they mean: int16 where that holds them exactly, else float32."""
    small = abs(slope) < _WHOLE and abs(intercept) < _WHOLE
    whole = small and stored.dtype.kind in "iub" and slope == int(slope) and intercept == int(intercept)
    if whole:
        values = stored.astype(np.int64) * int(slope) + int(intercept)
        if values.size and values.min() >= _INT16.min and values.max() <= _INT16.max:
            return values.astype(np.int16)
        return values.astype(np.float32)
    with np.errstate(over="ignore"):  # infinity is refused where all values are looked at
        return (stored.astype(np.float64) * slope + intercept).astype(np.float32)

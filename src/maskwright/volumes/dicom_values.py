"""What the stored values of a DICOM image mean: slope · value + intercept (PS3.3 C.11.1), or why nobody knows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.untrusted.decode import decoding, too_large
from maskwright.volumes.decoders import pixels
from maskwright.volumes.dicom_files import DicomFile, lacks_preamble

_TAGS = {"RescaleSlope": "(0028,1053)", "RescaleIntercept": "(0028,1052)"}
MOST_PIXELS = 1 << 28  # of one slice
MOST_VALUES = 4 << 30  # of one file
_INT16 = np.iinfo(np.int16)


def stored_values(file: DicomFile) -> np.ndarray:
    """The stored values of a file: `(H, W)`, or `(frames, H, W)`; floats stay floats.

    Raises:
        MaskwrightError: they are cut short, or compressed in a way that is not read.
    """
    with decoding(
        f"{file.name}, (7FE0,0010) PixelData",
        "its pixels cannot be decoded",
        "Copy it again from its source: it may be cut short. `maskwright doctor` lists the decoders.",
    ):
        whole = _whole(file)
        claimed = math.prod(int(whole.get(key, 1) or 1) for key in ("Rows", "Columns", "NumberOfFrames"))
        if claimed > MOST_VALUES or int(whole.Rows) * int(whole.Columns) > MOST_PIXELS:
            raise too_large(file.name, claimed, MOST_VALUES)
        return pixels(whole)


def _whole(file: DicomFile) -> Any:
    import pydicom

    header = pydicom.dcmread(file.open(), force=lacks_preamble(file.start()))
    if "TransferSyntaxUID" not in header.file_meta:  # without a preamble: the plainest (PS3.5, 10.1)
        header.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    return header


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
    whole = stored.dtype.kind in "iub" and slope == int(slope) and intercept == int(intercept)
    if whole:
        values = stored.astype(np.int64) * int(slope) + int(intercept)
        if values.size and values.min() >= _INT16.min and values.max() <= _INT16.max:
            return values.astype(np.int16)
        return values.astype(np.float32)
    return (stored.astype(np.float64) * slope + intercept).astype(np.float32)

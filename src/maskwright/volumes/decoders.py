"""Decoding compressed DICOM pixels, and which compressions this installation can read."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np

# Transfer syntaxes (PS3.5 A.4) that scanners and archives use.
_SYNTAXES = {
    "JPEG baseline": "1.2.840.10008.1.2.4.50",
    "JPEG lossless": "1.2.840.10008.1.2.4.70",
    "JPEG-LS": "1.2.840.10008.1.2.4.80",
    "JPEG 2000": "1.2.840.10008.1.2.4.90",
    "RLE": "1.2.840.10008.1.2.5",
}


_JPEG_2000 = {"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"}
# In place of GDCM, which ends the process at some damaged codestreams; JPEG lossless has nothing else.
_PLUGINS = {
    "1.2.840.10008.1.2.4.50": "pillow", "1.2.840.10008.1.2.4.51": "pillow", "1.2.840.10008.1.2.4.80": "pyjpegls",
    "1.2.840.10008.1.2.4.81": "pyjpegls", "1.2.840.10008.1.2.4.90": "pillow", "1.2.840.10008.1.2.4.91": "pillow",
}  # fmt: skip
_END = b"\xff\xd9"  # of a codestream


def pixels(dataset: Any) -> np.ndarray:
    """The stored values of an image: `(H, W)`, or `(frames, H, W)`.

    Raises:
        What pydicom raises for pixels that are damaged or whose compression it cannot read.
    """
    found = _in_parallel(dataset)
    if found is not None:
        return found
    uid = dataset.file_meta.TransferSyntaxUID
    if uid in _PLUGINS and _PLUGINS[uid] in _available(uid):
        dataset.pixel_array_options(decoding_plugin=_PLUGINS[uid])
    return np.asarray(dataset.pixel_array)


def _available(uid: str) -> tuple[str, ...]:
    from pydicom.pixels import get_decoder

    return get_decoder(uid).available_plugins


def _in_parallel(dataset: Any) -> np.ndarray | None:
    """A single grey image in JPEG 2000 by OpenCV, which lets other threads work meanwhile; None for all others.

    Two threads take 0.22 s for 20 slices of 512x512, where those of pydicom's decoders wait for each other (0.31 s).
    """
    if dataset.file_meta.TransferSyntaxUID not in _JPEG_2000 or int(dataset.get("NumberOfFrames", 1) or 1) != 1:
        return None
    if dataset.get("PixelRepresentation", 1) != 0 or dataset.get("SamplesPerPixel", 1) != 1:
        return None
    from pydicom.encaps import generate_frames

    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    if not frame.rstrip(b"\0").endswith(_END):
        return None  # cut short: OpenCV would fill in what is missing
    cv2.utils.logging.setLogLevel(
        cv2.utils.logging.LOG_LEVEL_ERROR
    )  # it would remark on every image that grey has no colour space
    try:
        found = cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None  # pydicom says what is wrong with it
    wanted = (dataset.Rows, dataset.Columns), np.dtype(f"u{dataset.BitsAllocated // 8}")
    return found if found is not None and (found.shape, found.dtype) == wanted else None


def decoders() -> dict[str, bool]:
    """Each compression and whether it can be read; empty where DICOM cannot be read at all."""
    if find_spec("pydicom") is None:
        return {}
    from pydicom.pixels import get_decoder

    return {name: get_decoder(uid).is_available for name, uid in _SYNTAXES.items()}

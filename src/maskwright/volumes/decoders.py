"""Decoding compressed DICOM pixels, and which compressions this installation can read."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np

from maskwright.volumes.apart import CHILD

# Transfer syntaxes (PS3.5 A.4) that scanners and archives use.
_SYNTAXES = {
    "JPEG baseline": "1.2.840.10008.1.2.4.50",
    "JPEG lossless": "1.2.840.10008.1.2.4.70",
    "JPEG-LS": "1.2.840.10008.1.2.4.80",
    "JPEG 2000": "1.2.840.10008.1.2.4.90",
    "RLE": "1.2.840.10008.1.2.5",
}


_JPEG_2000 = {"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"}
_END = b"\xff\xd9"  # of a codestream


def pixels(dataset: Any) -> np.ndarray:
    """The stored values of an image: `(H, W)`, or `(frames, H, W)`.

    Raises:
        What pydicom raises for pixels that are damaged or whose compression it cannot read.
    """
    found = _in_parallel(dataset)
    if found is not None:
        return found
    plugins = _plugins(dataset.file_meta.TransferSyntaxUID)
    if "gdcm" not in plugins:
        return np.asarray(dataset.pixel_array)
    if "pyjpegls" in plugins:  # loses nothing either, and survives what is damaged
        dataset.pixel_array_options(decoding_plugin="pyjpegls")
        return np.asarray(dataset.pixel_array)
    return CHILD.decode(dataset)


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


def can_decode(syntax: str) -> bool:
    """Whether there is a decoder for a compressed transfer syntax here."""
    from pydicom.pixels import get_decoder

    try:
        return bool(get_decoder(syntax).is_available)
    except NotImplementedError:
        return False


def _plugins(syntax: str) -> tuple[str, ...]:
    """What could decode a transfer syntax here; nothing for uncompressed ones, which need nothing."""
    from pydicom.pixels import get_decoder

    try:
        return tuple(get_decoder(syntax).available_plugins)
    except NotImplementedError:
        return ()


def decoders() -> dict[str, bool]:
    """Each compression and whether it can be read; empty where DICOM cannot be read at all."""
    if find_spec("pydicom") is None:
        return {}
    return {name: can_decode(uid) for name, uid in _SYNTAXES.items()}

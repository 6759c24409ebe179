"""Which compressions of DICOM this installation can read."""

from __future__ import annotations

from importlib.util import find_spec

# Transfer syntaxes (PS3.5 A.4) that scanners and archives use.
_SYNTAXES = {
    "JPEG baseline": "1.2.840.10008.1.2.4.50",
    "JPEG lossless": "1.2.840.10008.1.2.4.70",
    "JPEG-LS": "1.2.840.10008.1.2.4.80",
    "JPEG 2000": "1.2.840.10008.1.2.4.90",
    "RLE": "1.2.840.10008.1.2.5",
}


def decoders() -> dict[str, bool]:
    """Each compression and whether it can be read; empty where DICOM cannot be read at all."""
    if find_spec("pydicom") is None:
        return {}
    from pydicom.pixels import get_decoder

    return {name: get_decoder(uid).is_available for name, uid in _SYNTAXES.items()}

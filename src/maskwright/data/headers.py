"""What the first bytes of a picture file say that decoders do not tell: depth, highest level, and losses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_LOSSLESS_WEBP = b"VP8L"  # the first chunk's name (WebP container specification); VP8X may hold either kind
_JPEG_IN_TIFF = (6, 7)  # Compression: old and new JPEG
_SIZ = b"\xff\x51"  # the marker of image and tile sizes of a JPEG 2000 codestream (ISO/IEC 15444-1, A.5.1)
_SIZ_DEPTH = 40  # bytes from the marker to the depth of the first component: its bits less one, 128 for signed
_COD = b"\xff\x52"  # its marker of coding style (A.6.1); 13 bytes on, 1 says that the transform can be undone exactly
_COD_TRANSFORM = 13
_NUMBERS = re.compile(rb"P[2356]" + 3 * rb"(?:\s|#[^\n]*\n)+(\d{1,9})")


def png_bits(path: Path) -> int:
    """Bits of a channel: byte 24, in the IHDR chunk (PNG specification, 11.2.2)."""
    with path.open("rb") as file:
        return file.read(25)[24]


def jpeg2000_bits(path: Path) -> int:
    """Bits of a channel of a JPEG 2000 file or codestream; 8 where it does not say."""
    with path.open("rb") as file:
        start = file.read(1 << 16)
    place = start.find(_SIZ)
    return (start[place + _SIZ_DEPTH] & 127) + 1 if 0 <= place < len(start) - _SIZ_DEPTH else 8


def pnm_maximum(path: Path) -> int:
    """The level of white that a PGM or PPM file declares, 1 for PBM; 255 where it is none."""
    with path.open("rb") as file:
        start = file.read(4096)
    if start[:2] in (b"P1", b"P4"):
        return 1
    numbers = _NUMBERS.match(start)  # width, height, maximum
    return int(numbers[3]) if numbers else 255


def is_lossy(picture: Any, path: Path) -> bool:
    """Whether an opened picture was compressed with losses, whatever its file is called."""
    if picture.format == "WEBP":
        with path.open("rb") as file:
            return file.read(16)[12:] != _LOSSLESS_WEBP
    if picture.format == "TIFF":
        return picture.tag_v2.get(259) in _JPEG_IN_TIFF
    if picture.format == "JPEG2000":
        with path.open("rb") as file:
            start = file.read(1 << 16)
        place = start.find(_COD)
        return not (0 <= place < len(start) - _COD_TRANSFORM and start[place + _COD_TRANSFORM] == 1)
    return picture.format in {"JPEG", "MPO"}

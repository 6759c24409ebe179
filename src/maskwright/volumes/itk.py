"""NRRD and MetaImage, read by ITK once their headers were looked at.

ITK's own parsers end the process at a header of long or broken words, and allocate whatever it claims.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.untrusted.decode import ARRAY, COPY, decoding, too_large
from maskwright.volumes.volume import Source, Volume, check_affine, check_values

SUFFIXES = {".nrrd": "nrrd", ".nhdr": "nrrd", ".mha": "mha", ".mhd": "mha"}
_HEADER = 1 << 16  # bytes
_LINE, _WORD = 4000, 200  # bytes of a line and of a word in it; people write no longer ones
_DAMAGED = "is damaged or cut short"
_RATIO = 1100  # how many times as large as its packed file a volume can be (deflate reaches 1032)
# What a header must say; ITK takes 1 mm and axes to the left, back and head where it does not.
_MUST_SAY = {
    "nrrd": (("space directions",), ("space origin",), ("space", "space dimension")),
    "mha": (("ElementSpacing", "ElementSize"), ("TransformMatrix", "Orientation", "Rotation")),
}
_SIZES, _DATA = {"nrrd": "sizes", "mha": "DimSize"}, {"nrrd": ("data file", "datafile"), "mha": ("ElementDataFile",)}
_WHOLE, _REAL = r"\d{1,9}", r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
_VECTOR = rf"\(\s*{_REAL}(?:\s*,\s*{_REAL})*\s*\)"


def _several(one: str, most: int = 16) -> str:
    return rf"{one}(?:\s+{one}){{0,{most - 1}}}"


# How the values that an image is made of are written (teem's NRRD format and MetaIO).
_WRITTEN = {
    "nrrd": {
        "sizes": _several(_WHOLE), "dimension": _WHOLE, "type": r"[a-z][a-z0-9_ ]{2,25}",
        "encoding": r"[a-zA-Z0-9]{2,6}",
        "endian": "little|big", "space": r"[-\w]{2,40}", "space dimension": _WHOLE, "space origin": _VECTOR,
        "space directions": _several(rf"(?:{_VECTOR}|none)"), "line skip": _WHOLE, "lineskip": _WHOLE,
        "byte skip": rf"-1|{_WHOLE}", "byteskip": rf"-1|{_WHOLE}",
        "measurement frame": _several(rf"(?:{_VECTOR}|none)"),
        "thicknesses": _several(rf"(?:{_REAL}|[nN]a[nN])"), "spacings": _several(rf"(?:{_REAL}|[nN]a[nN])"),
        "kinds": _several(r"[-\w?]{1,40}"), "centers": _several(r"[a-z?]{1,6}"), "centerings": _several(r"[a-z?]{1,6}"),
    },
    "mha": {
        "NDims": _WHOLE, "DimSize": _several(_WHOLE), "ElementType": "MET_[A-Z_]{3,20}",
        "ElementSpacing": _several(_REAL), "ElementSize": _several(_REAL), "Offset": _several(_REAL),
        "Position": _several(_REAL), "Origin": _several(_REAL), "TransformMatrix": _several(_REAL, 256),
        "Orientation": _several(_REAL, 256), "Rotation": _several(_REAL, 256), "CenterOfRotation": _several(_REAL),
        "ElementNumberOfChannels": _WHOLE, "HeaderSize": rf"-1|{_WHOLE}", "CompressedDataSize": r"\d{1,18}",
        "BinaryData": "(?i:true|false)", "BinaryDataByteOrderMSB": "(?i:true|false)",
        "ElementByteOrderMSB": "(?i:true|false)", "CompressedData": "(?i:true|false)",
        "AnatomicalOrientation": r"[A-Z?]{1,10}", "ObjectType": r"\w{1,40}", "ObjectSubType": r"\w{1,40}",
    },
}  # fmt: skip


def read_itk(path: Path) -> Volume:
    """Read an NRRD or MetaImage file, in one or with its values beside it; the package SimpleITK is installed.

    Raises:
        MaskwrightError: damaged, larger than its file can be, or without geometry.
    """
    import SimpleITK as sitk

    kind = SUFFIXES[path.suffix.lower()]
    _require_sound(path, kind)
    with decoding(path):
        image = sitk.ReadImage(str(path))
    return as_volume(image, path, Source(kind, path))


def as_volume(image: Any, path: object, source: Source | None = None) -> Volume:
    """An image of SimpleITK in memory.

    Args:
        path: what it is, for messages.

    Raises:
        MaskwrightError: not of three dimensions, or of values that are no numbers.
    """
    import SimpleITK as sitk

    if image.GetDimension() != 3:
        raise MaskwrightError(
            f"has {image.GetDimension()} dimensions", where=path, fix="A volume has three, and channels beside them."
        )
    with decoding(path):
        array = sitk.GetArrayFromImage(image)
        directions = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = directions[:, ::-1], image.GetOrigin()
    affine[:2] *= -1  # ITK's frame has x to the left and y to the back
    if array.dtype.kind == "f":
        array = array.astype(np.float32)
    return Volume(check_values(array, path), check_affine(affine, path), "", source or Source())


def _require_sound(path: Path, kind: str) -> None:
    """Refuse a header that is not written as it must be, says no geometry, or claims more than there is."""
    with decoding(path), path.open("rb") as file:
        fields = _fields(file.read(_HEADER), kind)
    for names in _MUST_SAY[kind]:
        if not fields.keys() & set(names):
            raise MaskwrightError(
                f"does not say where it lies: {' or '.join(names)} is missing in its header",
                where=path,
                fix="Save it again with its geometry; nothing is guessed.",
            )
    for name, pattern in _WRITTEN[kind].items():
        if name in fields and not re.fullmatch(pattern, fields[name]):
            raise MaskwrightError(f"{_DAMAGED}: {name} is {fields[name][:60]!r}", where=path, fix=COPY)
    if _SIZES[kind] not in fields:
        raise MaskwrightError(f"{_DAMAGED}: it does not say {_SIZES[kind]}", where=path, fix=COPY)
    data = next((fields[name] for name in _DATA[kind] if name in fields), "LOCAL")
    beside = Path(data.split()[0] if data else "LOCAL")
    if beside.is_absolute() or ".." in beside.parts:
        raise MaskwrightError(
            f"takes its values from {data[:60]!r}, beyond its folder", where=path, fix="Save it again in one file."
        )
    # One byte a voxel is the least; values that lie in files of their own are counted with it.
    claimed = math.prod(float(edge) for edge in fields[_SIZES[kind]].split())
    claimed *= float(fields.get("ElementNumberOfChannels", 1))
    size = path.stat().st_size
    if data.upper() not in ("LOCAL",):
        size += sum(one.stat().st_size for one in path.parent.iterdir() if one.is_file() and one != path)
    if claimed > min(ARRAY, _RATIO * size):
        raise too_large(path, claimed, min(ARRAY, _RATIO * size))


def _fields(start: bytes, kind: str) -> dict[str, str]:
    """The fields of a header, up to the blank line or the place where values begin.

    Raises:
        ValueError: lines or words that nobody writes, or a field that is there twice.
    """
    found: dict[str, str] = {}
    lines = start.split(b"\n")
    if kind == "nrrd" and not re.fullmatch(rb"NRRD000[1-6]\r?", lines.pop(0)):
        raise ValueError("no NRRD")
    for line in lines:
        text = line.rstrip(b"\r").decode("ascii" if kind == "mha" else "utf-8")
        if kind == "nrrd" and not text:
            return found
        if len(text) > _LINE or not text.isprintable() or max(map(len, text.split()), default=0) > _WORD:
            raise ValueError("a line that nobody writes")
        if text.startswith("#") or ":=" in text:  # a comment, or what its writer noted
            continue
        name, _, value = text.partition(":" if kind == "nrrd" else "=")
        name = name.strip()
        if not name or name in found:
            raise ValueError("a field twice")
        found[name] = value.strip()
        if kind == "mha" and name == "ElementDataFile":
            return found
    raise ValueError("a header without an end") if kind == "mha" or len(start) == _HEADER else ValueError("no values")

"""How large a pixel is, where a picture's file knows it: TIFF, OME-TIFF, ImageJ's and Aperio's, PNG, JPEG, BMP."""

from __future__ import annotations

import math
import re
import warnings
from pathlib import Path
from typing import Any

from PIL import Image

from maskwright.data.images import read_header
from maskwright.data.preprocess import InputRule
from maskwright.data.tiff import COPY, UnreadableImage
from maskwright.errors import MaskwrightError
from maskwright.untrusted.decode import decoding

Spacing = tuple[float, float]  # mm from row to row, and from column to column

MM = {"nm": 1e-6, "um": 1e-3, "mm": 1.0, "cm": 10.0, "m": 1000.0, "inch": 25.4}
_NAMES = {"µm": "um", "μm": "um", "\\u00b5m": "um", "micron": "um", "microns": "um", "in": "inch", "": "um"}
_INCH = 25.4
_UNKNOWING = (72.0, 96.0)  # dots an inch that programs write into files of which they know nothing
_PLAUSIBLE = (1e-7, 1e3)  # mm
_TURNED = (5, 6, 7, 8)  # orientations whose rows are the file's columns


def spacing_for(path: Path, rule: InputRule) -> Spacing | None:
    """Size of a file's pixels in mm where the rule's scale is one of mm or µm; None where it is one of pixels.

    Raises:
        MaskwrightError: the file does not say.
    """
    if rule.pixel_unit == "px":
        return None
    found = pixel_spacing(path)
    if found is None:
        raise MaskwrightError(
            "does not say how large its pixels are (72 and 96 dots an inch are what programs write that do not know)",
            where=path,
            fix='Save it with its resolution (as TIFF, OME-TIFF or PNG), or train with data.pixel_unit = "px".',
        )
    return found


def pixel_spacing(path: Path) -> Spacing | None:
    """mm from row to row and from column to column, as a picture is shown; None where its file does not say.

    Raises:
        UnreadableImage: it is no picture, or damaged.
    """
    with decoding(path, fix=COPY, kind=UnreadableImage):
        with path.open("rb") as file:
            tiff = file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
        found = _of_tiff(path) if tiff else _of_picture(path)
    if found is None or not all(math.isfinite(step) and _PLAUSIBLE[0] <= step <= _PLAUSIBLE[1] for step in found):
        return None
    return found[::-1] if read_header(path).orientation in _TURNED else found


def _of_picture(path: Path) -> Spacing | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as picture:
            dots: Any = picture.info.get("dpi")  # Pillow makes dots an inch of dots a metre or a centimetre too
    try:
        across, down = map(float, dots)
    except (TypeError, ValueError, ZeroDivisionError):  # none, or what is no number
        return None
    return _of_dots(across, down)


def _of_dots(across: float, down: float) -> Spacing | None:
    unknowing = across == down and any(abs(across - one) < 0.1 for one in _UNKNOWING)
    return None if unknowing or not min(across, down) > 0 else (_INCH / down, _INCH / across)


def _of_tiff(path: Path) -> Spacing | None:
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        page: Any = tiff.pages[0]
        described = _of_ome(tiff.ome_metadata or "") or _of_aperio(str(page.description))
        if described:
            return described
        across, down = (_number(page.tags.get(name)) for name in ("XResolution", "YResolution"))
        if not across or not down:
            return None
        if tiff.is_imagej:
            unit = _mm(str((tiff.imagej_metadata or {}).get("unit", "pixel")))
            return (unit / down, unit / across) if unit else None
        unit = page.tags.get("ResolutionUnit")
        kind = 2 if unit is None else int(unit.value)  # TIFF 6.0, page 38: inches unless it says something else
        if kind == 2:
            return _of_dots(across, down)
        return (MM["cm"] / down, MM["cm"] / across) if kind == 3 else None


def _number(tag: Any) -> float:
    """A rational tag; 0 where there is none, or it is no number."""
    try:
        over, under = tag.value if isinstance(tag.value, tuple) else (tag.value, 1)
        return float(over) / float(under)
    except (AttributeError, TypeError, ValueError, ZeroDivisionError):
        return 0.0


def _mm(unit: str) -> float | None:
    """How many mm a unit is, by any of its names."""
    plain = unit.strip().lower()
    return MM.get(_NAMES.get(plain, plain))


def _of_ome(text: str) -> Spacing | None:
    """PhysicalSizeY and PhysicalSizeX of the first Pixels element (OME schema 2016-06; micrometres unless it says)."""
    element = re.search(r"<(?:\w+:)?Pixels\b[^>]*>", text)
    if element is None:
        return None
    found = []
    for axis in "YX":
        size = re.search(rf'\bPhysicalSize{axis}="(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)"', element[0])
        named = re.search(rf'\bPhysicalSize{axis}Unit="([^"]*)"', element[0])
        unit = _mm(named[1] if named else "")
        if size is None or unit is None:
            return None
        found.append(float(size[1]) * unit)
    return found[0], found[1]


def _of_aperio(text: str) -> Spacing | None:
    """MPP, micrometres a pixel, in the description of Aperio's slides."""
    found = re.search(r"\bMPP\s*=\s*(\d+(?:\.\d+)?)", text) if text.startswith("Aperio") else None
    return None if found is None else (float(found[1]) * MM["um"],) * 2

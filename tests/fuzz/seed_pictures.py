"""Good pictures and masks of every kind, small, the same at every run."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from seed_basics import Files


def _grey(kind: Any = np.uint8, size: tuple[int, ...] = (17, 23)) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 200, size).astype(kind)


def _pillow(array: np.ndarray, format: str, mode: str | None = None, **options: Any) -> bytes:
    from PIL import Image

    picture = Image.fromarray(array)
    if mode == "P":
        picture = Image.fromarray(array % 5)
        picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def images(folder: Path) -> Files:
    """Every format of pictures that is read."""
    grey, colour, deep = _grey(), _grey(size=(17, 23, 3)), _grey(np.uint16) * 256
    files = [
        (f"a{end}", cv2.imencode(end, colour)[1].tobytes()) for end in (".png", ".jpg", ".bmp", ".webp", ".ppm", ".tif")
    ]
    files += [
        (f"a{number}.jp2", cv2.imencode(".jp2", array)[1].tobytes())
        for number, array in enumerate((_grey(size=(64, 64, 3)), _grey(np.uint16, (64, 64))))
    ]
    files += [(f"b{end}", cv2.imencode(end, deep)[1].tobytes()) for end in (".png", ".pgm", ".tif")]
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    files += [
        ("c.jpg", _pillow(colour, "JPEG", exif=exif)),
        ("c.gif", _pillow(grey, "GIF")),
        ("c.webp", _pillow(colour, "WEBP", lossless=True)),
    ]
    files += [
        ("d.tif", _pillow(colour, "TIFF", compression=one))
        for one in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
    ]
    files += [
        ("e.png", _pillow(np.dstack([colour, grey]), "PNG")),
        ("e.pbm", b"P1\n3 2\n0 1 0 1 0 1\n"),
        ("e.ppm", b"P3 2 1 9 1 2 3 4 5 6"),
    ]
    return files


def masks(folder: Path) -> Files:
    """Palettes beside pictures of other kinds."""
    files = [
        (f"m.{end}", _pillow(_grey(), end.upper().replace("TIF", "TIFF"), "P")) for end in ("png", "gif", "bmp", "tif")
    ]
    return [
        *files,
        ("n.png", _pillow((_grey() > 99).astype(np.uint8) * 255, "PNG")),
        ("n.jpg", _pillow(_grey(), "JPEG")),
    ]


def resolutions(folder: Path) -> Files:
    """Pictures that say how large their pixels are, each in its own way."""
    import tifffile
    from PIL import Image

    grey, um = _grey(np.uint8), {"PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.5}
    ways: list[tuple[str, dict[str, Any]]] = [
        ("cm.tif", {"resolution": (20000, 20000), "resolutionunit": "CENTIMETER"}),
        ("inch.tif", {"resolution": (254, 508), "resolutionunit": "INCH"}),
        ("x.ome.tif", {"ome": True, "metadata": {"axes": "YX", **um}}),
        ("imagej.tif", {"imagej": True, "resolution": (4, 4), "metadata": {"unit": "um"}}),
        ("aperio.tif", {"description": "Aperio Image Library v10|AppMag = 40|MPP = 0.2520", "metadata": None}),
    ]  # fmt: skip
    files = []
    for name, options in ways:
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, grey, **options)
        files.append((name, buffer.getvalue()))
    for ending in ("png", "jpeg", "bmp"):
        buffer = io.BytesIO()
        Image.fromarray(grey).save(buffer, ending, dpi=(254, 508))
        files.append((f"x.{ending}", buffer.getvalue()))
    return files


def tiffs(folder: Path) -> Files:
    """TIFFs of bands, planes, tiles, signs and floats."""
    import tifffile

    bands = _grey(np.uint16, (5, 17, 23))
    ways: list[tuple[np.ndarray, dict[str, Any]]] = [
        (bands, {"planarconfig": "separate", "photometric": "minisblack"}),
        (np.moveaxis(bands, 0, -1), {"planarconfig": "contig", "photometric": "minisblack"}),
        (_grey(np.float32), {}), (_grey(np.int16), {}), (_grey(np.int8), {}), (_grey(np.uint32), {}),
        (_grey(np.uint16), {"compression": "zlib"}), (_grey(np.uint16), {"compression": "zlib", "predictor": True, "rowsperstrip": 3}),
        (_grey(np.uint16, (40, 40)), {"tile": (16, 16)}), (_grey(np.uint16), {"photometric": "miniswhite"}), (_grey(np.uint16), {"bigtiff": True}),
        (_grey(np.uint16), {"byteorder": ">"}), (_grey(np.uint16), {"extratags": [(274, 3, 1, 6, True)]}),
    ]  # fmt: skip
    files = []
    for number, (array, options) in enumerate(ways):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, array, **options)
        files.append((f"{number}.tif", buffer.getvalue()))
    return files

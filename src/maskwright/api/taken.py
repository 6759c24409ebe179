"""What Python programs hold pictures and scans in: NumPy arrays, Pillow's, nibabel's and SimpleITK's images, files.

Images of other packages are told by what they can do, so that none of these packages needs to be installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.data.preprocess import InputRule
from maskwright.data.resolution import Spacing
from maskwright.errors import MaskwrightError
from maskwright.volumes import Volume

_DTYPES = "uint8, uint16 or float32"
Steps = float | Sequence[float]


@dataclass(frozen=True)
class Taken:
    """A picture `(H, W[, C])` or a scan, and what it came as.

    Attributes:
        image: of the picture, or the scan. where: what it is, for messages. spacing: of the picture's pixels in mm.
        transposed: the scan's array counts columns, rows, slices in the program that it came from, as nibabel's does.
        original: the object itself, where results can be given back as one of its kind.
    """

    image: np.ndarray | Volume
    where: object
    spacing: Spacing | None = None
    transposed: bool = False
    original: Any = None


def take(image: Any, spacing: Steps | None, rule: InputRule) -> Taken:
    """A picture or a scan of anything that holds one.

    Args:
        image: a file's name, a NumPy array, a PIL picture, or an image of nibabel or SimpleITK.
        spacing: mm, of an array: two numbers (or one for both) of a picture, from row to row and column to column;
            three of a scan, from slice to slice, row to row and column to column. The others know it themselves.
        rule: of the model.

    Raises:
        MaskwrightError: it is of no such kind, can mean two things, or lacks what the model needs to know.
    """
    if isinstance(image, str | Path):
        return _file(Path(image), spacing, rule)
    if hasattr(image, "affine") and hasattr(image, "dataobj"):
        from maskwright.volumes.nifti import as_volume

        _unwanted(spacing, "a nibabel image")
        return Taken(as_volume(image, "the nibabel image"), "the nibabel image", transposed=True, original=image)
    if all(hasattr(image, name) for name in ("GetSpacing", "GetDirection", "GetOrigin")):
        from maskwright.volumes.itk import as_volume as of_itk

        _unwanted(spacing, "a SimpleITK image")
        return Taken(of_itk(image, "the SimpleITK image"), "the SimpleITK image", original=image)
    if hasattr(image, "getbands") and hasattr(image, "convert"):
        from maskwright.data.images import decoded

        return _picture(decoded(image), spacing, rule, "the PIL picture")
    if isinstance(image, np.ndarray):
        return _array(image, spacing, rule)
    raise MaskwrightError(
        f"is a {type(image).__name__}",
        where="predict",
        fix="Give a NumPy array, a PIL picture, an image of nibabel or SimpleITK, or a file's name.",
    )


def _file(path: Path, spacing: Steps | None, rule: InputRule) -> Taken:
    from maskwright.data.images import read_image
    from maskwright.data.resolution import spacing_for
    from maskwright.volumes.read import is_volume, read_volume

    if path.is_dir() or is_volume(path):
        _unwanted(spacing, "a scan's file")
        return Taken(read_volume(path), path)
    image = read_image(path)
    known = None if spacing is not None or rule.depth else spacing_for(path, rule)
    return _picture(image, known if spacing is None else spacing, rule, path)


def _array(array: np.ndarray, spacing: Steps | None, rule: InputRule) -> Taken:
    where = f"the array of shape {array.shape}"
    steps = 0 if spacing is None or isinstance(spacing, int | float) else len(spacing)
    if steps == 3 or rule.depth:
        return Taken(_scan(array, spacing, rule, where), where)
    array = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    colours = array.ndim == 3 and array.shape[2] in (3, rule.channels)
    if array.ndim != 2 and not colours:
        raise MaskwrightError(
            f"is no picture (H, W) or (H, W, C) of {_counts(rule)} channels",
            where=where,
            fix="Channels come last. A scan (slices, rows, columns) needs spacing=(…, …, …), mm along each of them.",
        )
    return _picture(array, spacing, rule, where)


def _counts(rule: InputRule) -> str:
    return " or ".join(map(str, sorted({1, 3} if rule.channels in (1, 3) else {rule.channels})))


def _picture(array: np.ndarray, spacing: Steps | None, rule: InputRule, where: object) -> Taken:
    if rule.depth:
        raise MaskwrightError(
            "is a picture, and the model takes volumes",
            where=where,
            fix="Give a scan: an image of nibabel or SimpleITK, or an array (slices, rows, columns) with its spacing.",
        )
    steps = None if spacing is None else _steps(spacing, 2, where)
    if steps is None and rule.pixel_unit != "px":
        raise MaskwrightError(
            f"does not say how large its pixels are, and the model sees {rule.pixel_size:g} {rule.pixel_unit} as one",
            where=where,
            fix="Give spacing=(…, …): mm from row to row, and from column to column.",
        )
    return Taken(_levels(array, where), where, steps)  # type: ignore[arg-type]


def _scan(array: np.ndarray, spacing: Steps | None, rule: InputRule, where: object) -> Volume:
    if spacing is None:
        raise MaskwrightError(
            "does not say how far its voxels are apart",
            where=where,
            fix="Give spacing=(…, …, …): mm from slice to slice, row to row and column to column.",
        )
    if array.ndim not in (3, 4):
        raise MaskwrightError(
            "is no scan", where=where, fix="A scan is (slices, rows, columns), or has channels as a fourth axis."
        )
    from maskwright.volumes.volume import Source, affine_of, check_values

    affine = affine_of(rule.orientation, _steps(spacing, 3, where))
    return Volume(check_values(_numbers(array, where), where), affine, "", Source())


def _steps(spacing: Steps, count: int, where: object) -> tuple[float, ...]:
    plain = [spacing] * count if isinstance(spacing, int | float) else list(spacing)
    steps = tuple(float(step) for step in plain)
    if len(steps) != count or not all(1e-7 <= step <= 1e3 for step in steps):
        raise MaskwrightError(
            f"spacing is {tuple(plain)}",
            where=where,
            fix=f"Give {count} numbers above 0, in mm, in the order of the array's axes.",
        )
    return steps


def _levels(array: np.ndarray, where: object) -> np.ndarray:
    """Levels of a type that files have too.

    Raises:
        MaskwrightError: what black and white would be cannot be told by the type, or values are no numbers.
    """
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise MaskwrightError(
                "holds values that are not finite (NaN or infinity)", where=where, fix="Replace them."
            )
        return np.ascontiguousarray(array, np.float32)
    if array.dtype not in (np.uint8, np.uint16):
        raise MaskwrightError(
            f"holds {array.dtype} values, of which nobody knows which are black and white",
            where=where,
            fix=f"Convert it to {_DTYPES}: array.astype(numpy.uint8) if its levels go from 0 to 255.",
        )
    return np.ascontiguousarray(array)


def _numbers(array: np.ndarray, where: object) -> np.ndarray:
    if array.dtype.kind not in "iuf":
        raise MaskwrightError(f"holds {array.dtype} values, not numbers", where=where, fix="Give grey levels.")
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def _unwanted(spacing: Steps | None, what: str) -> None:
    if spacing is not None:
        raise MaskwrightError(f"is known by {what} itself", where="spacing", fix="Leave it out.")

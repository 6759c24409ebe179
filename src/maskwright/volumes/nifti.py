"""NIfTI 1 and 2, plain or gzipped."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from maskwright.errors import MaskwrightError
from maskwright.storage import write_bytes
from maskwright.volumes.volume import Source, Volume, check_affine, check_values

SUFFIXES = (".nii", ".nii.gz")
_COPY = "Copy it again from its source."
_LEVEL = 4  # of compression
_TOLERANCE = 0.1  # mm at the corner; rounding of quaternions leaves less


def read_nifti(path: Path) -> Volume:
    """Read a NIfTI file; four dimensions become channels.

    Raises:
        MaskwrightError: no such file, damaged or cut short, without geometry, or with two that differ.
    """
    image: Any
    try:
        image = nibabel.load(path)
        array = np.asanyarray(image.dataobj)
    except FileNotFoundError:
        raise MaskwrightError("there is no such file", where=path) from None
    except (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, OverflowError, zlib.error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise MaskwrightError(f"is damaged or cut short ({reason})", where=path, fix=_COPY) from None
    if not isinstance(image, nibabel.Nifti1Image):  # NIfTI-2 is one of them too
        raise MaskwrightError("is no NIfTI file", where=path, fix="Its name ends in .nii or .nii.gz; is that right?")
    affine = _affine(image, path)
    array = array.reshape(array.shape + (1,) * (3 - array.ndim)) if array.ndim < 3 else array
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim > 4:
        raise MaskwrightError(
            f"has {array.ndim} dimensions ({array.shape})", where=path, fix="A volume has three, and channels a fourth."
        )
    if array.dtype.kind not in "iuf":
        raise MaskwrightError(f"holds {array.dtype} values, not numbers", where=path, fix="Save grey levels.")
    array = array.astype(np.float32) if array.dtype.kind == "f" else array.astype(array.dtype.newbyteorder("="))
    # First index fastest in the file: from (i, j, k) to (d, h, w) is a view, no copy.
    array = array.transpose(2, 1, 0, *range(3, array.ndim))
    order = [2, 1, 0, 3]
    return Volume(check_values(array, path), affine[:, order], "", Source("nifti", path))


def _affine(image: Any, path: Path) -> np.ndarray:
    header = image.header
    sform, qform = int(header["sform_code"]), int(header["qform_code"])
    if sform == 0 and qform == 0:
        raise MaskwrightError(
            "says nowhere in the patient it lies (sform_code and qform_code are both 0)",
            where=path,
            fix="Set one of them with the tool that wrote the file.",
        )
    try:
        affine = check_affine(header.get_sform() if sform else header.get_qform(), path)
    except (HeaderDataError, ValueError):
        raise MaskwrightError("has a qform that is no rotation", where=path, fix=_COPY) from None
    if sform and qform:
        other = np.asarray(header.get_qform(), dtype=np.float64)
        corner = np.array([*(max(size - 1, 0) for size in image.shape[:3]), 1.0])
        apart = max(np.abs((affine - other) @ np.array(end))[:3].max() for end in (corner, [0, 0, 0, 1.0]))
        if apart > _TOLERANCE:
            raise MaskwrightError(
                f"lies in two places: its sform and its qform differ by {apart:.1f} mm",
                where=path,
                fix="Remove the wrong one, setting its sform_code or qform_code to 0.",
            )
    try:
        scale = {"mm": 1.0, "unknown": 1.0, "meter": 1000.0, "micron": 0.001}[header.get_xyzt_units()[0]]
    except KeyError:
        raise MaskwrightError(
            f"has a unit of length that does not exist (xyzt_units {int(header['xyzt_units'])})", where=path, fix=_COPY
        ) from None
    affine = affine.copy()
    affine[:3] *= scale
    return affine


def nifti_bytes(volume: Volume, *, packed: bool) -> bytes:
    """A volume as a NIfTI-1 file, gzipped or not; the same volume gives the same bytes."""
    array = volume.array.transpose(2, 1, 0, *range(3, volume.array.ndim))
    image = nibabel.Nifti1Image(np.ascontiguousarray(array), volume.affine[:, [2, 1, 0, 3]])
    image.header.set_xyzt_units("mm")
    image.set_sform(image.affine, code=1)
    # The quaternion cannot hold shear; it then says nothing rather than something else.
    rotation = image.affine[:3, :3] / np.linalg.norm(image.affine[:3, :3], axis=0)
    straight = np.allclose(rotation.T @ rotation, np.eye(3), atol=1e-5)
    image.set_qform(image.affine if straight else None, code=1 if straight else 0)
    data = image.to_bytes()
    return gzip.compress(data, _LEVEL, mtime=0) if packed else data


def write_nifti(volume: Volume, path: Path) -> None:
    """Write a volume as NIfTI-1, whole or not at all; `.gz` is compressed."""
    write_bytes(path, nifti_bytes(volume, packed=path.name.endswith(".gz")))

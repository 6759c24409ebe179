"""NIfTI 1 and 2, in one file or two, plain or gzipped; and FreeSurfer's MGH."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.wrapstruct import WrapStructError

from maskwright.errors import MaskwrightError
from maskwright.storage import write_bytes
from maskwright.untrusted.archives import holds, unpacked
from maskwright.untrusted.decode import ARRAY, COPY, decoding, too_large
from maskwright.volumes.volume import Source, Volume, check_affine, check_values

SUFFIXES = (".nii", ".nii.gz", ".hdr", ".mgz", ".mgh")
_GZIP = b"\x1f\x8b"
_OTHERS = {
    _GZIP: "a gzip archive, cut short or of something else", b"PK": "a zip archive", b"\x89PNG": "a PNG picture",
    b"\xff\xd8": "a JPEG picture", b"NRRD": "an NRRD file", b"<": "a web page",
}  # fmt: skip
_NIFTI_1, _NIFTI_2 = 348, 540  # bytes of the header, as its first four say
_LEVEL = 4  # of compression
_RATIO, _SMALL = 64, 1 << 26  # how much more a packed file may claim without being looked through, and bytes
_TOLERANCE = 0.1  # mm at the corner; rounding of quaternions leaves less


def read_nifti(path: Path) -> Volume:
    """Read a NIfTI file; four dimensions become channels.

    Raises:
        MaskwrightError: no such file, damaged or cut short, without geometry, or with two that differ.
    """
    path = _inside(path)
    image: Any
    with decoding(path):
        try:
            image = _opened(path)
            _require_room(image, path)
            array = np.asanyarray(image.dataobj)
        except (ImageFileError, WrapStructError):
            if not path.stat().st_size:
                raise MaskwrightError("is damaged or cut short: it is empty", where=path, fix=COPY) from None
            raise MaskwrightError(f"is no NIfTI file: {_beginning(path)}", where=path, fix=COPY) from None
    return _volume(image, array, path, Source("nifti", path))


def as_volume(image: Any, where: object) -> Volume:
    """An image of nibabel in memory, by the same rules as a file.

    Raises:
        MaskwrightError: without geometry, with two that differ, or of no numbers.
    """
    return _volume(image, np.asanyarray(image.dataobj), where, Source())


def _volume(image: Any, array: np.ndarray, path: object, source: Source) -> Volume:
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
    return Volume(check_values(array, path), affine[:, order], "", source)


def _inside(path: Path) -> Path:
    """The file in a folder that has a scan's name, as some archives are unpacked.

    Raises:
        MaskwrightError: the folder holds none, or several.
    """
    if not path.is_dir():
        return path
    inner = [one for one in sorted(path.iterdir()) if one.name.lower().endswith(SUFFIXES) and one.is_file()]
    if len(inner) != 1:
        raise MaskwrightError(
            f"is a folder with the name of a file, and holds {len(inner)} NIfTI files",
            where=path,
            fix="Name the file.",
        )
    return inner[0]


def _opened(path: Path) -> Any:
    """The image of a file, packed or not, whatever its name says."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    if path.name.lower().endswith((".hdr", ".img", ".mgz", ".mgh")) or packed == path.name.lower().endswith(".gz"):
        return nibabel.load(path)
    data = unpacked(path) if packed else path.read_bytes()
    sizes = {int.from_bytes(data[:4], order) for order in ("little", "big")}
    if not sizes & {_NIFTI_1, _NIFTI_2}:
        raise ImageFileError(str(path))
    return (nibabel.Nifti2Image if _NIFTI_2 in sizes else nibabel.Nifti1Image).from_bytes(data)


def _require_room(image: Any, path: Path) -> None:
    """Refuse an image whose header claims more than there is, before as much is allocated.

    Raises:
        MaskwrightError: more than is read, or than the file can hold.
    """
    claimed = math.prod(map(float, image.shape)) * image.get_data_dtype().itemsize
    if claimed > ARRAY or min(image.shape, default=0) < 0:
        raise too_large(path, claimed, ARRAY)
    name = image.file_map["image"].filename
    file = Path(name) if name else path
    with file.open("rb") as opened:
        packed = opened.read(2) == _GZIP
    size = file.stat().st_size
    # Packed label maps may be a hundredth of what is in them; what claims more is counted, which is quick for zeros.
    if claimed > (_RATIO * size + _SMALL if packed else size) and (not packed or not holds(file, claimed)):
        raise MaskwrightError("is damaged or cut short", where=path, fix=COPY)


def _beginning(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(8)
    kind = next((kind for begin, kind in _OTHERS.items() if start.startswith(begin)), f"none ({start!r})")
    return f"it begins like {kind}"


def _affine(image: Any, path: object) -> np.ndarray:
    if isinstance(image, nibabel.MGHImage):
        return check_affine(image.affine, path)
    if not isinstance(image, nibabel.Nifti1Pair):  # NIfTI-2 is one of them too
        what = "is in the Analyze format, which does not say what is left and right"
        raise MaskwrightError(what, where=path, fix="Convert it to NIfTI.")
    header = image.header
    sform, qform = int(header["sform_code"]), int(header["qform_code"])
    if sform == 0 and qform == 0:
        raise MaskwrightError(
            "says nowhere in the patient it lies (sform_code and qform_code are both 0)",
            where=path,
            fix="Set one of them with the tool that wrote the file.",
        )
    with decoding(path, "has a qform that is no rotation"):
        other = np.asarray(header.get_qform(), dtype=np.float64) if qform else None
    affine = check_affine(header.get_sform() if sform or other is None else other, path)
    if sform and other is not None:
        edges = (*image.shape, 1, 1, 1)[:3]
        corner = np.array([*(max(size - 1, 0) for size in edges), 1.0])
        apart = max(np.abs((affine - other) @ np.array(end))[:3].max() for end in (corner, [0, 0, 0, 1.0]))
        if not apart <= _TOLERANCE:  # NaN too
            raise MaskwrightError(
                f"lies in two places: its sform and its qform differ by {apart:.1f} mm",
                where=path,
                fix="Remove the wrong one, setting its sform_code or qform_code to 0.",
            )
    try:
        scale = {"mm": 1.0, "unknown": 1.0, "meter": 1000.0, "micron": 0.001}[header.get_xyzt_units()[0]]
    except KeyError:
        raise MaskwrightError(
            f"has a unit of length that does not exist (xyzt_units {int(header['xyzt_units'])})", where=path, fix=COPY
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

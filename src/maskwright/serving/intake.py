"""From the bytes of a request to a picture or a scan, within limits; what it is, its first bytes say, not its name."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from maskwright.data.images import read_header, read_image
from maskwright.data.model_space import model_grid
from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.serving.limits import Limits, Refused, too_large
from maskwright.untrusted.archives import beginning, open_zip
from maskwright.volumes import Volume
from maskwright.volumes.orient import reorient
from maskwright.volumes.read import read_volume, require

PICTURE, NIFTI, DICOM = "picture", "nifti", "dicom"
HEAD = 512  # bytes that tell what a file is
_DEFLATED = b"1.2.840.10008.1.2.1.99"  # DICOM packed as a whole: how much is in it cannot be told beforehand
_PIECE = 1 << 20
_BEHIND = 1 << 20  # bytes that may follow the last voxel
_AGAIN = "Copy it again from its source."
_PLAIN = "Make it again, without a password."
_KINDS = "a picture (PNG, JPEG, BMP, TIFF), a NIfTI file (.nii, .nii.gz) or a zip archive of a DICOM series"


@dataclass(frozen=True)
class Upload:
    """A body that was received: its kind, and the file that it is kept in, named by us."""

    kind: str
    path: Path

    @property
    def is_scan(self) -> bool:
        """Whether it is a scan rather than a picture."""
        return self.kind != PICTURE


def kind_of(head: bytes) -> tuple[str, str]:
    """Kind and file ending of a body by its first `HEAD` bytes.

    Raises:
        Refused: 400 for nothing at all, 415 for anything that is not taken.
    """
    if not head:
        raise Refused(400, "the body is empty", f"Send {_KINDS} as the body: curl --data-binary @FILE.")
    if head.startswith(b"\x1f\x8b"):
        return NIFTI, ".nii.gz"
    if _is_nifti(head):
        return NIFTI, ".nii"
    if head.startswith(b"PK\x03\x04"):
        return DICOM, ".zip"
    if head[128:132] == b"DICM":
        return DICOM, ".dcm"
    for ending, signs in _PICTURES.items():
        if head.startswith(signs):
            return PICTURE, ending
    raise Refused(415, "the body is of no kind that is taken", f"Send {_KINDS}, as the body or in a form.")


_PICTURES = {
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".bmp": (b"BM",),
    ".tif": (b"II*\0", b"MM\0*"),
}


def _is_nifti(head: bytes) -> bool:
    """By the size of the header, in either order of bytes, and its magic word."""
    one = int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big")
    return len(head) > 347 and ((348 in one and head[344:347] == b"n+1") or (540 in one and head[4:7] == b"n+2"))


def read_picture(upload: Upload, limits: Limits, channels: int) -> np.ndarray:
    """Decode a picture.

    Args:
        channels: of the network's output, which are kept at the picture's size.

    Raises:
        Refused: 413 over a limit, 422 damaged or too small.
    """
    try:
        header = read_header(upload.path)
        _check_edges(header.height, header.width, limits)
        most = min(limits.pixels, (1 << 28) // channels)
        if header.height * header.width > most:
            raise too_large(f"{header.width} x {header.height} pixels", f"{most:,} pixels")
        return read_image(upload.path)
    except MaskwrightError as error:
        raise Refused.because(error, upload.path) from None


def read_scan(upload: Upload, limits: Limits, rule: InputRule, series: str | None = None) -> Volume:
    """Read a scan.

    Args:
        rule: of the network; what it would be resampled to counts as well. series: of an archive that holds several.

    Raises:
        Refused: 413 over a limit, 422 damaged or without geometry.
    """
    try:
        scan = (_nifti if upload.kind == NIFTI else _dicom)(upload.path, limits, series)
        seen = model_grid(reorient(scan, rule.orientation).grid, rule).shape if rule.depth else scan.grid.shape
        if np.prod(seen, dtype=np.float64) > limits.voxels:
            raise too_large(
                f"a scan of {' x '.join(map(str, seen))} voxels as the network sees it", f"{limits.voxels:,}"
            )
        return scan
    except MaskwrightError as error:
        raise Refused.because(error, upload.path) from None


def _check_edges(height: int, width: int, limits: Limits) -> None:
    if max(height, width) > limits.edge:
        raise too_large(f"an edge of {max(height, width)} px", f"{limits.edge} px")
    if min(height, width) < limits.smallest_edge:
        raise Refused(422, f"is {width} x {height} px", f"Edges have at least {limits.smallest_edge} px.")


def _check_scan(height: int, width: int, slices: int, limits: Limits) -> None:
    _check_edges(height, width, limits)
    if slices > limits.slices:
        raise too_large(f"{slices} slices", f"{limits.slices} slices")
    if height * width * slices > limits.voxels:
        raise too_large(f"{width} x {height} x {slices} voxels", f"{limits.voxels:,} voxels")


def _nifti(path: Path, limits: Limits, series: str | None) -> Volume:
    if path.suffix == ".gz":
        path = _unpacked(path, limits)
    else:
        with path.open("rb") as file:
            _check_length(file.read(HEAD), path.stat().st_size)
    try:
        shape = nibabel.load(path).shape
    except (ImageFileError, HeaderDataError, OSError, ValueError, OverflowError, struct.error):
        raise Refused(422, "is no NIfTI file, or a damaged one", _AGAIN) from None
    planes = sorted(int(size) for size in shape[:3])
    if len(planes) < 3 or min(planes) < 1:
        raise Refused(422, f"has the size {shape}", "A scan has three dimensions.")
    _check_scan(planes[1], planes[2], planes[0] * int(np.prod(shape[3:], dtype=np.float64)), limits)
    return read_volume(path)


def _check_length(head: bytes, length: int) -> None:
    """Refuse what is no NIfTI file, and one that goes on far behind what its header describes."""
    kind = nibabel.Nifti2Header if head[4:7] == b"n+2" else nibabel.Nifti1Header
    try:
        if not _is_nifti(head):
            raise ValueError
        header = kind.from_fileobj(io.BytesIO(head), check=False)
        voxels = np.prod([float(size) for size in header.get_data_shape()])
        described = float(header["vox_offset"]) + voxels * header.get_data_dtype().itemsize
    except (ValueError, TypeError, KeyError, OverflowError, struct.error, HeaderDataError):
        raise Refused(422, "is no NIfTI file, or a damaged one", _AGAIN) from None
    if not length <= described + _BEHIND:
        raise Refused(422, "is longer than its header says", _AGAIN)


def _unpacked(path: Path, limits: Limits) -> Path:
    """A gzipped file beside itself, unpacked piece by piece so that a bomb is noticed while it is small."""
    target, total, head = path.with_suffix(""), 0, b""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        with path.open("rb") as packed, target.open("wb") as file:
            while (piece := packed.read(_PIECE)) and not unpacker.eof:
                while piece and not unpacker.eof:
                    data = unpacker.decompress(piece, _PIECE)
                    total += len(data)
                    head = head + data if len(head) < HEAD else head
                    if total > limits.unpacked_bytes:
                        raise too_large("what is packed in it", f"{limits.unpacked_megabytes:g} MB unpacked")
                    if len(head) >= HEAD:
                        _check_length(head[:HEAD], total)
                    file.write(data)
                    piece = unpacker.unconsumed_tail
    except zlib.error:
        raise Refused(422, "is no gzip file, or a damaged one", _AGAIN) from None
    if not unpacker.eof:
        raise Refused(422, "is cut short", _AGAIN)
    if len(head) < HEAD:
        raise Refused(422, "is no NIfTI file, or a damaged one", _AGAIN)
    return target


def _dicom(path: Path, limits: Limits, series: str | None) -> Volume:
    require("pydicom", path)
    from maskwright.volumes.dicom import read_series
    from maskwright.volumes.dicom_files import choose, find_series

    if path.suffix == ".zip":
        _check_archive(path, limits)
    elif _DEFLATED in path.read_bytes()[:2048]:
        raise _deflated()
    chosen = choose(find_series(path), path, series)
    headers = [header for _, header in chosen.files]
    counts = [int(header.get("NumberOfFrames", 1) or 1) for header in headers]
    height, width = (max(int(header.get(key, 0) or 0) for header in headers) for key in ("Rows", "Columns"))
    _check_scan(height, width, sum(counts), limits)
    return read_series(chosen, path)


def _check_archive(path: Path, limits: Limits) -> None:
    """Refuse an archive by what it declares, before anything in it is unpacked. No name in it is ever used."""
    what = "is no zip archive, or a damaged one"
    with open_zip(path, what, _PLAIN) as archive:
        entries = archive.infolist()
        if len(entries) > 2 * limits.slices:
            raise too_large(f"an archive of {len(entries)} files", f"{limits.slices} slices")
        if (total := sum(entry.file_size for entry in entries)) > limits.unpacked_bytes:
            raise too_large(f"an archive of {total / 1e6:.0f} MB unpacked", f"{limits.unpacked_megabytes:g} MB")
        for entry in entries:
            if _DEFLATED in beginning(archive, entry, 2048, path, what=what, fix=_PLAIN):
                raise _deflated()


def _deflated() -> Refused:
    return Refused(422, "holds DICOM that is packed as a whole (deflated)", "Export it with another compression.")

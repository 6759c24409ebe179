"""Good scans and label maps of every kind, small, the same at every run."""

from __future__ import annotations

import functools
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from seed_basics import Files, zipped
from seed_pictures import _grey


@functools.cache
def slices() -> tuple[tuple[str, bytes], ...]:
    """Three slices of a series."""
    from scans import write_series

    with tempfile.TemporaryDirectory() as place:
        paths = write_series(
            Path(place), _grey(np.int16, (4, 12, 10)), names=[f"good{i}.dcm" for i in range(3)] + ["slice.dcm"]
        )
        return tuple((path.name, path.read_bytes()) for path in paths[:3])


def dicom(folder: Path) -> Files:
    """A fourth slice in several compressions, and a file of several frames."""
    from scans import write_series

    files = []
    for place, syntax in enumerate(("2.1", "2.5", "2.4.80", "2.4.90", "2.4.70")):
        names = ["0.dcm", "1.dcm", "2.dcm", f"slice{place}.dcm"]
        path = write_series(
            folder / str(place), _grey(np.int16, (4, 12, 10)), syntax=f"1.2.840.10008.1.{syntax}", names=names
        )[3]
        files.append((path.name, path.read_bytes()))
    return [*files, ("alone.dcm", _enhanced())]


def _enhanced() -> bytes:
    """An image of three frames, each with its place."""
    import pydicom
    from pydicom.dataset import Dataset

    one = pydicom.dcmread(io.BytesIO(slices()[0][1]))
    groups = []
    for frame in range(3):
        group, place, way, pixel, value = (Dataset() for _ in range(5))
        place.ImagePositionPatient = [0, 0, 2.5 * frame]
        way.ImageOrientationPatient, pixel.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.8, 0.9]
        value.RescaleSlope, value.RescaleIntercept = "1", "-1024"
        group.PlanePositionSequence, group.PlaneOrientationSequence = [place], [way]
        group.PixelMeasuresSequence, group.PixelValueTransformationSequence = [pixel], [value]
        groups.append(group)
    one.PerFrameFunctionalGroupsSequence, one.NumberOfFrames, one.PixelData = groups, 3, one.PixelData * 3
    buffer = io.BytesIO()
    one.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def dicom_seg(folder: Path) -> Files:
    """A segmentation of two segments."""
    from scans import write_series

    from maskwright.volumes.dicom import read_dicom
    from maskwright.volumes.dicom_seg import segmentation

    write_series(folder / "scan", np.zeros((4, 9, 8)))
    scan = read_dicom(folder / "scan")
    label = np.zeros((4, 9, 8), np.uint8)
    label[1:3, 1:4, 1:4], label[2, 5:8, 2:6] = 1, 2
    segmentation(scan.with_array(label), scan, folder, {1: "liver", 2: "spleen"}).save_as(folder / "seg.dcm")
    return [("seg.dcm", (folder / "seg.dcm").read_bytes())]


def _volume(kind: Any = np.int16) -> Any:
    from scans import SERIES_AFFINE, volume

    return volume((4, 5, 6), SERIES_AFFINE, kind=kind)


def nifti(folder: Path) -> Files:
    """NIfTI 1 and 2, packed and not, and MGH."""
    import nibabel

    from maskwright.volumes.nifti import nifti_bytes

    files = [
        ("a.nii", nifti_bytes(_volume(), packed=False)),
        ("b.nii.gz", nifti_bytes(_volume(np.float32), packed=True)),
    ]
    array, affine = np.zeros((4, 5, 6), np.float32), np.diag([1.0, 2, 3, 1])
    for name, image in (
        ("c.nii", nibabel.Nifti2Image(array, affine)), ("d.nii", nibabel.Nifti1Image(np.zeros((4, 5, 6, 2), np.uint8), affine)),
        ("e.mgh", nibabel.MGHImage(array, affine)), ("f.mgz", nibabel.MGHImage(array, affine)),
    ):  # fmt: skip
        folder.mkdir(exist_ok=True)
        nibabel.save(image, folder / name)
        files.append((name, (folder / name).read_bytes()))
    return files


@functools.cache
def _pair_files() -> dict[str, bytes]:
    import nibabel

    with tempfile.TemporaryDirectory() as place:
        nibabel.save(
            nibabel.Nifti1Pair(np.zeros((4, 5, 6), np.int16), np.diag([1.0, 2, 3, 1])), Path(place) / "scan.hdr"
        )
        return {end: (Path(place) / f"scan.{end}").read_bytes() for end in ("hdr", "img")}


def nifti_pair(folder: Path) -> Files:
    """The header of a pair."""
    return [("scan.hdr", _pair_files()["hdr"])]


def voxels() -> bytes:
    """The other half of it."""
    return _pair_files()["img"]


def itk(folder: Path) -> Files:
    """NRRD and MetaImage, packed and not."""
    import SimpleITK as sitk

    folder.mkdir(exist_ok=True)
    image = sitk.GetImageFromArray(_grey(np.int16, (4, 5, 6)))
    image.SetSpacing((0.5, 0.6, 2.0))
    files = []
    for name, packed in (("a.nrrd", False), ("b.nrrd", True), ("c.mha", False), ("d.mha", True)):
        sitk.WriteImage(image, str(folder / name), packed)
        files.append((name, (folder / name).read_bytes()))
    return files


def scan_zip(folder: Path) -> Files:
    """A series in an archive."""
    return [("scan.zip", zipped(dict(slices())))]

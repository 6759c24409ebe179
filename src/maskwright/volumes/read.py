"""One door for every kind of scan and label map."""

from __future__ import annotations

import importlib.util
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.volumes import itk, nifti
from maskwright.volumes.orient import reorient
from maskwright.volumes.volume import Volume

SUFFIXES = (*nifti.SUFFIXES, *itk.SUFFIXES, ".dcm", ".zip")
_OME = (".ome.tif", ".ome.tiff")


def is_volume(path: Path) -> bool:
    """Whether a file's name is that of a scan rather than of a picture."""
    return path.name.lower().endswith(SUFFIXES)


def stem(path: Path) -> str:
    """A file's name without its ending, `.nii.gz` and `.ome.tif` as one; a folder's name as it is.

    Letters with marks are one each (Unicode's NFC), whichever way the file system writes them.
    """
    name = unicodedata.normalize("NFC", path.name)
    if path.is_dir():
        return name
    for suffix in (*SUFFIXES, *_OME):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return Path(name).stem


def read_volume(path: Path, series: str | None = None, *, resample_slices: bool = False) -> Volume:
    """Read a scan: NIfTI, NRRD, MHA, or a DICOM series in a folder, a zip archive or a file.

    Args:
        series: which series of a DICOM folder, where it holds several.
        resample_slices: bring DICOM slices at uneven distances to even ones, which are interpolated.

    Raises:
        MaskwrightError: it is missing, damaged, or does not say where it lies.
    """
    path = Path(path)
    if not path.exists():
        raise MaskwrightError("there is no such file or folder", where=path)
    name = path.name.lower()
    if name.endswith(nifti.SUFFIXES):
        return nifti.read_nifti(path)
    if path.suffix.lower() in itk.SUFFIXES:
        require("SimpleITK", path)
        return itk.read_itk(path)
    require("pydicom", path)
    from maskwright.volumes.dicom import read_dicom

    return read_dicom(path, series, resample_slices=resample_slices)


def read_labels(path: Path, scan: Volume | None = None) -> Volume:
    """Read a label map, whole numbers from 0 to 65535; where there is a scan, in the scan's own order of voxels.

    Raises:
        MaskwrightError: values that are no labels, or a map that does not lie on its scan.
    """
    path = Path(path)
    segmentation = segmentation_in(path)
    volume = read_volume(path) if segmentation is None else _read_segmentation(segmentation, scan)
    array = volume.array
    if array.ndim != 3:
        raise MaskwrightError(
            f"holds {array.shape[3]} layers (or channels), and a label map has one number a voxel",
            where=path,
            fix='Export it as one label map ("labelmap" in 3D Slicer); of one-hot layers take the number of the layer.',
        )
    if array.min() < 0 or array.max() > 65535 or (array != np.rint(array)).any():
        low, high = float(array.min()), float(array.max())
        raise MaskwrightError(
            f"is no label map: its values go from {low:g} to {high:g}",
            where=path,
            fix="A label map holds a whole number for each voxel, 0 where there is nothing.",
        )
    labels = volume.with_array(array.astype(np.uint8 if array.max() < 256 else np.uint16))
    return labels if scan is None else on_scan(labels, scan)


def on_scan(labels: Volume, scan: Volume, tolerance: float = 0.05) -> Volume:
    """A label map in the order of its scan's voxels: flipped and swapped where its axes run otherwise.

    Args:
        tolerance: how far, in voxels, a corner may lie from the scan's.

    Raises:
        MaskwrightError: it does not lie on the scan.
    """
    turned = _embedded(reorient(labels, scan.grid.orientation), scan, tolerance)
    if turned.grid.shape == scan.grid.shape:
        apart = turned.grid.distance(scan.grid)
        if apart <= tolerance * min(scan.grid.spacing):
            return replace(turned, affine=scan.affine)
        where = f"its corner lies {apart:.2f} mm away"
    else:
        where = f"it has {turned.grid.shape} voxels, the scan {scan.grid.shape}"
    raise MaskwrightError(
        f"does not lie on its scan {scan.name}: {where} (affines {_short(turned)} and {_short(scan)})",
        where=labels.name,
        fix="Use the label map that was made for this scan; resampling would invent borders.",
    )


def _embedded(labels: Volume, scan: Volume, tolerance: float) -> Volume:
    """A label map of a part of the scan, with nothing around it; any other as it is."""
    here, there = labels.grid, scan.grid
    if here.shape == there.shape or np.abs(here.affine[:3, :3] - there.affine[:3, :3]).max() > 1e-3:
        return labels
    offset = np.linalg.solve(there.affine[:3, :3], here.affine[:3, 3] - there.affine[:3, 3])
    first = np.rint(offset).astype(int)
    last = first + here.shape
    if np.abs(offset - first).max() > tolerance or (first < 0).any() or (last > there.shape).any():
        return labels
    whole = np.zeros(there.shape, labels.array.dtype)
    whole[tuple(slice(a, b) for a, b in zip(first, last, strict=True))] = labels.array
    return replace(labels, array=whole, affine=there.affine)


def _short(volume: Volume) -> str:
    spacing = " x ".join(f"{value:.3g}" for value in volume.grid.spacing)
    origin = ", ".join(f"{value:.1f}" for value in volume.affine[:3, 3])
    return f"{volume.grid.orientation}, {spacing} mm from ({origin})"


def segmentation_in(path: Path) -> Path | None:
    """The DICOM segmentation that a file is or a folder holds alone, whatever it is called; None for anything else.

    Raises:
        MaskwrightError: a folder of several.
    """
    if not path.exists() or (path.is_file() and is_volume(path) and path.suffix.lower() != ".dcm"):
        return None
    from maskwright.volumes.dicom_files import modalities

    if path.is_dir() and path.name.lower().endswith(nifti.SUFFIXES):
        return None
    if importlib.util.find_spec("pydicom") is None:
        return None
    found = modalities(path)
    several = [file for file, modality in found if modality == "SEG"]
    if not several or len(several) < len(found):
        return None
    if len(several) > 1:
        names = ", ".join(file.name for file in several[:5])
        raise MaskwrightError(f"holds {len(several)} segmentations: {names}", where=path, fix="Name one of them.")
    return several[0]


def _read_segmentation(path: Path, scan: Volume | None) -> Volume:
    if scan is not None and scan.source.details.get("resampled"):
        raise MaskwrightError(
            f"marks the slices that were taken, and {scan.name} is read with others between them",
            where=path,
            fix="Segment the resampled scan itself (predict --resample-slices), or take a series of even distances.",
        )
    require("highdicom", path)
    from maskwright.volumes.dicom_seg_read import read_segmentation

    return read_segmentation(path, scan)


def require(package: str, path: Path) -> None:
    """Refuse what needs a package that is not installed.

    Raises:
        MaskwrightError: naming it.
    """
    if importlib.util.find_spec(package) is None:
        raise MaskwrightError(
            f"needs the package {package}, which is not installed", where=path, fix='pip install "maskwright[scans]"'
        )

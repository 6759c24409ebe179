"""Writing DICOM segmentations: a mask that a PACS stores beside its scan (PS3.3 A.51)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.storage import write_bytes
from maskwright.untrusted.decode import decoding
from maskwright.volumes.codes import Code, structure
from maskwright.volumes.volume import Volume


def write_segmentation(labels: Volume, scan: Volume, path: Path, names: Mapping[int, str] | None = None) -> None:
    """Write a label map as a binary DICOM segmentation, whole or not at all; see `segmentation`."""
    write_bytes(path, segmentation_bytes(labels, scan, path, names))


def segmentation_bytes(labels: Volume, scan: Volume, where: Path, names: Mapping[int, str] | None = None) -> bytes:
    """A label map as the file of a DICOM segmentation; see `segmentation`."""
    buffer, made = io.BytesIO(), segmentation(labels, scan, where, names)
    with referring_to(scan):
        made.save_as(buffer)
    return buffer.getvalue()


def segmentation(labels: Volume, scan: Volume, where: Path, names: Mapping[int, str] | None = None) -> Any:
    """A label map as a binary DICOM segmentation that refers to the scan's instances.

    Args:
        labels: on the scan's voxels. scan: read from DICOM. where: for messages. names: of the labels, which choose
            the codes.

    Raises:
        MaskwrightError: the scan is no DICOM series, the label map has other voxels, it is empty, or the series cannot
            be referred to.
    """
    instances = [_with_thickness(header, scan) for header in require_instances(labels, scan, where)]
    if not labels.array.any():
        raise MaskwrightError(
            "would be empty, and DICOM has no segmentation without a segment", where=where, fix="Write NIfTI instead."
        )
    with referring_to(scan):
        return _segmentation(labels, instances, names or {})


@contextmanager
def referring_to(scan: Volume) -> Iterator[None]:
    """While a file is made that repeats what the scan's headers say of patient, study and series.

    Raises:
        MaskwrightError: they lack some of it, or say what DICOM does not allow.
    """
    what = "cannot be referred to: its headers lack what says whose and what it is, or hold what DICOM does not allow"
    with decoding(scan.name, what, "Write NIfTI instead, or export the series again."):
        yield


def _segmentation(labels: Volume, instances: list[Any], names: Mapping[int, str]) -> Any:
    import highdicom
    from highdicom.seg import Segmentation, SegmentDescription

    from maskwright import __version__

    numbers = [int(number) for number in np.unique(labels.array) if number]
    segments = []
    for place, number in enumerate(numbers, start=1):
        name = names.get(number, f"label {number}")
        category, kind = structure(name)
        segment = SegmentDescription(
            segment_number=place,
            segment_label=name[:64],
            segmented_property_category=_code(category),
            segmented_property_type=_code(kind),
            algorithm_type="AUTOMATIC",
            algorithm_identification=highdicom.AlgorithmIdentificationSequence(
                name="Maskwright", version=__version__, family=_code(Code("123109", "DCM", "Artificial Intelligence"))
            ),
        )
        segment.SegmentDescription = f"label {number}"
        segments.append(segment)
    places = np.searchsorted(numbers, labels.array)
    array = np.where(labels.array > 0, places + 1, 0).astype(np.uint8 if len(numbers) < 256 else np.uint16)
    return Segmentation(
        source_images=instances,
        pixel_array=array,
        segmentation_type="BINARY",
        segment_descriptions=segments,
        series_instance_uid=highdicom.UID(),
        series_number=9000,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="Maskwright",
        manufacturer_model_name="Maskwright",
        software_versions=__version__,
        device_serial_number="0",
        series_description="Segmentation by Maskwright",
        omit_empty_frames=False,  # so that the extent of the scan can be read from the segmentation alone
    )


def require_instances(labels: Volume, scan: Volume, path: Path) -> list[Any]:
    """The headers of the scan's slices, in the order of its voxels.

    Raises:
        MaskwrightError: the scan is no DICOM series, or the label map has other voxels.
    """
    instances = scan.source.details.get("instances")
    if scan.source.kind != "dicom" or not instances:
        raise MaskwrightError(
            f"refers to a DICOM series, and the scan {scan.name} is none",
            where=path,
            fix="Predict from the DICOM series itself, or write NIfTI.",
        )
    if not labels.grid.same_as(scan.grid):
        raise MaskwrightError("would not lie on its scan", where=path, fix="Bring the label map to the scan's voxels.")
    multi = len({id(header) for header in instances}) == 1 and len(instances) > 1
    return instances[:1] if multi else instances


def _with_thickness(header: Any, scan: Volume) -> Any:
    """A header with the thickness that a segmentation must state; the distance of the slices where none is noted."""
    if header.get("SliceThickness") or "PerFrameFunctionalGroupsSequence" in header:
        return header
    header = copy(header)
    header.SliceThickness = f"{scan.grid.spacing[0]:.6g}"
    return header


def _code(code: Code) -> Any:
    from highdicom.sr.coding import CodedConcept

    return CodedConcept(code.value, code.scheme, code.meaning)

"""DICOM segmentations: a mask that a PACS stores beside its scan (PS3.3 A.51)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.storage import atomic
from maskwright.volumes.codes import Code, structure
from maskwright.volumes.orient import reorient
from maskwright.volumes.volume import Source, Volume, check_affine

_NUMBER = re.compile(r"label (\d+)")  # in a segment's description: its number in the label map

_OPPOSITE = dict(zip("LRPAIS", "RLAPSI", strict=True))


def write_segmentation(labels: Volume, scan: Volume, path: Path, names: Mapping[int, str] | None = None) -> None:
    """Write a label map as a binary DICOM segmentation, whole or not at all; see `segmentation`."""
    made = segmentation(labels, scan, path, names)
    with atomic(path) as temporary:
        made.save_as(temporary)


def segmentation(labels: Volume, scan: Volume, where: Path, names: Mapping[int, str] | None = None) -> Any:
    """A label map as a binary DICOM segmentation that refers to the scan's instances.

    Args:
        labels: on the scan's voxels. scan: read from DICOM. where: for messages. names: of the labels, which choose
            the codes.

    Raises:
        MaskwrightError: the scan is no DICOM series, the label map has other voxels, or it is empty.
    """
    import highdicom
    from highdicom.seg import Segmentation, SegmentDescription

    from maskwright import __version__

    instances = [_with_thickness(header, scan) for header in require_instances(labels, scan, where)]
    numbers = [int(number) for number in np.unique(labels.array) if number]
    if not numbers:
        raise MaskwrightError(
            "would be empty, and DICOM has no segmentation without a segment", where=where, fix="Write NIfTI instead."
        )
    segments = []
    for place, number in enumerate(numbers, start=1):
        name = (names or {}).get(number, f"label {number}")
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


def read_segmentation(path: Path) -> Volume:
    """Read a DICOM segmentation as a label map; `source.details["names"]` has the names of its labels.

    Labels have the numbers that Maskwright wrote, else those of the segments.

    Raises:
        MaskwrightError: damaged, without geometry, or with segments that overlap.
    """
    import highdicom

    try:
        found = highdicom.seg.segread(path)
        volume = found.get_volume(combine_segments=True, allow_missing_positions=True, dtype=np.uint16)
    except (ValueError, RuntimeError, AttributeError, KeyError, TypeError, OSError) as error:
        reason = " ".join(str(error).split())
        overlap = "overlap" in reason.lower()
        raise MaskwrightError(
            "has segments that overlap" if overlap else f"cannot be read as a segmentation ({reason})",
            where=path,
            fix="A label map holds one label a voxel." if overlap else "Copy it again from its source.",
        ) from None
    array = np.asarray(volume.array)
    table = np.zeros(int(max(found.segment_numbers)) + 1, np.uint16)
    names = {}
    for number in found.segment_numbers:
        segment = found.get_segment_description(number)
        noted = _NUMBER.fullmatch(str(segment.get("SegmentDescription", "")))
        table[number] = int(noted[1]) if noted else number
        names[int(table[number])] = str(segment.segment_label)
    affine = np.array(volume.affine, dtype=np.float64)
    affine[:2] *= -1  # from DICOM's left and back to right and front
    read = Volume(table[array], check_affine(affine, path), "SEG", Source("dicom-seg", path, {"names": names}))
    through, rows, columns = read.affine[:3, :3].T
    if np.cross(columns, rows) @ through < 0:  # a series of slices is read the other way round
        letters = read.grid.orientation
        read = reorient(read, _OPPOSITE[letters[0]] + letters[1:])
    return read


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

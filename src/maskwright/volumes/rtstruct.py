"""RT structure sets: outlines in the slices of a DICOM series (PS3.3 A.19), for planning and for viewers."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.storage import write_bytes
from maskwright.volumes.dicom_seg import referring_to, require_instances
from maskwright.volumes.volume import Volume

_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
_COLOURS = [(230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167)]
_FEWEST = 3  # points of an outline


def write_structures(labels: Volume, scan: Volume, path: Path, names: Mapping[int, str] | None = None) -> None:
    """Write the outlines of a label map as an RT structure set that refers to the scan's instances.

    Outlines run half-way between voxels inside and outside. Holes are outlines of their own, as planning systems take
    them (even-odd rule).

    Raises:
        MaskwrightError: as `write_segmentation`.
    """
    instances = require_instances(labels, scan, path)
    if not labels.array.any():
        raise MaskwrightError("would be empty: no label occurs", where=path, fix="Write NIfTI instead.")
    buffer = io.BytesIO()
    with referring_to(scan):
        _structures(labels, scan, instances, names or {}).save_as(buffer, enforce_file_format=True)
    write_bytes(path, buffer.getvalue())


def _structures(labels: Volume, scan: Volume, instances: list[Any], names: Mapping[int, str]) -> Any:
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    from maskwright import __version__

    numbers = [int(number) for number in np.unique(labels.array) if number]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = _CLASS, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    first, now = instances[0], datetime.now()
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
                    "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"):  # fmt: skip
        setattr(made, keyword, first.get(keyword, ""))
    made.SOPClassUID, made.SOPInstanceUID = _CLASS, meta.MediaStorageSOPInstanceUID
    made.Modality, made.SeriesInstanceUID, made.SeriesNumber = "RTSTRUCT", generate_uid(), 9001
    made.Manufacturer, made.ManufacturerModelName, made.SoftwareVersions = "Maskwright", "Maskwright", __version__
    made.StructureSetLabel, made.SeriesDescription = "Maskwright", "Outlines by Maskwright"
    made.StructureSetDate, made.StructureSetTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    made.ReferencedFrameOfReferenceSequence = [_frame(instances)]
    made.StructureSetROISequence, made.ROIContourSequence, made.RTROIObservationsSequence = [], [], []
    for place, number in enumerate(numbers, start=1):
        region, observation = Dataset(), Dataset()
        region.ROINumber, region.ReferencedFrameOfReferenceUID = place, first.FrameOfReferenceUID
        region.ROIName = names.get(number, f"label {number}")[:64]
        region.ROIGenerationAlgorithm = "AUTOMATIC"
        observation.ObservationNumber = observation.ReferencedROINumber = place
        observation.RTROIInterpretedType, observation.ROIInterpreter = "ORGAN", ""
        made.StructureSetROISequence.append(region)
        made.RTROIObservationsSequence.append(observation)
        made.ROIContourSequence.append(_contours(labels, number, place, scan.source.details["instances"]))
    return made


def _frame(instances: list[Any]) -> Any:
    from pydicom.dataset import Dataset

    frame, study, series = Dataset(), Dataset(), Dataset()
    first = instances[0]
    frame.FrameOfReferenceUID = first.FrameOfReferenceUID
    study.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"  # detached study, as RT systems expect
    study.ReferencedSOPInstanceUID = first.StudyInstanceUID
    series.SeriesInstanceUID = first.SeriesInstanceUID
    series.ContourImageSequence = [_reference(header) for header in instances]
    study.RTReferencedSeriesSequence = [series]
    frame.RTReferencedStudySequence = [study]
    return frame


def _reference(header: Any) -> Any:
    from pydicom.dataset import Dataset

    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    return reference


def _contours(labels: Volume, number: int, place: int, instances: list[Any]) -> Any:
    from pydicom.dataset import Dataset

    region = Dataset()
    region.ReferencedROINumber = place
    region.ROIDisplayColor = list(_COLOURS[(place - 1) % len(_COLOURS)])
    region.ContourSequence = []
    to_lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ labels.affine
    inside = labels.array == number
    for depth in np.flatnonzero(inside.any(axis=(1, 2))):
        for line in outlines(inside[depth]):
            points = to_lps @ np.vstack([np.full(len(line), depth), line.T[::-1], np.ones(len(line))])
            contour = Dataset()
            contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", len(line)
            contour.ContourData = [f"{value:.4f}" for value in points[:3].T.ravel()]
            contour.ContourImageSequence = [_reference(instances[depth])]
            region.ContourSequence.append(contour)
    return region


def outlines(inside: np.ndarray) -> list[np.ndarray]:
    """Closed outlines `(N, 2)` of a mask `(H, W)`, in x and y px, half-way between inside and outside."""
    import contourpy

    lines = contourpy.contour_generator(z=np.pad(inside.astype(np.float32), 1)).lines(0.5)
    # The first point comes again at the end; DICOM closes an outline itself.
    return [np.asarray(line)[:-1] - 1 for line in lines if len(line) > _FEWEST]

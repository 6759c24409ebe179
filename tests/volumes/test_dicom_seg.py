import subprocess
import sys
from pathlib import Path

import cv2
import highdicom
import numpy as np
import pydicom
import pytest
from matplotlib.path import Path as Polygon
from scans import volume, write_series

from maskwright.errors import MaskwrightError
from maskwright.volumes.codes import structure
from maskwright.volumes.dicom_seg import write_segmentation
from maskwright.volumes.read import read_labels, read_volume
from maskwright.volumes.rtstruct import outlines, write_structures

DCMQI = Path(sys.executable).with_name("segimage2itkimage")
NAMES = {7: "pancreas", 5: "liver", 2: "pancreas tumour", 300: "strange thing"}


@pytest.fixture
def scan(tmp_path):
    hu = np.random.default_rng(0).integers(-100, 200, (6, 32, 40)).astype(np.int16)
    write_series(tmp_path / "scan", hu)
    return read_volume(tmp_path / "scan")


@pytest.fixture
def labels(scan):
    array = np.zeros(scan.array.shape, np.uint16)
    array[1:4, 5:15, 8:20], array[2:5, 20:30, 22:35], array[3, 2, 2], array[1, 30, 1:4] = 7, 5, 2, 300
    return scan.with_array(array)


def test_written_and_read_it_is_the_same(tmp_path, scan, labels):
    write_segmentation(labels, scan, tmp_path / "seg.dcm", NAMES)
    found = read_labels(tmp_path / "seg.dcm", scan)
    assert np.array_equal(found.array, labels.array) and found.source.details["names"] == NAMES
    alone = read_labels(tmp_path / "seg.dcm")
    assert alone.grid.same_as(scan.grid, 1e-4) and np.array_equal(alone.array, labels.array)


def test_what_a_pacs_asks_of_it(tmp_path, scan, labels):
    write_segmentation(labels, scan, tmp_path / "seg.dcm", NAMES)
    seg = highdicom.seg.segread(tmp_path / "seg.dcm")
    assert (
        seg.SOPClassUID == pydicom.uid.SegmentationStorage and seg.PatientID == "P1" and seg.StudyInstanceUID == "1.2.3"
    )
    referred = {one.ReferencedSOPInstanceUID for one in seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence}
    assert referred == {header.SOPInstanceUID for header in scan.source.details["instances"]}
    kinds = {one.SegmentLabel: one.SegmentedPropertyTypeCodeSequence[0] for one in seg.SegmentSequence}
    assert (kinds["pancreas"].CodeValue, kinds["pancreas"].CodingSchemeDesignator) == ("15776009", "SCT")
    assert kinds["liver"].CodeMeaning == "Liver" and kinds["pancreas tumour"].CodeMeaning == "Lesion"
    pancreas = next(one.SegmentNumber for one in seg.SegmentSequence if one.SegmentLabel == "pancreas")
    instances = [header.SOPInstanceUID for header in scan.source.details["instances"]]
    pixels = seg.get_pixels_by_source_instance(instances, segment_numbers=[pancreas])[..., 0]
    assert np.array_equal(pixels == 1, labels.array == 7)


@pytest.mark.skipif(not DCMQI.exists(), reason="dcmqi is not installed")
def test_dcmqi_reads_it(tmp_path, scan, labels):
    import SimpleITK as sitk

    write_segmentation(labels, scan, tmp_path / "seg.dcm", NAMES)
    command = [str(DCMQI), "--inputDICOM", str(tmp_path / "seg.dcm"), "--outputDirectory", str(tmp_path),
               "--prefix", "out", "--outputType", "nrrd"]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    numbers = sorted(int(number) for number in np.unique(labels.array) if number)
    for place, number in enumerate(numbers, start=1):
        image = sitk.ReadImage(str(tmp_path / f"out-{place}.nrrd"))
        assert (sitk.GetArrayFromImage(image) > 0).sum() == (labels.array == number).sum()


def test_names_and_codes():
    assert structure("Pancreas")[1].value == "15776009" and structure("left kidney")[1].meaning == "Kidney"
    assert structure("anterior hippocampus")[1].meaning == "Hippocampus"
    assert structure("foreground")[1].meaning == "Anatomical Structure"


@pytest.mark.parametrize("write", [write_segmentation, write_structures])
def test_what_cannot_be_written_is_said(tmp_path, scan, labels, write):
    plain = volume(scan.array.shape, scan.affine)
    with pytest.raises(MaskwrightError, match="is none"):
        write(labels, plain, tmp_path / "out.dcm")
    with pytest.raises(MaskwrightError, match="would not lie on its scan"):
        write(volume((2, 2, 2), np.eye(4)), scan, tmp_path / "out.dcm")
    with pytest.raises(MaskwrightError, match="would be empty"):
        write(labels.with_array(np.zeros_like(labels.array)), scan, tmp_path / "out.dcm")
    assert not (tmp_path / "out.dcm").exists()


def test_structures_have_the_area_of_the_mask(tmp_path, scan, labels):
    write_structures(labels, scan, tmp_path / "rt.dcm", NAMES)
    found = pydicom.dcmread(tmp_path / "rt.dcm")
    assert [one.ROIName for one in found.StructureSetROISequence] == [NAMES[number] for number in (2, 5, 7, 300)]
    to_voxels = np.linalg.inv(np.diag([-1.0, -1.0, 1.0, 1.0]) @ scan.affine)
    for region, number in zip(found.ROIContourSequence, (2, 5, 7, 300), strict=True):
        again = np.zeros(labels.array.shape, bool)
        for contour in region.ContourSequence:
            points = np.array(contour.ContourData, float).reshape(-1, 3)
            places = (to_voxels @ np.vstack([points.T, np.ones(len(points))]))[:3]
            depth = round(float(places[0].mean()))
            assert np.abs(places[0] - depth).max() < 1e-3
            assert (
                contour.ContourImageSequence[0].ReferencedSOPInstanceUID
                == scan.source.details["instances"][depth].SOPInstanceUID
            )
            height, width = again.shape[1:]
            centres = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 2)
            again[depth] ^= Polygon(places[2:0:-1].T).contains_points(centres).reshape(height, width)
        assert np.array_equal(again, labels.array == number)


def test_holes_are_outlines_of_their_own():
    ring = np.zeros((12, 12), bool)
    ring[2:10, 2:10] = True
    ring[5:7, 5:7] = False
    areas = sorted(cv2.contourArea(line.astype(np.float32)) for line in outlines(ring))
    assert len(areas) == 2 and areas[1] == pytest.approx(64, abs=1) and areas[0] == pytest.approx(4, abs=1)

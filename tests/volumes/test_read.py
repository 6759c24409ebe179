import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from scans import affine_of, affines, shapes, volume
from test_resample import itk

from maskwright.errors import MaskwrightError
from maskwright.volumes import Volume
from maskwright.volumes.nifti import write_nifti
from maskwright.volumes.orient import reorient
from maskwright.volumes.read import is_volume, on_scan, read_labels, read_volume, stem

AFFINE = affine_of([2, 1, 0], (1, -1, -1), (2, 1, 1), (0, 0, 0), (5, 4, -6))


@settings(max_examples=25, deadline=None)
@given(affines, shapes)
@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii.gz"])
def test_what_simpleitk_writes(tmp_path_factory, suffix, affine, shape):
    path = tmp_path_factory.mktemp("itk") / f"scan{suffix}"
    one = volume(shape, affine)
    sitk.WriteImage(itk(one), str(path))
    found = read_volume(path)
    assert np.array_equal(found.array, one.array) and np.abs(found.affine - affine).max() < 2e-4


@pytest.mark.parametrize(
    ("suffix", "line"),
    [(".nrrd", b"space directions"), (".nrrd", b"space:"), (".mha", b"TransformMatrix"), (".mha", b"ElementSpacing")],
)
def test_a_header_without_geometry_is_refused(tmp_path, suffix, line):
    path = tmp_path / f"scan{suffix}"
    sitk.WriteImage(itk(volume((3, 4, 5), AFFINE)), str(path))
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join(one for one in lines if not one.startswith(line)))
    with pytest.raises(MaskwrightError, match="is missing in its header"):
        read_volume(path)


def test_a_label_map_in_another_order_is_turned(tmp_path):
    scan = volume((4, 5, 6), AFFINE)
    labels = reorient(scan.with_array((scan.array % 3).astype(np.uint8)), "RAS")
    write_nifti(labels, tmp_path / "labels.nii.gz")
    found = read_labels(tmp_path / "labels.nii.gz", scan)
    assert np.array_equal(found.array, scan.array % 3) and np.array_equal(found.affine, scan.affine)


def test_a_part_of_a_scan_is_put_in_its_place():
    scan = volume((6, 5, 7), AFFINE)
    part = Volume(
        np.ones((2, 3, 7), np.uint8), AFFINE @ np.array([[1, 0, 0, 3], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    )
    found = on_scan(part, scan)
    assert found.array.shape == scan.array.shape and found.array.sum() == part.array.sum()
    assert found.array[3:5, 1:4].all()


@pytest.mark.parametrize("change", ["shift", "spacing", "shape", "outside"])
def test_a_label_map_that_lies_elsewhere_is_refused(tmp_path, change):
    scan = volume((4, 5, 6), AFFINE)
    affine, shape = AFFINE.copy(), (4, 5, 6)
    if change == "shift":
        affine[0, 3] += 0.4
    elif change == "spacing":
        affine[:3, 0] *= 1.2
    elif change == "shape":
        shape = (5, 5, 6)
    else:
        affine[:3, 3] += affine[:3, 0] * 2
    write_nifti(Volume(np.zeros(shape, np.uint8), affine), tmp_path / "labels.nii")
    with pytest.raises(MaskwrightError, match=r"labels\.nii: does not lie on its scan"):
        read_labels(tmp_path / "labels.nii", scan)


@pytest.mark.parametrize("values", [[[[0.5]]], [[[-1.0]]], [[[70000.0]]]])
def test_what_is_no_label_map_is_refused(tmp_path, values):
    write_nifti(Volume(np.array(values, np.float32), AFFINE), tmp_path / "labels.nii")
    with pytest.raises(MaskwrightError, match="is no label map"):
        read_labels(tmp_path / "labels.nii")


def test_names(tmp_path):
    assert (
        stem(tmp_path / "a.b.nii.gz") == "a.b" and stem(tmp_path / "a.mha") == "a" and stem(tmp_path) == tmp_path.name
    )
    assert is_volume(tmp_path / "A.NII.GZ") and not is_volume(tmp_path / "a.png")
    with pytest.raises(MaskwrightError, match="no such file"):
        read_volume(tmp_path / "nothing.nii")


def test_a_damaged_file_of_itk(tmp_path):
    (tmp_path / "a.nrrd").write_bytes(
        b"NRRD0004\nspace: left-posterior-superior\nspace directions: (1,0,0) (0,1,0)\nspace origin: (0,0,0)\n\nxx"
    )
    with pytest.raises(MaskwrightError, match=r"a\.nrrd: is damaged or cut short"):
        read_volume(tmp_path / "a.nrrd")

"""Segmentations come back at their places: whole, sparse, of a single frame, tilted, and of anonymised series."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scans import SERIES_AFFINE, write_series

from maskwright.errors import MaskwrightError
from maskwright.volumes.dicom import read_dicom
from maskwright.volumes.dicom_seg import segmentation, write_segmentation
from maskwright.volumes.read import read_labels

pytest.importorskip("highdicom")
SHAPE = (6, 9, 8)
TILTED = SERIES_AFFINE.copy()
TILTED[1, 0] = 0.6  # each slice lies further to the front than the one below


def drawn(seed, slices):
    rng = np.random.default_rng(seed)
    label = np.zeros(SHAPE, np.uint8)
    for index in slices:
        label[index, 1:4, 1:4], label[index, 5:8, 2:6] = 1, 2 if rng.random() < 0.7 else 1
    return label


def sparse(made):
    """The same without its empty frames, as most programs write it."""
    frames = np.atleast_3d(made.pixel_array).reshape(-1, *SHAPE[1:])
    kept = [number for number, frame in enumerate(frames) if frame.any()]
    made.PerFrameFunctionalGroupsSequence = [made.PerFrameFunctionalGroupsSequence[number] for number in kept]
    bits = np.packbits(frames[kept].ravel().astype(np.uint8), bitorder="little")
    made.PixelData = np.append(bits, np.zeros(len(bits) % 2, np.uint8)).tobytes()
    made.NumberOfFrames = len(kept)
    return made


@settings(max_examples=12)
@given(
    st.integers(0, 99), st.sampled_from([SERIES_AFFINE, TILTED]), st.sets(st.integers(0, 5), min_size=1), st.booleans()
)
def test_every_voxel_is_in_its_place(tmp_path_factory, seed, affine, slices, without_empty):
    folder = tmp_path_factory.mktemp("seg")
    write_series(folder / "scan", np.zeros(SHAPE), affine)
    scan = read_dicom(folder / "scan")
    label = scan.with_array(drawn(seed, slices))
    made = segmentation(label, scan, folder, {1: "liver", 2: "spleen"})
    path = folder / "seg"  # without an ending
    (sparse(made) if without_empty else made).save_as(path)
    found = read_labels(path, scan)
    assert np.array_equal(found.array, label.array) and np.allclose(found.affine, scan.affine)
    held = {number: name for number, name in ((1, "liver"), (2, "spleen")) if (label.array == number).any()}
    assert found.source.details["names"] == held
    if not without_empty:
        alone = read_labels(path)
        assert alone.grid.voxel_ml == pytest.approx(scan.grid.voxel_ml)
        for number in held:
            assert (alone.array == number).sum() == (label.array == number).sum()
        assert np.allclose(sorted(map(tuple, places(alone))), sorted(map(tuple, places(label))), atol=1e-3)


def places(volume):
    """Where in the patient the voxels of label 1 lie."""
    indices = np.argwhere(volume.array == 1)
    return (volume.affine @ np.c_[indices, np.ones(len(indices))].T)[:3].T.round(3)


def test_without_its_scan_a_sparse_one_says_what_it_needs(tmp_path):
    write_series(tmp_path / "scan", np.zeros(SHAPE))
    scan = read_dicom(tmp_path / "scan")
    for name, slices in (("gap", [0, 1, 4, 5]), ("one", [3])):
        sparse(segmentation(scan.with_array(drawn(0, slices)), scan, tmp_path)).save_as(tmp_path / f"{name}.dcm")
        with pytest.raises(MaskwrightError, match=r"leaves out slices.*\n.*--image"):
            read_labels(tmp_path / f"{name}.dcm")


def test_one_that_belongs_to_another_series_is_refused(tmp_path):
    write_series(tmp_path / "scan", np.zeros(SHAPE))
    moved = SERIES_AFFINE.copy()
    moved[2, 3] += 1.0
    write_series(tmp_path / "other", np.zeros(SHAPE), moved, series="1.9")
    scan, other = read_dicom(tmp_path / "scan"), read_dicom(tmp_path / "other")
    write_segmentation(scan.with_array(drawn(0, [2])), scan, tmp_path / "seg.dcm")
    with pytest.raises(MaskwrightError, match=r"does not lie on its scan .*1\.00 mm beside"):
        read_labels(tmp_path / "seg.dcm", other)


@pytest.mark.parametrize("absent", [True, False])
def test_an_anonymised_series_gets_one_with_empty_tags(tmp_path, absent):
    import pydicom

    tags = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
            "AccessionNumber", "ReferringPhysicianName", "SeriesDescription")  # fmt: skip

    def change(header, index):
        for tag in tags:
            if absent:
                delattr(header, tag)
            else:
                setattr(header, tag, "")

    write_series(tmp_path / "scan", np.zeros(SHAPE), change=change)
    scan = read_dicom(tmp_path / "scan")
    label = scan.with_array(drawn(1, [1, 2]))
    write_segmentation(label, scan, tmp_path / "seg.dcm")
    assert np.array_equal(read_labels(tmp_path / "seg.dcm", scan).array, label.array)
    assert pydicom.dcmread(tmp_path / "seg.dcm").PatientID == ""


def test_in_a_folder_it_is_read_and_two_are_not_chosen_from(tmp_path):
    write_series(tmp_path / "scan", np.zeros(SHAPE))
    scan = read_dicom(tmp_path / "scan")
    label = scan.with_array(drawn(1, [1, 2, 3]))
    (tmp_path / "p1" / "300.000000-Segmentation-1").mkdir(parents=True)  # as TCIA lays them out
    write_segmentation(label, scan, tmp_path / "p1" / "300.000000-Segmentation-1" / "1-1.dcm")
    assert np.array_equal(read_labels(tmp_path / "p1", scan).array, label.array)
    write_segmentation(label, scan, tmp_path / "p1" / "second.dcm")
    with pytest.raises(MaskwrightError, match="holds 2 segmentations"):
        read_labels(tmp_path / "p1")


def test_a_damaged_file_beside_a_segmentation_is_named(tmp_path):
    write_series(tmp_path / "scan", np.zeros(SHAPE))
    scan = read_dicom(tmp_path / "scan")
    (tmp_path / "p1").mkdir()
    write_segmentation(scan.with_array(drawn(1, [1])), scan, tmp_path / "p1" / "good.dcm")
    (tmp_path / "p1" / "cut.dcm").write_bytes((tmp_path / "p1" / "good.dcm").read_bytes()[:60])
    with pytest.raises(MaskwrightError, match=r"cut\.dcm: is a damaged DICOM file"):
        read_labels(tmp_path / "p1")

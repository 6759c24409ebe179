"""Real scans: a compressed CT series with a label map, and hippocampus MR volumes."""

import json

import numpy as np
import pytest

from maskwright.cli import main
from maskwright.config.schema import PrepareSection
from maskwright.prepare.restore import restore
from maskwright.prepare.run import prepare_scans
from maskwright.volumes.dicom_seg import write_segmentation
from maskwright.volumes.measure import measure
from maskwright.volumes.nifti import write_nifti
from maskwright.volumes.read import read_labels, read_volume

PANCREAS = 7
MILLILITRES = 2.531  # by counting voxels


@pytest.fixture
def folder(shared_data):
    return shared_data / "ct-abdomen"


@pytest.fixture
def scan(folder):
    return read_volume(folder / "dicom-series")


@pytest.fixture
def labels(folder, scan):
    return read_labels(folder / "dicom-series-labels.nii.gz", scan)


def pancreas(volume, number=PANCREAS):
    return round(measure(volume)[number]["volume_ml"], 3)


def test_the_series_is_read_as_simpleitk_reads_it(folder, scan):
    sitk = pytest.importorskip("SimpleITK")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder / "dicom-series")))
    judge = reader.Execute()
    assert np.array_equal(sitk.GetArrayFromImage(judge), scan.array)
    assert np.allclose(scan.grid.spacing, judge.GetSpacing()[::-1])
    assert np.allclose((np.diag([-1.0, -1.0, 1.0, 1.0]) @ scan.affine)[:3, 3], judge.GetOrigin())


def test_organs_lie_on_organs(scan, labels):
    """Means in HU that a contrast-enhanced abdomen has; half a voxel of shift, or a mirror image, would show."""
    found = measure(labels, scan)
    assert 60 < found[5]["median"] < 130 and 60 < found[1]["median"] < 140 and 30 < found[PANCREAS]["median"] < 110
    assert found[5]["centroid_mm"][0] > found[1]["centroid_mm"][0]  # liver on the right, spleen on the left


def test_the_pancreas_has_its_volume_on_every_path(folder, scan, labels, tmp_path, quiet, capsys):
    assert pancreas(labels) == MILLILITRES
    assert (
        main(["measure", str(folder / "dicom-series-labels.nii.gz"), "--image", str(folder / "dicom-series"), "--json"])
        == 0
    )
    assert round(json.loads(capsys.readouterr().out)["labels"][str(PANCREAS)]["volume_ml"], 3) == MILLILITRES
    write_nifti(labels, tmp_path / "labels.nii.gz")
    assert pancreas(read_labels(tmp_path / "labels.nii.gz", scan)) == MILLILITRES
    write_segmentation(labels, scan, tmp_path / "labels.dcm", {PANCREAS: "pancreas"})
    assert main(["measure", str(tmp_path / "labels.dcm"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)["labels"][str(PANCREAS)]
    assert (round(facts["volume_ml"], 3), facts["name"]) == (MILLILITRES, "pancreas")
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "A").symlink_to(folder / "dicom-series")
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "A.nii.gz").symlink_to(folder / "dicom-series-labels.nii.gz")
    options = PrepareSection(
        scans_dir=tmp_path / "scans", labels_dir=tmp_path / "maps", output_dir=tmp_path / "out", workers=1,
        structures={"pancreas": [PANCREAS]}, valid_fraction=0, test_fraction=0,
    )  # fmt: skip
    result = prepare_scans(options, quiet)
    again = restore(result.target, "A")
    assert pancreas(again, 1) == MILLILITRES and again.grid.same_as(scan.grid, 1e-4)


def test_every_hippocampus_lies_on_its_scan(shared_data):
    folder = shared_data / "hippocampus"
    files = sorted((folder / "imagesTr").glob("*.nii.gz"))
    assert len(files) == 195
    for path in files[::13]:
        scan = read_volume(path)
        labels = read_labels(folder / "labelsTr" / path.name, scan)
        found = measure(labels)
        assert set(found) == {1, 2} and 0.3 < found[1]["volume_ml"] + found[2]["volume_ml"] < 8


def test_label_maps_of_other_scans_are_refused(folder, capsys):
    assert main(["measure", str(folder / "ct-labels.nii.gz"), "--image", str(folder / "dicom-series")]) == 2
    assert "does not lie on its scan" in capsys.readouterr().err

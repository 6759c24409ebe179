import csv
import json

import numpy as np
import pytest
from hypothesis import given
from scans import affine_of, affines, volume

from maskwright.cli import main
from maskwright.errors import MaskwrightError
from maskwright.volumes import Volume
from maskwright.volumes.measure import measure, surface
from maskwright.volumes.nifti import write_nifti
from maskwright.volumes.tables import write_table


def ball(spacing, radius=20.0, size=60.0):
    """A ball of `radius` mm amid a box of `size` mm."""
    axes = [np.arange(0, size, step) for step in spacing]
    places = np.meshgrid(*axes, indexing="ij")
    inside = sum((place - size / 2) ** 2 for place in places) < radius**2
    return Volume(inside.astype(np.uint8), np.diag([*spacing, 1.0]))


@pytest.mark.parametrize("spacing", [(1, 1, 1), (2, 0.8, 0.8), (0.7, 1.5, 1)])
def test_a_ball(spacing):
    found = measure(ball(spacing))[1]
    assert found["volume_ml"] == pytest.approx(4 / 3 * np.pi * 20**3 / 1000, rel=0.01)
    assert found["surface_mm2"] == pytest.approx(4 * np.pi * 20**2, rel=0.03)
    assert found["extent_mm"] == pytest.approx([40] * 3, abs=2 * max(spacing))
    assert found["centroid_mm"] == pytest.approx([30] * 3, abs=max(spacing) / 2) and found["components"] == 1


@given(affines)
def test_one_voxel_anywhere(affine):
    array = np.zeros((4, 5, 6), np.uint8)
    array[1, 2, 3] = 9
    found = measure(Volume(array, affine))[9]
    assert found["volume_ml"] == pytest.approx(abs(np.linalg.det(affine[:3, :3])) / 1000)
    assert found["centroid_mm"] == pytest.approx((affine @ [1, 2, 3, 1])[:3].tolist(), abs=1e-6)
    assert (found["voxels"], found["slices"], found["components"]) == (1, 1, 1)
    corners = np.array(np.meshgrid(*[(-0.5, 0.5)] * 3)).reshape(3, -1)
    assert found["extent_mm"] == pytest.approx(np.ptp(affine[:3, :3] @ corners, axis=1).tolist())


def test_a_box_by_hand():
    array = np.zeros((5, 6, 7), bool)
    array[1:3, 2:5, 3:7] = True
    affine = affine_of([2, 1, 0], (1, 1, 1), (3, 2, 1), (0, 0, 0), (0, 0, 0))
    a, b, c = 2 * 3, 3 * 2, 4 * 1
    assert surface(array, affine) == pytest.approx(2 * (a * b + b * c + a * c) * 2 / 3)


def test_values_inside():
    labels = volume((4, 5, 6), np.eye(4)).with_array(np.tile(np.array([0, 0, 1, 1, 2, 2], np.uint8), (4, 5, 1)))
    image = labels.with_array(np.random.default_rng(0).normal(50, 10, (4, 5, 6)).astype(np.float32))
    found = measure(labels, image)
    values = image.array[labels.array == 2]
    assert found[2]["mean"] == pytest.approx(values.mean(), rel=1e-5)
    assert found[2]["p95"] == pytest.approx(np.percentile(values, 95), rel=1e-5)
    assert list(found) == [1, 2]


def test_nothing_to_measure():
    assert measure(volume((2, 2, 2), np.eye(4)).with_array(np.zeros((2, 2, 2), np.uint8))) == {}


def test_tables(tmp_path):
    found = measure(ball((1, 1, 1)))
    write_table(found, tmp_path / "a.csv")
    write_table(found, tmp_path / "a.json")
    (row,) = csv.DictReader((tmp_path / "a.csv").open(encoding="utf-8"))
    assert float(row["volume_ml"]) == pytest.approx(found[1]["volume_ml"], rel=1e-5) and row["label"] == "1"
    assert float(row["centroid_mm_z"]) == pytest.approx(found[1]["centroid_mm"][2], rel=1e-5)
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["labels"]["1"]["voxels"] == found[1]["voxels"]
    write_table({}, tmp_path / "empty.csv")
    with pytest.raises(MaskwrightError, match=r"\.csv or \.json"):
        write_table(found, tmp_path / "a.xlsx")


def test_the_command(tmp_path, capsys):
    write_nifti(ball((1, 1, 1)), tmp_path / "labels.nii.gz")
    assert main(["measure", str(tmp_path / "labels.nii.gz"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["labels"]["1"]["volume_ml"] == pytest.approx(33.5, abs=0.4) and found["spacing_mm"] == [1, 1, 1]
    write_nifti(ball((2, 2, 2)), tmp_path / "scan.nii.gz")
    assert main(["measure", str(tmp_path / "labels.nii.gz"), "--image", str(tmp_path / "scan.nii.gz")]) == 2
    assert "does not lie on its scan" in capsys.readouterr().err

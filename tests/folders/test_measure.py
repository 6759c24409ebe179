"""Measures of all label maps of a folder, each on its scan."""

import csv
import json

import numpy as np
import pytest
from scans import write_series

from maskwright.cli import main
from maskwright.volumes import Volume
from maskwright.volumes.nifti import write_nifti
from maskwright.volumes.read import read_volume


def test_a_folder_of_label_maps(tmp_path, capsys):
    sizes = {}
    for number in range(3):
        hu = np.full((5, 8, 9), 10 * number, np.int16)

        def named(header, index, number=number):
            header.PatientID = f"P{number}"

        write_series(tmp_path / "scans" / f"P{number}", hu, series=f"1.2.{number + 1}", change=named)
        marks = np.zeros(hu.shape, np.uint8)
        marks[1:3, 2 : 4 + number, 3:6] = 1
        affine = read_volume(tmp_path / "scans" / f"P{number}").affine
        write_nifti(Volume(marks, affine), tmp_path / "labels" / f"P{number}.nii.gz")
        sizes[f"P{number}"] = marks.sum() * 2.5 * 0.8 * 0.9 / 1000
    table = tmp_path / "table.csv"
    given = ["measure", str(tmp_path / "labels"), "--image", str(tmp_path / "scans"), "--output", str(table), "--json"]
    assert main(given) == 0
    found = json.loads(capsys.readouterr().out)
    assert {name: one["labels"]["1"]["volume_ml"] for name, one in found["files"].items()} == pytest.approx(sizes)
    assert [one["labels"]["1"]["mean"] for one in found["files"].values()] == [0, 10, 20]
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == ["P0", "P1", "P2"]
    assert [float(row["volume_ml"]) for row in rows] == pytest.approx([*sizes.values()], rel=1e-4)
    # One that cannot be measured is named, and the others are there.
    write_nifti(Volume(np.zeros((2, 3, 4), np.uint8), np.eye(4)), tmp_path / "labels" / "P1.nii.gz")
    assert main(given) == 2
    out, err = capsys.readouterr()
    assert "does not lie on its scan" in err and list(json.loads(out)["files"]) == ["P0", "P2"]
    assert len([*tmp_path.glob("table*")]) == 2, "what was there is kept"

"""Text in a sheet is never a formula, numbers stay numbers, and what is read again is what was written."""

import ast
import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.errors import MaskwrightError
from maskwright.evaluation.compare import compare, read_patients
from maskwright.evaluation.files import write_rows
from maskwright.prepare.files import Prepared, read_manifest, write_manifest
from maskwright.sheets import cell, line, plain, write_sheet
from maskwright.training.run import Run, write_history
from maskwright.untrusted.tables import read_table
from maskwright.volumes.tables import write_table

SIGNS = "=+-@\t\r\n＝＋－＠"
BAD = ["=1+1", "=cmd|' /C calc'!A0", "+1+cmd|x", "-2+3", "-x", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1", "'=1", "''-a",
       "-", "=", "＝1", "-1;2", "+49 30 x", "1", "-1.5", "a", "'a", "", " ", "-inf"]  # fmt: skip
TEXT = st.characters(exclude_characters="\0", exclude_categories=["Cs"])  # no name of a file has a zero in it
names = st.one_of(st.text(TEXT, max_size=12), st.builds(str.__add__, st.sampled_from([*SIGNS, "'", "'=", " -"]), st.text(TEXT, max_size=8)))  # fmt: skip


@pytest.mark.parametrize("text", BAD[:17])
def test_what_would_be_a_formula_stands_behind_an_apostrophe(text):
    assert cell(text) == f"'{text}" and plain(cell(text)) == text


@pytest.mark.parametrize("value", [-1, -1.5, 0, 3, 1e-9, float("nan"), float("-inf"), np.float32(-2.5), np.int16(-3),
                                   "-1", "-1.5", "+2", "-1e-05", "-inf", "nan", "-1.5 2 -3", "", "a=1", "a-b", "CT"])  # fmt: skip
def test_numbers_and_other_text_stay_as_they_are(value):
    assert cell(value) is value


def test_nothing_is_nothing():
    assert cell(None) is None and line([None, 1, "x"]) == ",1,x\r\n"


@given(names)
def test_a_name_comes_back_and_never_begins_a_formula(text):
    written = cell(text)
    assert plain(written) == text
    if written and written[0] in SIGNS:
        [float(part) for part in written.split(" ")]  # a number, or several


@given(st.lists(st.tuples(names, names), max_size=4), names)
def test_a_sheet_comes_back(tmp_path_factory, rows, title):
    path = tmp_path_factory.getbasetemp() / "sheet.csv"
    columns = [title, f"{title}x"]
    write_sheet(path, columns, [dict(zip(columns, row, strict=True)) for row in rows])
    assert read_table(path, ()) == [dict(zip(columns, row, strict=True)) for row in rows]


def test_a_sheet_without_anything(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"")
    assert read_table(tmp_path / "a.csv", ()) == []
    with pytest.raises(MaskwrightError, match="no such file"):
        read_table(tmp_path / "none.csv", ())


def cells(path):
    with path.open(newline="", encoding="utf-8") as file:
        return [text for row in csv.reader(file) for text in row]


def assert_harmless(path):
    for text in cells(path):
        if text and text[0] in SIGNS:
            float(text)


def test_scores_that_are_compared_keep_their_names(tmp_path):
    rows = [{"name": f"{bad}.png", "patient": bad, "class": other, "dice": -0.25 if bad == "-x" else 0.5}
            for bad in BAD for other in ("=liver", "-spleen")]  # fmt: skip
    write_rows(tmp_path / "per_patient.csv", rows)
    assert_harmless(tmp_path / "per_patient.csv")
    found = read_patients(tmp_path, "dice")
    assert list(found) == BAD and set(found["=1+1"]) == {"=liver", "-spleen"} and found["-x"]["=liver"] == -0.25
    assert compare({"a": found, "b": found})[1]["versus_first"]["n"] == len(BAD)
    with pytest.raises(MaskwrightError, match="has no score"):
        read_patients(tmp_path, "=dice")


def test_a_manifest_keeps_its_names(tmp_path):
    target = Prepared(tmp_path)
    for name in ("=1+1", "@x"):
        row = {"file": f"{name}-0001.png", "patient": name, "split": "train", "position_mm": "-50.0000"}
        target.geometry(name).parent.mkdir(exist_ok=True)
        facts = {"affine": np.eye(4).tolist(), "shape": [2, 9, 9], "box": [[0, 2], [0, 9], [0, 9]], "size": [8, 8]}
        facts |= {"split": "train", "structures": {}, "rows": [row | {"slice": 1, "crop_margin": 0}]}
        target.geometry(name).write_text(json.dumps({**facts, "scan": f"-scans/{name}", "labels": "+l"}))
    assert write_manifest(target, ["=1+1", "@x"]) == 2
    assert_harmless(target.manifest)
    first = read_manifest(target)[0]
    assert (first["patient"], first["scan"], first["position_mm"]) == ("=1+1", "-scans/=1+1", "-50.0000")
    assert "-50.0000" in cells(target.manifest), "a negative number is one"


def test_a_history_keeps_its_entries(tmp_path):
    rows = [{"epoch": 1.0, "loss": -0.5, "seconds": 1.0, "val_dice": float("nan"), "-odd": -1e-5}]
    write_history(Run(tmp_path), rows)
    assert_harmless(tmp_path / "history.csv")
    found = Run(tmp_path).history()[0]
    assert found["loss"] == -0.5 and found["-odd"] == -1e-5 and np.isnan(found["val_dice"])


def test_measures(tmp_path):
    write_table({1: {"name": "=liver", "volume_ml": -1.0, "centroid_mm": [-1.0, 2.0, 3.0], "list": [-1.0, 2.0]}},
                tmp_path / "a.csv")  # fmt: skip
    found = read_table(tmp_path / "a.csv", ())[0]
    assert found["name"] == "=liver" and "'=liver" in cells(tmp_path / "a.csv")
    assert (found["volume_ml"], found["centroid_mm_x"], found["list"]) == ("-1", "-1", "-1 2")


def test_no_other_file_writes_or_reads_csv():
    source = Path(__file__).parents[1] / "src" / "maskwright"
    for path in source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import) and path.name != "sheets.py":
                assert "csv" not in [alias.name for alias in node.names], path

"""What a patient's files are is told exactly: one patient's are never taken for another's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.config.schema import PrepareSection
from maskwright.errors import MaskwrightError
from maskwright.prepare.cases import find_cases
from maskwright.prepare.files import PARTS, Prepared, forget_patient, is_complete, slice_name
from maskwright.storage import write_json

NAMES = ["case-01", "case-01-2", "case-01-2-3", "A", "[A]", "[AB]", "A*", "A-0001", "case", "case.v1", "a+b", "a?b"]


FACTS = {
    "affine": np.eye(4).tolist(), "shape": [2, 9, 9], "box": [[0, 2], [0, 9], [0, 9]], "size": [8, 8], "split": "train", "structures": {},
    "rows": [{"file": "a-0001.png", "patient": "a", "slice": 1, "crop_margin": 0}],
}  # fmt: skip


@given(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES), min_size=2))
def test_what_is_forgotten_is_one_patients(tmp_path_factory, gone, patients):
    target = Prepared(tmp_path_factory.mktemp("prepared"))
    files = {}
    for patient in patients:
        for part in PARTS:
            for folder in (target.images(part), target.masks(part)):
                folder.mkdir(parents=True, exist_ok=True)
                for name in (
                    slice_name(patient, 0, None),
                    slice_name(patient, 11, 40),
                    slice_name(patient, 12345, None),
                ):
                    (folder / f"{name}.png").touch()
                    files[folder / f"{name}.png"] = patient
    forget_patient(target, gone)
    assert {path for path in files if path.exists()} == {path for path, patient in files.items() if patient != gone}


def test_a_patient_is_complete_while_all_its_slices_are_there(tmp_path):
    target = Prepared(tmp_path)
    for folder in (target.images("train"), target.masks("train")):
        folder.mkdir(parents=True)
        (folder / "a-0001.png").touch()
    target.geometry("a").parent.mkdir()
    write_json(target.geometry("a"), FACTS)
    assert is_complete(target, "a") and not is_complete(target, "b")
    (target.masks("train") / "a-0001.png").unlink()
    assert not is_complete(target, "a")


def test_a_name_that_reads_as_a_crop_is_refused(tmp_path):
    for kind in ("scans", "labels"):
        (tmp_path / kind).mkdir()
        for name in ("A", "A-crop40"):
            (tmp_path / kind / f"{name}.nii").touch()
    with pytest.raises(MaskwrightError, match=r"A-crop40.*cropped slice"):
        find_cases(PrepareSection(scans_dir=tmp_path / "scans", labels_dir=tmp_path / "labels"))


WRONG = {
    "affine": [[1.0]], "shape": [2, 9, 10**9], "box": [[0, 3], [0, 9], [0, 9]], "size": [0, 8], "split": "../train",
    "rows": [{"file": "../a.png", "patient": "a", "slice": 1, "crop_margin": 0}],
}  # fmt: skip


@pytest.mark.parametrize("key", WRONG)
def test_a_geometry_of_other_values_is_named(tmp_path, key):
    target = Prepared(tmp_path)
    write_json(target.geometry("a"), FACTS | {key: WRONG[key]})
    with pytest.raises(MaskwrightError, match=r"a\.json: is a damaged file of where slices lie"):
        target.read_geometry("a")

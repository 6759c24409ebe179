import dataclasses
import json
import shutil
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scans import SERIES_AFFINE, affine_of, affines, shapes, volume, write_series
from test_engines import Fake

import maskwright as mw
from maskwright.cli import main
from maskwright.config.schema import PredictSection, PrepareSection
from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.inference.engines import Ensemble
from maskwright.inference.scans import find_scans
from maskwright.inference.volumes import confidence, predict_scan
from maskwright.prepare.slices import cut
from maskwright.training.run import Run
from maskwright.volumes import Volume
from maskwright.volumes.nifti import write_nifti
from maskwright.volumes.orient import reorient
from maskwright.volumes.read import read_labels, read_volume
from maskwright.volumes.sources import beside

OPTIONS = PredictSection(batch_size=3)


def bright(rule, at=0.6):
    """A network that finds what is brighter than `at` in the middle slice."""
    return Fake(lambda x: (x[..., x.shape[-1] // 2 : x.shape[-1] // 2 + 1] > at).astype(np.float32), rule)


def rule_for(scan, orientation="SPL", **more):
    turned = reorient(scan, orientation)
    settings = {"window": "40/400", "orientation": orientation, **more}
    return InputRule(*turned.grid.shape[1:], 1, **settings)


@settings(max_examples=60, deadline=None)
@given(affines, shapes, st.sampled_from(["SPL", "RIP", "AIL", "IAR"]), st.integers(0, 2))
def test_the_mask_lies_on_the_scans_own_voxels(affine, shape, orientation, neighbours):
    """Whatever the scan's axes are: what is bright in the scan is marked in the same voxel."""
    one = volume(shape, affine)
    hu = ((one.array % 7) * 60 - 160).astype(np.int16)
    scan = one.with_array(hu)
    more = {"neighbours": neighbours, "slice_pattern": r"(\d+)$"} if neighbours else {}
    engine = bright(rule_for(scan, orientation, **more))
    found = predict_scan(engine, scan, OPTIONS)
    assert np.array_equal(found.labels.array > 0, np.rint((hu + 160.0) / 400 * 255).clip(0, 255) / 255 > 0.6)
    assert found.labels.array.shape == scan.array.shape and np.abs(found.labels.affine - affine).max() == 0


def test_left_stays_left():
    """A mark on the patient's left, from every order of voxels and through NIfTI and DICOM."""
    for order, signs in (([2, 1, 0], (1, -1, -1)), ([0, 1, 2], (1, 1, 1)), ([1, 2, 0], (-1, 1, -1))):
        affine = affine_of(order, signs, (2, 1, 1), (0, 0, 0), (0, 0, 0))
        shape = [0, 0, 0]
        for axis, world in enumerate(order):
            shape[axis] = (16, 12, 10)[world]
        array = np.full(shape, -500, np.int16)
        centre = affine @ [*(np.array(shape) - 1) / 2, 1]
        target = centre[:3] + np.array([-5, 2, 1])  # left of the middle: x to the right is negative
        place = tuple(np.rint(np.linalg.solve(affine, [*target, 1])[:3]).astype(int))
        array[place] = 300
        scan = Volume(array, affine)
        found = predict_scan(bright(rule_for(scan)), scan, OPTIONS).labels
        (voxel,) = np.argwhere(found.array)
        assert (found.affine @ [*voxel, 1])[0] < centre[0] and tuple(voxel) == place


def test_neighbouring_slices_are_the_scans_own():
    scan = volume((5, 6, 7), SERIES_AFFINE).with_array(
        np.arange(5, dtype=np.int16)[:, None, None] * np.full((1, 6, 7), 80, np.int16) - 160
    )
    seen = []
    rule = rule_for(scan, neighbours=1, slice_pattern=r"(\d+)$")
    engine = Fake(lambda x: (seen.append(x[:, 0, 0, :].copy()), x[..., :1])[1], rule)
    predict_scan(engine, scan, OPTIONS)
    levels = np.rint(np.concatenate(seen) * 255 / 51).astype(int).tolist()
    assert levels == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 4]]


@pytest.mark.parametrize("classes", [1, 3])
def test_a_scan_is_cut_to_the_body_as_its_slices_were(classes):
    """The network sees what `prepare` would have written, and its mask lies where it belongs."""
    d, h, w = np.indices((10, 48, 40))
    body = ((d >= 2) & (d < 9) & (np.hypot(h - 26, (w - 18) * 1.2) < 14)).astype(np.int16)
    hu = np.where(body, 40, -1000).astype(np.int16)
    hu[5, 22:26, 14:20] = 200
    scan = reorient(Volume(hu, SERIES_AFFINE, "CT"), "RAS")
    options = PrepareSection(crop="body", crop_border=2.0, window="abdomen", empty_share=1)
    prepared = cut(scan, scan.with_array((scan.array == 200).astype(np.uint8)), options, training=True)
    seen = []
    height, width = prepared.slices[0].image.shape

    def network(x):
        seen.extend(np.rint(x[..., 0] * 255).astype(np.uint8))
        bright = (x > 0.85).astype(np.float32)
        return bright if classes == 1 else np.concatenate([1 - bright, 0 * bright, bright], axis=-1)

    rule = InputRule(height, width, 1, window="abdomen", body_border=2.0)
    found = predict_scan(Fake(network, rule, classes), scan, PredictSection(batch_size=1)).labels
    assert len(seen) == len(prepared.slices) < 10 and (height, width) < (48, 40)
    assert all(np.array_equal(one, other.image) for one, other in zip(seen, prepared.slices, strict=True))
    assert np.array_equal(found.array > 0, scan.array == 200) and found.array.max() == max(classes - 1, 1)


def test_members_of_an_ensemble_give_a_confidence():
    scan = volume((6, 8, 9), SERIES_AFFINE).with_array(
        np.random.default_rng(0).integers(-160, 240, (6, 8, 9)).astype(np.int16)
    )
    rule = rule_for(scan)
    engines = [bright(rule, at) for at in (0.4, 0.6, 0.7)]
    found = predict_scan(Ensemble(engines), scan, OPTIONS)
    alone = [predict_scan(engine, scan, OPTIONS).labels for engine in engines]
    expected = [float(one.array.sum()) * scan.grid.voxel_ml for one in alone]
    sure = confidence(found.members)[1]
    assert sure["members_ml"] == pytest.approx(expected) and sure["std_ml"] == pytest.approx(np.std(expected, ddof=1))
    assert np.array_equal(found.labels.array, alone[1].array)  # the middle one decides


def test_what_the_model_does_not_know_is_said():
    scan = volume((4, 6, 7), SERIES_AFFINE)
    plain = bright(dataclasses.replace(rule_for(scan), window=""))
    with pytest.raises(MaskwrightError, match=r"predict\.window"):
        predict_scan(plain, scan, OPTIONS)
    assert predict_scan(plain, scan, PredictSection(window="bone")).labels.array.shape == (4, 6, 7)
    with pytest.raises(MaskwrightError, match="2 channels"):
        predict_scan(bright(rule_for(scan)), volume((4, 6, 7, 2), SERIES_AFFINE), OPTIONS)
    floats = bright(dataclasses.replace(rule_for(scan), dtype="float32"))
    with pytest.raises(MaskwrightError, match="float32 pictures"):
        predict_scan(floats, scan, OPTIONS)


def test_scans_are_told_from_pictures(tmp_path):
    for name in ("a.nii.gz", "b.mha"):
        (tmp_path / "scans" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "scans" / name).touch()
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "x.png").touch()
    write_series(tmp_path / "dicom", np.zeros((3, 4, 5)))
    sources = [tmp_path / "scans", tmp_path / "pictures", tmp_path / "dicom", tmp_path / "scan.zip", tmp_path / "x.png"]
    found = find_scans(sources)
    assert [scan.paths[0].name for scan in found] == ["a.nii.gz", "b.mha", "dicom", "scan.zip"]


def of(patient, study):
    def change(header, index):
        header.PatientID, header.StudyInstanceUID = patient, study

    return change


def test_a_folder_of_patients_is_a_scan_each_and_a_patients_folder_is_one(tmp_path):
    for number in range(3):
        write_series(tmp_path / "all" / f"p{number}" / "study" / "series", np.zeros((3, 4, 5)), series=f"1.{number}",
                     change=of(f"P{number}", f"1.2.{number}"))  # fmt: skip
    assert [scan.name for scan in find_scans([tmp_path / "all"])] == ["p0", "p1", "p2"]
    for number, series in enumerate(("1.7", "1.8")):
        write_series(tmp_path / "one" / f"series{number}", np.zeros((3, 4, 5)), series=series, change=of("P", "1.2"))
    assert [scan.name for scan in find_scans([tmp_path / "one"])] == ["one"]


def test_a_label_map_beside_a_series_is_never_taken_for_the_scan(tmp_path):
    write_series(tmp_path / "scan", np.zeros((3, 4, 5)))
    write_nifti(Volume(np.zeros((3, 4, 5), np.uint8), np.eye(4)), tmp_path / "scan" / "mask.nii.gz")
    (found,) = find_scans([tmp_path / "scan"])
    assert found.paths == (tmp_path / "scan",) and [path.name for path in beside(tmp_path / "scan")] == ["mask.nii.gz"]


@pytest.fixture(scope="module")
def windowed(module_config, quiet):
    """A network that knows its window, hardly trained."""
    overrides = ["train.epochs=1", "data.window=40/400"]
    return mw.train(module_config, overrides=overrides, run_dir=module_config.parent / "run", reporter=quiet)


@pytest.fixture
def trained(windowed, tmp_path):
    """A copy of it, which may be tuned."""
    return Run(shutil.copytree(windowed.path, tmp_path / "run"))


def test_from_the_command_line_dicom_in_and_everything_out(trained, tmp_path, capsys):
    hu = np.random.default_rng(0).integers(-160, 240, (5, 40, 44)).astype(np.int16)
    write_series(tmp_path / "patient", hu)
    arguments = ["predict", str(trained.path), str(tmp_path / "patient"), "--output", str(tmp_path / "out"), "--format", "nifti",
                 "--format", "seg", "--format", "rtstruct", "--set", "predict.threshold=0.45", "--with", str(trained.path), "--json"]  # fmt: skip
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    scan = read_volume(tmp_path / "patient")
    labels = read_labels(tmp_path / "out" / "patient.nii.gz", scan)
    measures = json.loads((tmp_path / "out" / "measures.json").read_text(encoding="utf-8"))["scans"]["patient"][
        "labels"
    ]
    if labels.array.any():
        seg = read_labels(tmp_path / "out" / "patient_seg.dcm", scan)
        assert np.array_equal(seg.array, labels.array) and len(found["masks"]) == 3
        assert measures["1"]["volume_ml"] == pytest.approx(labels.array.sum() * scan.grid.voxel_ml)
        assert len(measures["1"]["members_ml"]) == 2 and measures["1"]["std_ml"] == pytest.approx(0)
    assert (tmp_path / "out" / "measures.csv").exists()


def test_settings_are_chosen_on_pictures_or_on_scans(trained, tmp_path, capsys):
    assert main(["tune", str(trained.path), "--dry-run", "--json", "--quiet"]) == 0
    slices = json.loads(capsys.readouterr().out)
    before = trained.config_file.read_bytes()
    hu = np.random.default_rng(0).integers(-160, 240, (5, 40, 44)).astype(np.int16)
    label = (hu > 100).astype(np.uint8)
    for kind, array in (("scans", hu), ("labels", label)):
        write_nifti(volume((5, 40, 44), SERIES_AFFINE).with_array(array), tmp_path / kind / "PHANTOM_0900.nii.gz")
    folders = ["--scans", str(tmp_path / "scans"), "--labels", str(tmp_path / "labels")]
    assert main(["tune", str(trained.path), *folders, "--json", "--quiet"]) == 0
    scans = json.loads(capsys.readouterr().out)
    assert scans["patients"] == 1 and slices["patients"] >= 1
    for found in (slices, scans):
        assert found["after"] >= found["before"]
        assert found["after"] == pytest.approx(
            max([found["before"], *(x["dice"] for x in found["tried"] if x["kept"])])
        )
    assert {x["value"] for x in scans["tried"] if x["step"] == "smallest"} == {0.01, 0.05, 0.2, 1.0, 5.0}  # ml
    assert before != trained.config_file.read_bytes() or scans["after"] == scans["before"]
    assert main(["tune", str(trained.path), "--scans", str(tmp_path / "scans")]) == 2
    assert "go together" in capsys.readouterr().err


def test_a_scan_that_fails_leaves_nothing_and_the_others_go_on(trained, tmp_path, capsys):
    write_nifti(volume((4, 32, 32), SERIES_AFFINE), tmp_path / "scans" / "good.nii.gz")
    write_nifti(volume((4, 32, 32), SERIES_AFFINE), tmp_path / "scans" / "bad.nii.gz")
    (tmp_path / "scans" / "bad.nii.gz").write_bytes((tmp_path / "scans" / "bad.nii.gz").read_bytes()[:500])
    assert main(["predict", str(trained.path), str(tmp_path / "scans"), "--output", str(tmp_path / "out")]) == 2
    assert "bad.nii.gz: is no NIfTI file" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "good.nii.gz",
        "measures.csv",
        "measures.json",
        "predictions.json",
    ]
    arguments = [
        "predict",
        str(trained.path),
        str(tmp_path / "scans" / "good.nii.gz"),
        "--output",
        str(tmp_path / "seg"),
        "--format",
        "seg",
    ]
    assert main(arguments) == 2
    assert "refers to a DICOM series" in capsys.readouterr().err and not (tmp_path / "seg").exists()


def test_the_model_file_carries_the_window(trained):
    with zipfile.ZipFile(trained.model_file) as archive:
        rule = json.loads(archive.read("maskwright.json"))["input_rule"]
    assert (rule["window"], rule["orientation"]) == ("40/400", "SPL")

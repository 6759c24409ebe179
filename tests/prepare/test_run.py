import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from processes import alive, family, wait_until
from scans import SERIES_AFFINE, affine_of, write_series

import maskwright as mw
from maskwright.cli import main
from maskwright.config import load
from maskwright.config.schema import PrepareSection
from maskwright.errors import MaskwrightError
from maskwright.prepare.files import Prepared, open_prepared, read_manifest
from maskwright.prepare.restore import restore
from maskwright.prepare.run import prepare_scans
from maskwright.volumes import Volume
from maskwright.volumes.measure import measure
from maskwright.volumes.nifti import write_nifti
from maskwright.volumes.orient import reorient
from maskwright.volumes.read import read_labels, read_volume

AFFINE = affine_of([2, 1, 0], (1, -1, -1), (3, 0.9, 0.8), (0.05, 0.1, -0.04), (40, 30, -20))


def patient(seed, shape=(10, 48, 56)):
    """HU with a soft ball that the label marks (7) and a smaller one beside it (5), in the middle slices."""
    rng = np.random.default_rng(seed)
    d, h, w = np.indices(shape)
    body = (((h - shape[1] / 2) / (0.45 * shape[1])) ** 2 + ((w - shape[2] / 2) / (0.45 * shape[2])) ** 2) < 1
    centre = (shape[0] / 2, shape[1] / 2 + rng.uniform(-4, 4), shape[2] * 0.6)
    one = ((d - centre[0]) * 2) ** 2 + (h - centre[1]) ** 2 + (w - centre[2]) ** 2 < rng.uniform(5, 7) ** 2
    two = ((d - centre[0]) * 2) ** 2 + (h - centre[1]) ** 2 + (w - centre[2] + 18) ** 2 < 16
    hu = np.where(body, 20, -1000) + 80 * one + 140 * two + np.where(body, rng.normal(0, 8, shape), 0)
    labels = np.zeros(shape, np.uint8)
    labels[one], labels[two] = 7, 5
    return np.rint(hu).astype(np.int16), labels


@pytest.fixture
def study(tmp_path):
    """Six patients as NIfTI; the label map of one in another order of voxels."""
    for number in range(6):
        hu, labels = patient(number)
        write_nifti(Volume(hu, AFFINE), tmp_path / "scans" / f"P{number}.nii.gz")
        marks = Volume(labels, AFFINE)
        write_nifti(reorient(marks, "RAS") if number == 2 else marks, tmp_path / "labels" / f"P{number}.nii.gz")
    return tmp_path


def options(folder, **more):
    settings = {
        "scans_dir": folder / "scans",
        "labels_dir": folder / "labels",
        "output_dir": folder / "out",
        "workers": 1,
    }
    return PrepareSection.model_validate({**settings, "structures": {"organ": [7]}, **more})


def test_pairs_split_by_patient_that_training_reads(study, quiet):
    result = prepare_scans(options(study, valid_fraction=0.2, test_fraction=0.2, workers=2), quiet)
    assert {part: len(names) for part, names in result.patients.items()} == {"train": 4, "valid": 1, "test": 1}
    rows = read_manifest(result.target)
    assert len(rows) == result.slices
    for row in rows:
        folder = study / "out" / row["split"]
        image = cv2.imread(str(folder / "images" / row["file"]), cv2.IMREAD_UNCHANGED)
        mask = cv2.imread(str(folder / "masks" / row["file"]), cv2.IMREAD_UNCHANGED)
        assert image.dtype == np.uint8 and image.shape == mask.shape == (48, 56)
        assert set(np.unique(mask)) <= {0, 255} and int((mask > 0).sum()) == int(row["foreground_px"])
        scan = reorient(read_volume(study / "scans" / f"{row['patient']}.nii.gz"), "SPL")
        plane = scan.array[int(row["slice"]) - 1]
        assert np.array_equal(image, np.rint(np.clip((plane + 160.0) / 400, 0, 1) * 255))
        assert float(row["slice_mm"]) == pytest.approx(3) and float(row["column_mm"]) == pytest.approx(0.8, rel=1e-4)
    positions = [float(row["position_mm"]) for row in rows if row["patient"] == "P0"]
    assert np.allclose(
        np.diff(positions), np.diff([int(r["slice"]) for r in rows if r["patient"] == "P0"]) * 3.0, atol=0.05
    )
    overrides = ["train.epochs=1", "model.image_width=32", "model.image_height=32", "model.num_layers=2",
                 "model.base_filters=4", "train.precision=float32", "predict.precision=float32", f"data.cache_dir={study / 'cache'}"]  # fmt: skip
    run = mw.train(result.target.config, overrides=overrides, run_dir=study / "run", reporter=quiet)
    assert mw.evaluate(run, reporter=quiet).summary["per_patient"]["dice"]["n"] == 1


@pytest.mark.parametrize("orientation", ["SPL", "RIP", "AIL", "IAR"])
@pytest.mark.parametrize("crop", ["none", "body", "structures"])
def test_put_back_every_voxel_is_in_its_place(study, quiet, orientation, crop):
    result = prepare_scans(options(study, orientation=orientation, crop=crop, structures={"a": [7], "b": [5]}), quiet)
    for name in ("P0", "P2"):
        truth = read_labels(study / "labels" / f"{name}.nii.gz", read_volume(study / "scans" / f"{name}.nii.gz"))
        found = restore(result.target, name)
        again = reorient(found, truth.grid.orientation)
        assert again.grid.same_as(truth.grid, 1e-3)
        assert np.array_equal(again.array, np.where(truth.array == 7, 1, np.where(truth.array == 5, 2, 0)))
        assert measure(found)[1]["volume_ml"] == pytest.approx(measure(truth)[7]["volume_ml"], rel=1e-4)


def test_a_crop_never_leaves_its_patient(study, quiet):
    more = {"center_crops": True, "crop_margins": [4, 8], "image_width": 64, "image_height": 64, "empty_share": 0}
    result = prepare_scans(options(study, **more), quiet)
    rows = read_manifest(result.target)
    parts = {}
    for row in rows:
        parts.setdefault(row["patient"], set()).add(row["split"])
    assert all(len(found) == 1 for found in parts.values())
    training = [row for row in rows if row["split"] == "train"]
    assert all(int(row["foreground_px"]) > 0 or int(row["crop_margin"]) for row in training)
    whole = [row for row in training if row["crop_margin"] == "0"]
    assert len(training) == 3 * len(whole) and any("-crop4-" in row["file"] for row in training)
    config = load(result.target.config).config
    from maskwright.data.splits import patient_of

    assert {patient_of(row["file"][:-4], config.data.patient_pattern) for row in rows} == {f"P{i}" for i in range(6)}
    wide = next(row for row in rows if row["crop_margin"] == "8")
    assert float(wide["column_mm"]) == pytest.approx(0.8 * 56 / 64 * 48 / 64, rel=1e-4)


def test_sixteen_bits_windows_and_empty_slices(study, quiet):
    result = prepare_scans(options(study, depth=16, window="full", empty_share=0.5), quiet)
    training = [row for row in read_manifest(result.target) if row["split"] == "train"]
    filled = [int(row["foreground_px"]) > 0 for row in training]
    assert sum(filled) < len(filled) <= 2 * sum(filled) + 6
    part = next(part for part in ("train", "valid", "test") if result.patients[part])
    image = cv2.imread(str(next(result.target.images(part).iterdir())), cv2.IMREAD_UNCHANGED)
    assert image.dtype == np.uint16


def test_killed_and_started_again_it_is_complete(study):
    command = [sys.executable, "-m", "maskwright", "prepare", str(study / "scans"), "--labels", str(study / "labels"),
               "--output", str(study / "out"), "--set", "prepare.workers=1", "--set", "prepare.structures.organ=[7]"]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not Prepared(study / "out").patients() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    process.wait()
    target = Prepared(study / "out")
    done = {name: target.geometry(name).stat().st_mtime_ns for name in target.patients()}
    subprocess.run(command, check=True, capture_output=True)
    for name, changed in done.items():
        assert target.geometry(name).stat().st_mtime_ns == changed
    rows = read_manifest(open_prepared(study / "out"))
    files = {path.name for part in ("train", "valid", "test") for path in (study / "out" / part / "images").glob("*")}
    assert {row["file"] for row in rows} == files and len({row["patient"] for row in rows}) == 6


@pytest.mark.skipif(os.name == "nt", reason="signals and ps of POSIX")
@pytest.mark.parametrize(
    "number",
    [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), getattr(signal, "SIGKILL", signal.SIGTERM)],
)
def test_its_workers_end_with_it_and_it_goes_on(study, number):
    for seed in range(6, 30):  # so many that it is not done meanwhile
        shutil.copy(study / "scans" / "P0.nii.gz", study / "scans" / f"P{seed}.nii.gz")
        shutil.copy(study / "labels" / "P0.nii.gz", study / "labels" / f"P{seed}.nii.gz")
    command = [sys.executable, "-m", "maskwright", "prepare", str(study / "scans"), "--labels", str(study / "labels"),
               "--output", str(study / "out"), "--set", "prepare.workers=2", "--set", "prepare.image_width=512",
               "--set", "prepare.image_height=512", "--set", "prepare.structures.organ=[7]"]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    images = study / "out" / "train" / "images"
    assert wait_until(lambda: process.poll() is not None or (images.is_dir() and any(images.iterdir())))
    assert process.poll() is None
    members = family(process.pid)
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert len(members) >= 3 and wait_until(lambda: not alive(members), 20), alive(members)
    assert process.returncode == (143 if number == signal.SIGTERM else -number) and "Traceback" not in said
    assert not [path for path in (study / "out").rglob(".*") if path.suffix == ".png"]
    assert 0 < len(Prepared(study / "out").patients()) + 1 <= 30
    subprocess.run(command, check=True, capture_output=True)
    assert len(Prepared(study / "out").patients()) == 30


def test_ended_before_the_first_patient_was_done_it_goes_on(study, quiet, monkeypatch):
    from maskwright.prepare import run

    def ended(*arguments, **more):
        target = more["target"]
        target.images("train").mkdir(parents=True)
        (target.images("train") / "P0-0001.png").write_bytes(b"")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(run, "prepare_patient", ended)
        with pytest.raises(KeyboardInterrupt):
            prepare_scans(options(study), quiet)
    assert len(prepare_scans(options(study), quiet).target.patients()) == 6


def test_a_worker_that_is_ended_from_outside_is_no_mistake_of_ours(study, quiet, monkeypatch):
    import slow_work

    from maskwright.prepare import run

    monkeypatch.setattr(run, "finishing", slow_work.die)
    with pytest.raises(MaskwrightError, match=r"\[prepare\] workers: one of the workers was ended"):
        prepare_scans(options(study, workers=2), quiet)


def nih(folder, change=lambda number, hu, labels: (hu, labels)):
    """As TCIA ships NIH Pancreas-CT: nested folders of DICOM, labels whose header says another place and order."""
    for number in range(1, 5):
        hu, labels = change(number, *patient(number))
        names = [f"1-{place:03d}.dcm" for place in range(len(hu), 0, -1)]

        def numbered(header, index):
            header.InstanceNumber = 10 - index  # from the head down

        write_series(folder / "Pancreas-CT" / f"PANCREAS_{number:04d}" / "11-24-2015" / "Pancreas-63502", hu, SERIES_AFFINE,
                     names=names, series=f"1.2.{number}", change=numbered)  # fmt: skip
        stored = labels[::-1]  # in the order of the instance numbers
        write_nifti(Volume(stored, affine_of([2, 1, 0], (1, 1, 1), (1, 1, 1), (0, 0, 0), (0, 0, 0))),
                    folder / "TCIA_pancreas_labels-02-05-2017" / f"label{number:04d}.nii.gz")  # fmt: skip
    (folder / "Pancreas-CT" / "LICENSE").mkdir()


CONFIG = """[generator]
dcms_dir = "./Pancreas-CT/"
labels_dir = "./TCIA_pancreas_labels-02-05-2017/"
output_dir = "./Cropped-Pancreas-master"
image_width = 64
image_height = 64
[augmentor]
crop = True
crop_margin = [4, 8]
"""


def test_nih_pancreas_ct_by_the_references_own_configuration(tmp_path, capsys):
    nih(tmp_path, lambda number, hu, labels: (hu, (labels > 0).astype(np.uint8)))
    (tmp_path / "generator.config").write_text(CONFIG)
    assert main(["prepare", str(tmp_path / "generator.config"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sum(len(names) for names in found["patients"].values()) == 4
    target = open_prepared(tmp_path / "Cropped-Pancreas-master")
    for number in range(1, 5):
        scan = read_volume(tmp_path / "Pancreas-CT" / f"PANCREAS_{number:04d}")
        truth = patient(number)[1] > 0
        assert target.read_geometry(f"PANCREAS_{number:04d}")["size"] == [64, 64]
        again = restore(target, f"PANCREAS_{number:04d}")
        assert again.grid.same_as(scan.grid, 1e-3)
        dice = 2 * (truth & (again.array > 0)).sum() / (truth.sum() + (again.array > 0).sum())
        assert dice > 0.9  # resized to 64 px and back


def test_labels_that_do_not_lie_on_tissue_are_refused(tmp_path, quiet):
    def mirrored(number, hu, labels):
        moved = np.zeros_like(labels)
        moved[:, :8, :8] = 7
        return hu, moved if number == 3 else labels

    nih(tmp_path, mirrored)
    settings = {"scans_dir": tmp_path / "Pancreas-CT", "labels_dir": tmp_path / "TCIA_pancreas_labels-02-05-2017",
                "label_geometry": "slices"}  # fmt: skip
    result = prepare_scans(options(tmp_path, **settings), quiet)
    assert len(result.failed) == 1 and "label0003.nii.gz: does not lie on tissue" in result.failed[0]
    assert "PANCREAS_0003" not in result.target.patients()


def test_a_patient_that_fails_leaves_nothing_and_the_others_go_on(study, capsys):
    write_nifti(Volume(patient(1)[1], np.eye(4)), study / "labels" / "P1.nii.gz")
    path = study / "scans" / "P4.nii.gz"
    path.write_bytes(path.read_bytes()[:2000])
    arguments = [
        "prepare",
        str(study / "scans"),
        "--labels",
        str(study / "labels"),
        "--output",
        str(study / "out"),
        "--set",
        "prepare.structures.organ=[7]",
        "--json",
    ]
    assert main(arguments) == 2
    written = capsys.readouterr()
    found = json.loads(written.out)
    assert len(found["failed"]) == 2 and "P4.nii.gz: is damaged" in written.err
    assert 'prepare.label_geometry = "slices"' in written.err
    assert sorted(name for names in found["patients"].values() for name in names) == ["P0", "P2", "P3", "P5"]
    assert not [*(study / "out").rglob("P1*"), *(study / "out").rglob("P4*")]
    with (study / "out" / "manifest.csv").open(encoding="utf-8") as file:
        assert {row["patient"] for row in csv.DictReader(file)} == {"P0", "P2", "P3", "P5"}


def test_what_must_not_be_mixed(study, quiet):
    prepare_scans(options(study), quiet)
    with pytest.raises(MaskwrightError, match="was prepared with other settings"):
        prepare_scans(options(study, window="bone"), quiet)
    (study / "mine").mkdir()
    (study / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(MaskwrightError, match="holds other files"):
        prepare_scans(options(study, output_dir=study / "mine"), quiet)
    with pytest.raises(MaskwrightError, match="in two structures"):
        prepare_scans(options(study, output_dir=study / "new", structures={"a": [7], "b": [7]}), quiet)


def test_the_command_puts_predicted_masks_back(study, quiet, capsys):
    result = prepare_scans(options(study, empty_share=1), quiet)
    part, (name, *_) = next((part, names) for part, names in result.patients.items() if names)
    assert (
        main(
            [
                "restore",
                str(study / "out"),
                "--masks",
                str(result.target.masks(part)),
                "--output",
                str(study / "back"),
                "--json",
            ]
        )
        == 0
    )
    found = json.loads(capsys.readouterr().out)["patients"]
    assert sorted(found) == sorted(result.patients[part])
    truth = measure(read_labels(study / "labels" / f"{name}.nii.gz"))[7]["volume_ml"]
    assert found[name]["labels"]["1"]["volume_ml"] == pytest.approx(truth, rel=1e-4)
    assert main(["restore", str(study / "scans"), "--output", str(study / "back")]) == 2
    assert "is no prepared data set" in capsys.readouterr().err


def test_a_folder_that_is_taken_away_ends_it(study, quiet, monkeypatch):
    from maskwright.prepare import run

    real = run.prepare_patient

    def then_gone(*arguments, **more):
        found = real(*arguments, **more)
        if (study / "out").exists() and not (study / "away").exists():
            (study / "out").rename(study / "away")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(run, "prepare_patient", then_gone)
        with pytest.raises(MaskwrightError, match="no longer the folder that was written into"):
            prepare_scans(options(study), quiet)
    shutil.rmtree(study / "out", ignore_errors=True)
    (study / "away").rename(study / "out")
    assert len(prepare_scans(options(study), quiet).target.patients()) == 6

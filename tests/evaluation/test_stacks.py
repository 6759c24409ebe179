"""Slices are scored as the volume they are: equal to the same masks as NIfTI, and only where every slice is there."""

import csv
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

import maskwright as mw
from maskwright.cli import main
from maskwright.config.schema import PrepareSection
from maskwright.data.images import read_image
from maskwright.data.pairs import Pair
from maskwright.data.places import Place, places_by_names, stacks_of
from maskwright.evaluation.calibration import Calibrations
from maskwright.evaluation.files import write_scores
from maskwright.evaluation.masks import score_masks
from maskwright.evaluation.scores import pool
from maskwright.evaluation.stacks import Stacker
from maskwright.evaluation.summary import headline, report
from maskwright.labels.rule import LabelRule
from maskwright.prepare.files import slice_spacing
from maskwright.prepare.run import prepare_scans
from maskwright.volumes import Volume
from maskwright.volumes.nifti import write_nifti

RULE = LabelRule("index", 3)
PATTERN = r"(\d+)$"


def pairs_named(*names, patient=lambda name: name.split("-")[0]):
    return [Pair(name, Path(f"{name}.png"), Path(f"{name}.png"), patient(name)) for name in names]


def blobs(seed, shape):
    """Class numbers of a truth and of a prediction of it; now and then one of them lacks a class."""
    rng = np.random.default_rng(seed)
    labels = []
    for _ in range(2):
        fields = [ndimage.gaussian_filter(rng.random(shape), 1.2) for _ in range(2)]
        label = np.zeros(shape, np.uint8)
        for number, field in enumerate(fields, start=1):
            if rng.random() < 0.85:
                label[field > np.quantile(field, 0.85)] = number
        labels.append(label)
    return np.where(rng.random(shape) < 0.8, labels[0], labels[1]), labels[0]


def affine(spacing):
    found = np.zeros((4, 4))
    found[2, 0], found[1, 1], found[0, 2], found[3, 3] = spacing[0], -spacing[1], -spacing[2], 1
    return found


def stacked(volumes, spacing, rule=RULE, tolerance=1.7, drop=(), calibrate=False):
    """Every slice of every patient through a stacker: images, cases, notes."""
    slices = {
        f"{patient}-{n + 1:03d}": (patient, n) for patient, (found, _) in volumes.items() for n in range(len(found))
    }
    pairs = [pair for pair in pairs_named(*slices) if pair.name not in drop]
    stacker = Stacker(stacks_of(pairs, places_by_names(pairs, spacing, PATTERN)), rule, tolerance)
    images = []
    for pair in pairs:
        patient, index = slices[pair.name]
        found, true = (one[index] for one in volumes[patient])
        sure = Calibrations(rule) if calibrate else None
        if sure:
            sure.add((found[..., None] == np.arange(rule.classes)).astype(np.float32), true)
        images.append(score_masks(pair.name, patient, found, true, rule, stacker.scale(pair.name), sure))
        stacker.add(found, true, images[-1])
    assert not stacker._waiting  # nothing is kept of scans that are done
    return images, stacker


@given(st.integers(0, 10_000), st.tuples(*[st.floats(0.4, 6)] * 3))
@settings(max_examples=12)
def test_a_stack_is_the_scan_that_score_reads(tmp_path_factory, seed, spacing):
    folder = tmp_path_factory.mktemp("stacks")
    volumes = {f"P{n}": blobs(seed + n, (5 + n, 12, 14)) for n in range(2)}
    for patient, masks in volumes.items():
        for kind, mask in zip(("found", "true"), masks, strict=True):
            write_nifti(Volume(mask, affine(spacing)), folder / kind / f"{patient}.nii.gz")
    images, stacker = stacked(volumes, spacing)
    names = ["background", "class 1", "class 2"]
    ours = report(images, names, 100, stacker.cases)
    assert main(["score", str(folder / "found"), str(folder / "true"), "--classes", "3", "--tolerance", "1.7", "--quiet",
                 "--output", str(folder / "out")]) == 0  # fmt: skip
    theirs = json.loads((folder / "out" / "evaluation.json").read_text(encoding="utf-8"))
    assert_same(ours["per_patient"], theirs["per_patient"])
    assert ours["volumes"] == 2 and ours["images"] == 11 and theirs["units"]["volume"] == "ml"
    write_scores(folder / "ours", ours, images, names, stacker.cases)
    rows = [read_rows(folder / one / "per_patient.csv") for one in ("ours", "out")]
    for one, other in zip(*rows, strict=True):
        assert list(one) == list(other)
        for name, value in one.items():
            same = value == other[name]
            assert same or float(value) == pytest.approx(float(other[name]), rel=1e-6, abs=1.1e-6), name


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        if isinstance(value, dict):
            assert_same(value, theirs[name])
        elif isinstance(value, float):
            assert value == pytest.approx(theirs[name], rel=1e-6, abs=1e-6), name
        elif name != "ci95":
            assert value == theirs[name], name


def read_rows(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_structure_that_is_one_slice_too_high(tmp_path):
    """In the plane there is nothing to measure it by; in the volume it is one slice away."""
    true = np.zeros((8, 20, 20), np.uint8)
    true[2:5, 5:12, 5:12] = 1
    volumes = {"P": (np.roll(true, 1, 0), true)}
    images, stacker = stacked(volumes, (3.0, 1.0, 1.0))
    assert math.isnan(pool(images)[0].values()[0]["hausdorff"])
    (patient,) = pool(stacker.cases)
    assert patient.values()[0]["hausdorff"] == 3 and patient.values()[0]["component_f1"] == 1
    assert patient.values()[0]["volume_true"] == pytest.approx(147 * 3 / 1000)
    summary = report(images, ["background", "a", "b"], 100, stacker.cases)
    assert "8 images of 1 patients, 1 volumes" in headline(summary)


def test_probabilities_stay_those_of_the_slices():
    images, stacker = stacked({"P": blobs(3, (4, 9, 9))}, (2, 1, 1), calibrate=True)
    (one,), (other,) = pool(images), pool(stacker.cases)
    assert other.calibration.brier == one.calibration.brier
    assert [row["brier"] for row in one.values()] == [row["brier"] for row in other.values()]
    assert (one.counts == other.counts).all() and (one.confusion == other.confusion).all()


def test_a_gap_is_no_volume():
    volumes = {"P0": blobs(1, (5, 9, 9)), "P1": blobs(2, (5, 9, 9))}
    images, stacker = stacked(volumes, (2, 1, 1), drop=("P1-003",))
    assert stacker.notes == ["slices are missing in the scans of 1 patients: P1"]
    summary = report(images, ["background", "a", "b"], 100, stacker.cases)
    assert (summary["volumes"], summary["patients"], len(stacker.cases)) == (1, 2, 5)
    assert repr(pool(stacker.cases)[1].values()) == repr(pool(images)[1].values())


@pytest.mark.parametrize(
    ("places", "reason"),
    [
        ({"P-1": (1, (1, 3)), "P-2": (2, (1, 3))}, "missing"),
        ({"P-1": (2, (1, 2)), "P-2": (3, (1, 2))}, "missing"),
        ({"P-1": (1, None), "P-2": (3, None)}, "missing"),
        ({"P-1": (1, None), "P-2": (1, None)}, "one number"),
        ({"P-1": (1, None)}, "one slice only"),
        ({"P-1": (1, None), "Q-2": (2, None)}, "several patients"),
        ({"P-1": (1, None), "P-2": (2, None)}, None),
    ],
)
def test_only_what_is_whole_is_stacked(places, reason):
    known = {name: Place("scan", number, numbers, (1, 1, 1)) for name, (number, numbers) in places.items()}
    found = stacks_of(pairs_named(*places), known)
    assert bool(found.scans) == (reason is None) and (reason or "") in " ".join(found.notes)


def test_of_a_patient_all_scans_or_none():
    pairs = pairs_named("P-a-1", "P-a-2", "P-b-1", "P-b-3", "Q-1", "Q-2")
    found = stacks_of(pairs, places_by_names(pairs, (1, 1, 1), PATTERN))
    assert list(found.scans.values()) == [("Q-1", "Q-2")] and "1 patients: P" in found.notes[0]
    assert places_by_names(pairs_named("no number"), (1, 1, 1), PATTERN) is None


def test_slices_of_different_sizes():
    pairs = pairs_named("P-1", "P-2")
    stacker = Stacker(stacks_of(pairs, places_by_names(pairs, (1, 1, 1), PATTERN)), RULE, 1)
    for pair, size in zip(pairs, (8, 9), strict=True):
        mask = np.ones((size, size), np.uint8)
        stacker.add(mask, mask, score_masks(pair.name, "P", mask, mask, RULE, stacker.scale(pair.name)))
    assert len(stacker.cases) == 2 and "different sizes" in stacker.notes[0]


def test_several_volumes_of_a_patient_and_pictures_beside_them_still_pool():
    images, stacker = stacked({"P": blobs(1, (4, 9, 9))}, (2, 1, 1))
    assert len(pool([*stacker.cases, *stacker.cases, images[0]])) == 1


@pytest.fixture(scope="module")
def prepared_run(tmp_path_factory, quiet):
    """Six small scans, prepared (training slices thinned), and a network that finds something."""
    folder = tmp_path_factory.mktemp("prepared")
    d, h, w = np.indices((7, 40, 44))
    for number in range(6):
        ball = ((d - 3) * 3.5) ** 2 + (h - 18 - number) ** 2 + (w - 22) ** 2 < (6 + number % 3) ** 2
        hu = np.rint(-100 + 250 * ball + np.random.default_rng(number).normal(0, 10, ball.shape)).astype(np.int16)
        for kind, array in (("scans", hu), ("labels", ball.astype(np.uint8))):
            write_nifti(Volume(array, affine((2.5, 0.9, 0.8))), folder / kind / f"P{number}.nii.gz")
    options = {"scans_dir": folder / "scans", "labels_dir": folder / "labels", "output_dir": folder / "out",
               "workers": 1, "empty_share": 0.0, "image_width": 32, "image_height": 36}  # fmt: skip
    target = prepare_scans(PrepareSection.model_validate(options), quiet).target
    overrides = ["train.epochs=4", "train.learning_rate=0.02", "model.image_width=32", "model.image_height=32",
                 "model.num_layers=2", "model.base_filters=4", "train.precision=float32", "predict.precision=float32",
                 f"data.cache_dir={folder / 'cache'}"]  # fmt: skip
    return target, mw.train(target.config, overrides=overrides, run_dir=folder / "run", reporter=quiet)


def test_a_prepared_set_is_scored_as_scans(prepared_run, tmp_path, quiet):
    target, run = prepared_run
    summary = mw.evaluate(run, split="test", reporter=quiet).summary
    assert summary["volumes"] == summary["patients"] == 1 and summary["images"] == 7 and summary["pooled"] == []
    assert summary["units"] == {"distance": "mm", "volume": "ml", "tolerance": 2.0}
    assert len(read_rows(run.path / "per_image.csv")) == 7
    mw.predict(run, [target.images("test")], output=tmp_path / "masks", reporter=quiet)
    (patient,) = {path.name[:2] for path in target.masks("test").iterdir()}
    spacing = slice_spacing(target.read_geometry(patient))
    assert spacing == pytest.approx((2.5, 0.9 * 40 / 36, 0.8 * 44 / 32))
    for kind, folder in (("found", tmp_path / "masks"), ("true", target.masks("test"))):
        names = sorted(path.name for path in target.masks("test").iterdir())
        planes = [read_image(folder / name) > 0 for name in names]
        write_nifti(Volume(np.stack(planes).astype(np.uint8), affine(spacing)), tmp_path / kind / f"{patient}.nii.gz")
    arguments = [str(tmp_path / "found"), str(tmp_path / "true"), "--quiet", "--output", str(tmp_path / "out")]
    assert main(["score", *arguments]) == 0
    theirs = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))["per_patient"]
    assert theirs["dice"]["mean"] > 0.1  # it finds something
    ours = {name: value for name, value in summary["per_patient"].items() if name in theirs}
    assert_same(ours, theirs)
    (row,) = read_rows(run.path / "per_patient.csv")
    assert float(row["hausdorff95"] or "nan") == pytest.approx(theirs["hausdorff95"]["mean"] or math.nan, nan_ok=True)


def test_thinned_slices_are_not_taken_for_a_scan(prepared_run, quiet):
    _, run = prepared_run
    summary = mw.evaluate(run, split="train", reporter=quiet).summary
    assert summary["volumes"] == 0 and "slices are missing in the scans of 4 patients" in summary["pooled"][0]
    assert summary["units"]["distance"] == "mm"


def test_spacing_and_numbers_in_names(prepared_run, tmp_path, quiet):
    target, run = prepared_run
    for part in ("images", "masks"):
        shutil.copytree(target.path / "test" / part, tmp_path / part)
    (patient,) = {path.name[:2] for path in target.masks("test").iterdir()}
    spacing = list(slice_spacing(target.read_geometry(patient)))
    overrides = [f"data.test.images={tmp_path / 'images'}", f"data.test.masks={tmp_path / 'masks'}"]

    def evaluated(*more):
        return mw.evaluate(run, split="test", overrides=[*overrides, *more], reporter=quiet).summary

    known = mw.evaluate(run, split="test", reporter=quiet).summary
    assert_same(evaluated(f"evaluate.spacing={spacing}")["per_patient"], known["per_patient"])
    plane = evaluated(f"evaluate.spacing={spacing[1:]}")
    assert plane["volumes"] == 0 and plane["units"]["volume"] == "mm²" and plane["pooled"] == []
    assert evaluated()["units"]["distance"] == "px"  # no data set is around the copies
    unnamed = evaluated(f"evaluate.spacing={spacing}", r"data.slice_pattern=slice(\d+)")
    assert unnamed["volumes"] == 0 and unnamed["units"]["volume"] == "ml"
    for part in ("images", "masks"):
        (tmp_path / part / f"{patient}-0004.png").unlink()
    gap = evaluated(f"evaluate.spacing={spacing}")
    assert gap["volumes"] == 0 and "missing" in gap["pooled"][0]


def test_spacing_of_pictures_that_are_not_square():
    facts = {"affine": affine((3, 0.9, 0.8)).tolist(), "box": [[0, 5], [0, 60], [10, 50]], "size": [30, 40]}
    assert slice_spacing(facts) == pytest.approx((3, 1.8, 0.8))
    # 5 px of each edge are 20 of 30 rows and 30 of 40 columns, spread over the whole picture again.
    assert slice_spacing(facts, 5) == pytest.approx((3, 1.8 * 20 / 30, 0.8 * 30 / 40))

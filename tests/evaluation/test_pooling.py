"""A patient's pictures together, judged by SciPy: pooled surfaces and parts, what is undefined, and what is absent."""

import csv
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.distance import cdist
from skimage.measure import label

from maskwright.evaluation.distances import NAMES, Surfaces
from maskwright.evaluation.files import write_scores
from maskwright.evaluation.masks import Scale, picture_scale, scan_scale, score_masks
from maskwright.evaluation.scores import ImageScore, pool
from maskwright.evaluation.summary import headline, report
from maskwright.labels.rule import LabelRule

ONE = LabelRule()
SPACING = (0.7, 1.3)


def surface_points(mask):
    """Pixels that erosion with a cross takes away; what lies outside of the picture is background."""
    return np.argwhere(mask & ~ndimage.binary_erosion(mask)) * SPACING


def judge(pairs, tolerance):
    """Pooled surfaces from every distance of every pair of surface pixels; undefined is None."""
    there, back = [], []
    for found, true in pairs:
        one, other = surface_points(found), surface_points(true)
        table = cdist(one, other)
        there += table.min(axis=1).tolist() if len(other) else [math.inf] * len(one)
        back += table.min(axis=0).tolist() if len(one) else [math.inf] * len(other)
    both = np.array(there + back)
    if not len(both):
        return dict.fromkeys(NAMES)
    expected = {"surface_dice": np.count_nonzero(both.astype(np.float32) <= np.float32(tolerance)) / len(both)}
    sides = [np.array(sorted(side)) for side in (there, back)]
    percentiles = []
    for side in sides:
        # With so many infinite ones that the percentile lies among them there is none.
        place = 0.95 * (len(side) - 1)
        finite = bool(len(side)) and np.isfinite(side[math.ceil(place)])
        percentiles.append(np.percentile(np.where(np.isfinite(side), side, 1e9), 95) if finite else None)
    whole = np.isfinite(both).all() and len(there) and len(back)
    return expected | {
        "hausdorff": both.max() if whole else None,
        "surface_distance": both.mean() if whole else None,
        "hausdorff95": None if None in percentiles else max(percentiles),
    }


def masks(seed, count):
    """Pictures of which some have nothing in truth, prediction or both, and some a few pixels only."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        pair = []
        for _ in range(2):
            level = rng.choice([0.0, 0.02, 0.2, 0.5], p=[0.3, 0.2, 0.3, 0.2])
            field = ndimage.gaussian_filter(rng.random((14, 17)), 1.2)
            pair.append(field > np.quantile(field, 1 - level) if level else np.zeros((14, 17), bool))
        yield pair


@given(st.integers(0, 100_000), st.integers(2, 12), st.floats(0.5, 6))
def test_pooled_surfaces_and_parts(seed, count, tolerance):
    pairs = list(masks(seed, count))
    scale = picture_scale(SPACING, tolerance)
    images = [score_masks(f"{i}", "p", *(m.astype(np.uint8) for m in pair), ONE, scale) for i, pair in enumerate(pairs)]
    (patient,) = pool(images)
    (found,) = patient.values()
    for name, value in judge(pairs, tolerance).items():
        assert found[name] == pytest.approx(math.nan if value is None else value, rel=1e-5, nan_ok=True), name
    hit = missed = wrong = 0
    for prediction, truth in pairs:
        parts = [label(mask, connectivity=2) for mask in (truth, prediction)]
        touched = [len(set(part[other]) - {0}) for part, other in zip(parts, (prediction, truth), strict=True)]
        hit, missed = hit + touched[0], missed + parts[0].max() - touched[0]
        wrong += parts[1].max() - touched[1]
    every = 2 * hit + missed + wrong
    assert found["component_f1"] == pytest.approx(2 * hit / every if every else 1.0)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.integers(0, 8))
def test_the_percentile_with_infinite_distances(distances, infinite):
    """5 % infinite ones do no harm, also where the percentile falls on the last finite one."""
    side = np.array([*map(float, distances), *[math.inf] * infinite])
    found = Surfaces(side, np.zeros(1), 1.0).scores()["hausdorff95"]
    place, ordered = 0.95 * (len(side) - 1), np.sort(side)
    if np.isfinite(ordered[math.ceil(place)]):
        assert found == pytest.approx(np.percentile(np.where(np.isinf(side), 1e6, side), 95))
    else:
        assert math.isnan(found)


def patients(find, count=4):
    """20 slices a patient, the organ in four of them, scored as `find` finds it."""
    images = []
    for patient in range(count):
        for index in range(20):
            truth = np.zeros((40, 40), np.uint8)
            if 8 <= index < 12:
                truth[10:24, 10:24] = 1
            images.append(
                score_masks(f"{patient}-{index}", str(patient), find(truth), truth, ONE, picture_scale((1, 1), 2.0))
            )
    return images


def test_who_finds_nothing_has_no_distance(tmp_path):
    images = patients(np.zeros_like)
    summary = report(images, ["background", "organ"], 200) | {"units": picture_scale((1, 1), 2.0).units}
    found = summary["per_patient"]
    for name in ("hausdorff", "hausdorff95", "surface_distance"):
        assert found[name]["mean"] is None and found[name]["undefined"] == 4
    assert found["dice"]["mean"] == found["surface_dice"]["mean"] == found["component_f1"]["mean"] == 0
    assert summary["per_image"]["surface_dice"]["undefined"] == 64 and summary["per_image"]["surface_dice"]["mean"] == 0
    assert "distances undefined; 4 undefined, 0.000 within 2 mm" in headline(summary)
    write_scores(tmp_path, summary, images, ["background", "organ"])
    assert "per_patient.hausdorff95.undefined,4\n" in (tmp_path / "evaluation.csv").read_text(encoding="utf-8")
    with (tmp_path / "per_patient.csv").open(encoding="utf-8") as file:
        assert [row["hausdorff95"] for row in csv.DictReader(file)] == [""] * 4


def test_who_finds_it_has_the_distance_of_the_slices_that_hold_it():
    found = report(patients(lambda truth: np.roll(truth, 5, 0)), ["background", "organ"], 200)["per_patient"]
    assert found["hausdorff"]["mean"] == 5 and found["hausdorff"]["undefined"] == 0
    assert 0 < found["surface_dice"]["mean"] < 1


def test_one_stray_slice_spoils_the_maximum_and_not_the_percentile():
    def find(truth, seen=[0]):  # noqa: B006 - counts its calls
        seen[0] += 1
        stray = truth.copy()
        stray[0, 0] = seen[0] % 20 == 0  # one pixel, in the last slice of each patient
        return stray

    found = report(patients(find), ["background", "organ"], 200)["per_patient"]
    assert found["hausdorff"]["undefined"] == found["surface_distance"]["undefined"] == 4
    assert found["hausdorff95"]["mean"] == 0 and found["surface_dice"]["mean"] == pytest.approx(416 / 417)


def test_several_scans_of_a_patient_are_not_better_by_one_that_is_missed():
    scale, truth = scan_scale((1, 1, 1), 0.001, 1), np.zeros((4, 9, 9), np.uint8)
    empty = truth.copy()
    truth[1:3, 2:6, 2:6] = 1
    hit = score_masks("a", "p", np.roll(truth, 1, 1), truth, ONE, scale)
    missed, nothing = (score_masks(n, "p", empty, true, ONE, scale) for n, true in (("b", truth), ("c", empty)))
    assert math.isnan(pool([hit, missed])[0].values()[0]["hausdorff"])
    assert pool([hit, missed])[0].values()[0]["surface_dice"] == hit.values()[0]["surface_dice"] / 2
    assert pool([hit, nothing])[0].values()[0]["hausdorff"] == 1  # nothing was there, and nothing was found


def scored(*pairs, classes=3):
    rule, scale = LabelRule("index", classes), Scale((1.0, 1.0), 1.0, 1.0, "px", "px")
    return [score_masks(f"i{n}", f"p{n}", found, true, rule, scale) for n, (found, true) in enumerate(pairs)]


def test_a_class_of_no_truth_is_left_out_and_named(tmp_path):
    truth = np.zeros((12, 12), np.uint8)
    truth[2:6, 2:6] = 1
    half, invented = truth.copy(), truth.copy()
    half[2:4] = 0
    invented[8:10, 8:10] = 2
    names = ["background", "a", "b"]
    summary = report(scored((half, truth), (truth, truth)), names, 200)
    assert summary["absent_classes"] == ["b"]
    assert summary["per_patient"]["dice"]["mean"] == pytest.approx((2 / 3 + 1) / 2)
    assert summary["per_patient"]["dice"]["undefined"] == 0
    for name in ("dice", "iou", "component_f1", "panoptic_quality", "hausdorff"):
        assert summary["per_patient"]["b"][name]["mean"] is None and summary["per_patient"]["b"][name]["undefined"] == 2
    images = scored((truth, truth), (invented, truth))
    summary = report(images, names, 200)
    assert summary["per_patient"]["dice"]["mean"] == 1 and summary["per_patient"]["b"]["dice"]["mean"] == 0
    assert summary["per_patient"]["b"]["dice"]["n"] == 1  # where it was invented
    assert summary["worst"][0]["dice"] == 1 and "b: left out of means" in headline(summary)
    write_scores(tmp_path, summary, images, names)
    with (tmp_path / "per_patient.csv").open(encoding="utf-8") as file:
        cells = {(row["patient"], row["class"]): row["dice"] for row in csv.DictReader(file)}
    assert cells["p0", "b"] == "" and float(cells["p1", "b"]) == 0 and float(cells["p1", "a"]) == 1


def test_nothing_anywhere_is_undefined():
    nothing = np.zeros((5, 5), np.uint8)
    summary = report(scored((nothing, nothing), classes=2), ["background", "organ"], 200)
    assert summary["per_patient"]["dice"]["mean"] is None and summary["worst"] == []
    assert summary["absent_classes"] == ["organ"] and "undefined" in headline(summary)


def test_a_mean_of_fewer_classes_is_counted():
    """Class 2 is in both truths and found in one: the mean distance of the other patient is of class 1 alone."""
    truth = np.zeros((16, 16), np.uint8)
    truth[2:6, 2:6], truth[10:14, 10:14] = 1, 2
    far = np.where(truth == 2, 0, truth)
    far[10:14, 8:12] = 2
    missed = np.where(truth == 2, 0, truth).astype(np.uint8)
    summary = report(scored((far.astype(np.uint8), truth), (missed, truth)), ["background", "a", "b"], 200)
    found = summary["per_patient"]["hausdorff"]
    assert (found["mean"], found["n"], found["undefined"]) == (0.5, 2, 1)
    assert summary["per_patient"]["b"]["hausdorff"]["undefined"] == 1


def test_no_known_pixel_is_no_score():
    ignored, found = np.full((4, 4), 255, np.uint8), np.ones((4, 4), np.uint8)
    assert math.isnan(score_masks("a", "a", found, ignored, ONE, picture_scale([], 1)).values()[0]["dice"])


def test_scores_without_masks_still_pool():
    images = [ImageScore("a", "p", np.array([[3, 1, 0, 9]])), ImageScore("b", "p", np.array([[0, 0, 2, 9]]))]
    assert pool(images)[0].values()[0]["dice"] == pytest.approx(6 / 9)

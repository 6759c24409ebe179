"""The Dice by which epochs and settings are chosen, against scikit-learn case by case."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from maskwright.evaluation.case_dice import CaseDice
from maskwright.labels.rule import LabelRule


def judge(cases, classes):
    """Mean over cases of the mean over the classes that occur in a truth; empty against empty is 1."""
    there = [k for k in range(1, classes) if any((truth == k).any() for _, truth in cases)]
    rows = []
    for prediction, truth in cases:
        known = truth != 255
        if known.any():
            pairs = [(truth[known] == k, prediction[known] == k) for k in there]
            rows.append([f1_score(t, p, zero_division=1.0) for t, p in pairs])
    return float(np.mean(rows)) if rows and there else math.nan


@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(1, 4), st.floats(0, 1))
def test_the_mean_over_cases_of_the_mean_over_classes(seed, classes, count, ignored):
    rng = np.random.default_rng(seed)
    found, cases = CaseDice(LabelRule("index", classes, ignore=9)), []
    for number in range(count):
        shape = (int(rng.integers(1, 6)), 5, 7)
        # Few classes a case, so that some are missing here, and some everywhere.
        truth = rng.choice(rng.integers(0, classes, 2), shape).astype(np.uint8)
        prediction = rng.integers(0, classes, shape).astype(np.uint8) * (rng.random() < 0.7)
        truth[rng.random(shape) < ignored] = 255
        cases.append((prediction, truth))
        for index in rng.permutation(shape[0]):  # slice by slice, in any order
            found.add(f"case {number}", prediction[index], truth[index])
    assert found.mean() == pytest.approx(judge(cases, classes), nan_ok=True)
    assert len(found.cases()) == count


def test_slices_are_no_cases_of_their_own():
    """One slice of ten has the organ and is missed half: the case's Dice, not nine empty slices of 1."""
    found = CaseDice(LabelRule("binary", 2))
    truth, prediction = np.zeros((10, 8, 8), np.uint8), np.zeros((10, 8, 8), np.uint8)
    truth[4, 2:4, 2:6] = prediction[4, 2:4, 2:4] = 1
    for one, true in zip(prediction, truth, strict=True):
        found.add("a", one, true)
    assert found.mean() == pytest.approx(2 * 4 / (8 + 4))


def test_regions_overlap():
    found = CaseDice(LabelRule("index", 3, regions=((1, 2), (2,))))
    found.add("a", np.array([[1, 1, 0, 0]], np.uint8), np.array([[1, 2, 0, 0]], np.uint8))
    assert found.mean() == pytest.approx((1 + 0) / 2)


def test_a_class_of_no_truth_neither_helps_nor_harms():
    rule, truth = LabelRule("index", 4), np.array([[0, 1, 1, 0]], np.uint8)
    for prediction in (truth, np.array([[3, 1, 1, 0]], np.uint8)):
        found = CaseDice(rule)
        found.add("a", prediction, truth)
        assert found.mean() == 1


def test_nothing_to_score_is_undefined():
    assert math.isnan(CaseDice(LabelRule("binary", 2)).mean())
    empty = CaseDice(LabelRule("binary", 2))
    empty.add("a", np.zeros((3, 3), np.uint8), np.zeros((3, 3), np.uint8))
    assert math.isnan(empty.mean())  # no truth has it

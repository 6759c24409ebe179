import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from maskwright.evaluation.calibration import BINS, Calibration
from maskwright.labels.regions import membership


def case(seed, classes):
    rng = np.random.default_rng(seed)
    p = rng.random((20, 21, classes), np.float32) ** 2
    if classes > 1:
        p /= p.sum(axis=-1, keepdims=True)
    return p, rng.integers(0, max(classes, 2), (20, 21)).astype(np.uint8)


@given(st.integers(0, 10_000))
def test_one_structure_against_scikit_learn(seed):
    p, truth = case(seed, 1)
    found = Calibration()
    for rows in (slice(0, 7), slice(7, 20)):
        found.add(p[rows], truth[rows])
    flat, true = p.ravel().astype(float), truth.ravel()
    assert found.brier == pytest.approx(brier_score_loss(true, flat), abs=1e-6)
    confidence, right = np.maximum(flat, 1 - flat), (flat >= 0.5) == true
    share, mean = calibration_curve(right, confidence, n_bins=BINS)
    edges = np.linspace(0, 1, BINS + 1)
    counts = np.histogram(confidence, edges)[0]
    expected = (np.abs(share - mean) * counts[counts > 0]).sum() / len(flat)
    assert found.error == pytest.approx(expected, abs=1e-6)


@given(st.integers(0, 10_000), st.integers(2, 5))
def test_several_classes_against_the_formulas(seed, classes):
    p, truth = case(seed, classes)
    truth[:2] = 255
    found = Calibration()
    found.add(p, truth)
    known = truth != 255
    q, one_hot = p[known].astype(float), np.eye(classes)[truth[known]]
    assert found.brier == pytest.approx(((q - one_hot) ** 2).sum(axis=1).mean(), abs=1e-6)
    confidence, right = q.max(axis=1), q.argmax(axis=1) == truth[known]
    error = 0.0
    for place in range(BINS):
        inside = (confidence > place / BINS) & (confidence <= (place + 1) / BINS)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert found.error == pytest.approx(error, abs=1e-6)


def test_regions_count_one_by_one_and_parts_add_up():
    regions = ((1, 2), (2,))
    truth = np.random.default_rng(0).integers(0, 3, (12, 13)).astype(np.uint8)
    p = np.random.default_rng(1).random((12, 13, 2), np.float32)
    whole, one, other = Calibration(), Calibration(), Calibration()
    whole.add(p, truth, membership(regions))
    one.add(p[..., :1], (truth > 0).astype(np.uint8))
    other.add(p[..., 1:], (truth == 2).astype(np.uint8))
    both = one.merged(other)
    assert both.brier == pytest.approx(whole.brier) and both.error == pytest.approx(whole.error)
    assert np.array_equal(both.counts, whole.counts) and sum(x["pixels"] for x in both.as_dict()["bins"]) == 312


def test_certain_and_right_is_perfect_and_nothing_is_undefined():
    found = Calibration()
    assert np.isnan(found.brier) and np.isnan(found.error)
    found.add(np.array([[0.0], [1.0]], np.float32), np.array([0, 1], np.uint8))
    assert found.brier == 0 and found.error == 0

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from maskwright.evaluation.scores import ImageScore, count_pixels, pool, scores, table
from maskwright.evaluation.summary import bootstrap_interval, report, summarize

masks = st.integers(2, 4).flatmap(
    lambda classes: st.tuples(
        st.just(classes),
        *[st.lists(st.integers(0, classes - 1), min_size=30, max_size=30) for _ in range(2)],
    )
)


@given(masks)
def test_counts_and_scores_agree_with_scikit_learn(drawn):
    classes, prediction, truth = drawn[0], *(np.array(values, np.uint8).reshape(5, 6) for values in drawn[1:])
    for number, row in enumerate(count_pixels(prediction, truth, classes), start=1):
        t, p = truth.ravel() == number, prediction.ravel() == number
        tn, fp, fn, tp = metrics.confusion_matrix(t, p, labels=[False, True]).ravel()
        assert row.tolist() == [tp, fp, fn, tn]
        found = scores(row)
        assert found["dice"] == pytest.approx(metrics.f1_score(t, p, zero_division=1.0))
        assert found["iou"] == pytest.approx(metrics.jaccard_score(t, p) if t.any() or p.any() else 1.0)
        assert found["sensitivity"] == pytest.approx(metrics.recall_score(t, p, zero_division=np.nan), nan_ok=True)
        assert found["precision"] == pytest.approx(metrics.precision_score(t, p, zero_division=np.nan), nan_ok=True)
        assert found["specificity"] == pytest.approx(metrics.recall_score(~t, ~p, zero_division=np.nan), nan_ok=True)


def score(name, patient, tp, fp, fn, tn=100):
    return ImageScore(name, patient, np.array([[tp, fp, fn, tn]]))


IMAGES = [score("a1", "a", 10, 0, 0), score("a2", "a", 0, 0, 10), score("b1", "b", 5, 5, 0), score("c1", "c", 0, 0, 0)]


def test_a_patients_slices_are_pooled():
    found = {item.patient: scores(item.counts[0])["dice"] for item in pool(IMAGES)}
    assert found == {"a": pytest.approx(20 / 30), "b": pytest.approx(10 / 15), "c": 1.0}


def test_the_report():
    found = report(IMAGES, ["background", "organ"], 500)
    assert (found["images"], found["patients"], found["empty_truth"]) == (4, 3, 1)
    dice = found["per_image"]["dice"]
    assert dice["mean"] == pytest.approx((1 + 0 + 2 / 3 + 1) / 4)
    assert dice["median"] == pytest.approx((1 + 2 / 3) / 2)
    assert (dice["min"], dice["max"], dice["n"]) == (0, 1, 4)
    assert found["per_image"]["sensitivity"]["n"] == 3  # undefined without any truth
    assert found["per_patient"]["dice"]["std"] == pytest.approx(np.std([2 / 3, 2 / 3, 1], ddof=1))
    low, high = found["per_patient"]["dice"]["ci95"]
    assert low <= found["per_patient"]["dice"]["mean"] <= high
    assert "ci95" not in found["per_image"]["dice"]


def test_several_classes_have_scores_of_their_own():
    counts = np.array([[10, 0, 0, 90], [0, 10, 10, 80]])
    found = report([ImageScore("x", "x", counts)], ["background", "liver", "spleen"])
    assert found["per_image"]["dice"]["mean"] == 0.5
    assert found["per_patient"]["liver"]["dice"]["mean"] == 1
    assert found["per_patient"]["spleen"]["dice"]["mean"] == 0
    assert [row["class"] for row in table([ImageScore("x", "x", counts)], ["background", "liver", "spleen"])] == [
        "liver",
        "spleen",
    ]


def test_the_interval_agrees_with_scipy():
    values = np.random.default_rng(0).normal(0.8, 0.1, 20)
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=5000, random_state=0
    ).confidence_interval
    assert bootstrap_interval(values, 5000) == pytest.approx([theirs.low, theirs.high], abs=0.005)
    assert bootstrap_interval([0.5]) is None
    assert bootstrap_interval(values) == bootstrap_interval(values)


def test_nothing_defined_gives_nothing():
    assert summarize([math.nan])["mean"] is None and summarize([])["n"] == 0


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="truth is"):
        count_pixels(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8), 2)

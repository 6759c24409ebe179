"""Metrics against scikit-learn, and where masks are empty, full, of one pixel, ignored, or volumes."""

import numpy as np
import pytest
from keras import ops
from sklearn.metrics import accuracy_score, balanced_accuracy_score, precision_score, recall_score

from maskwright.errors import MaskwrightError
from maskwright.losses import Kind
from maskwright.metrics import METRICS, get_metric, try_metric

RNG = np.random.default_rng(3)
# Bounds that fail where a sum over pixels stops being exact would be no use on tiny arrays.
SHAPES = [(2, 12, 14), (2, 6, 7, 8)]


def value(name, truth, prediction, **options):
    metric = get_metric(name, **options)
    metric.update_state(truth, prediction)
    return float(ops.convert_to_numpy(metric.result()))


def hard(shape):
    """Decided masks, so that scikit-learn's counts are the same thing."""
    truth = (RNG.random((*shape, 1)) < 0.3).astype(np.float32)
    return truth, np.where(RNG.random(truth.shape) < 0.2, 1 - truth, truth)


@pytest.mark.parametrize("shape", SHAPES)
def test_counts_agree_with_scikit_learn(shape):
    truth, prediction = hard(shape)
    pair = truth.ravel(), prediction.ravel()
    assert value("precision", truth, prediction) == pytest.approx(precision_score(*pair), abs=1e-5)
    assert value("sensitivity", truth, prediction) == pytest.approx(recall_score(*pair), abs=1e-5)
    assert value("balanced_accuracy", truth, prediction) == pytest.approx(balanced_accuracy_score(*pair), abs=1e-5)
    assert value("accuracy", truth, prediction) == pytest.approx(accuracy_score(*pair), abs=1e-5)


@pytest.mark.parametrize("name", sorted(METRICS))
@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["empty", "full", "one pixel"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_every_metric_is_finite_and_a_share(name, classes, shape, kind, dtype):
    truth = np.full((*shape, 1), 0.0 if kind != "full" else max(1, classes - 1), np.float32)
    if kind == "one pixel":
        truth[(0,) * truth.ndim] = 1
    for prediction in (np.zeros((*shape, classes)), np.ones((*shape, classes)), RNG.random((*shape, classes))):
        found = value(name, truth, ops.cast(ops.convert_to_tensor(prediction.astype("float32")), dtype))
        assert np.isfinite(found) and -1e-6 <= found <= 1 + 1e-6


@pytest.mark.parametrize("name", sorted(set(METRICS) - {"cldice_coef"}))
@pytest.mark.parametrize("classes", [1, 3])
def test_ignored_pixels_count_as_if_they_were_not_there(name, classes):
    truth = RNG.integers(0, max(2, classes), (1, 12, 14, 1)).astype(np.float32)
    prediction = RNG.random((1, 12, 14, 1)) if classes == 1 else RNG.dirichlet((1,) * classes, (1, 12, 14))
    prediction = prediction.astype(np.float32)
    hidden = truth.copy()
    hidden[:, 8:] = 255
    expected = value(name, truth[:, :8], prediction[:, :8])
    assert value(name, hidden, prediction, ignore_label=255) == pytest.approx(expected, abs=1e-5)


KERAS = [
    "BinaryIoU(target_class_ids=[1])", "BinaryAccuracy()", "Precision()", "Recall()", "AUC()", "CategoricalAccuracy()",
    "SparseCategoricalAccuracy()", "MeanIoU(num_classes=COUNT)", "OneHotMeanIoU(num_classes=COUNT)", "F1Score()",
]  # fmt: skip


@pytest.mark.parametrize("name", KERAS)
@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("dims", [2, 3])
def test_metrics_of_keras_tell_masks_apart_and_leave_out_what_is_not_known(name, classes, dims):
    name = name.replace("COUNT", str(max(2, classes)))
    try_metric(name, Kind(dims, classes))
    shape = (2, *[6] * dims)
    truth = RNG.integers(0, max(2, classes), (*shape, 1)).astype(np.float32)
    choice = np.eye(max(2, classes), dtype=np.float32)[truth[..., 0].astype(int)]
    perfect = truth if classes == 1 else choice
    wrong = 1 - truth if classes == 1 else np.roll(choice, 1, -1)
    hidden = truth.copy()
    hidden[:, 3:] = 255
    mixed = np.where(hidden == 255, wrong, perfect)

    def of(labels, prediction):
        metric = get_metric(name)
        metric.update_state(labels, prediction)
        return float(metric.result())

    assert of(truth, perfect) > of(truth, wrong) + 0.1
    assert of(hidden, mixed) == pytest.approx(of(truth[:, :3], perfect[:, :3]), abs=1e-5)


@pytest.mark.parametrize("classes", [1, 3])
def test_counts_are_of_the_classes_after_the_background_as_scikit_learn_has_them(classes):
    truth = RNG.integers(0, max(2, classes), (2, 9, 9, 1)).astype(np.float32)
    decided = RNG.integers(0, max(2, classes), (2, 9, 9))
    prediction = decided[..., None].astype(np.float32) if classes == 1 else np.eye(classes, dtype=np.float32)[decided]
    labels = range(1, max(2, classes))
    judge = {"sensitivity": recall_score, "precision": precision_score}
    for name, function in judge.items():
        expected = function(truth.ravel().astype(int), decided.ravel(), labels=list(labels), average="micro")
        assert value(name, truth, prediction) == pytest.approx(expected, abs=1e-5), name
    nothing = np.zeros_like(prediction)
    if classes > 1:
        nothing[..., 0] = 1
    assert value("sensitivity", truth, nothing) == 0


def test_a_metric_that_cannot_judge_is_refused():
    for text, words in (
        ("MeanIoU(num_classes=5)", "num_classes"),
        ("Mean()", "does not look at the truth"),
        ("BinaryCrossentropy(from_logits=True)", "from_logits"),
    ):
        with pytest.raises(MaskwrightError, match=words):
            try_metric(text, Kind(2, 3))

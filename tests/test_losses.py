import re

import keras
import numpy as np
import pytest

from maskwright.errors import MaskwrightError
from maskwright.losses import LOSSES, get_loss
from maskwright.metrics import METRICS, get_metric

RNG = np.random.default_rng(0)
T = np.array([1, 1, 0, 0], np.float32).reshape(1, 2, 2, 1)
P = np.array([0.9, 0.4, 0.2, 0.0], np.float32).reshape(1, 2, 2, 1)
BCE = -(np.log(0.9) + np.log(0.4) + np.log(0.8) + np.log(1 - 1e-7)) / 4
DICE = (2 * 1.3 + 1) / (2 + 1.5 + 1)
IOU = 1.3 / (2 + 1.5 - 1.3)


# The boundary loss rewards what is right with negative values.
SIGNED = {"boundary_loss", "dice_boundary_loss", "dice_ce_boundary_loss"}


def value(tensor):
    return float(keras.ops.convert_to_numpy(tensor).mean())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("binary_crossentropy", BCE), ("dice_loss", 1 - DICE), ("iou_loss", 1 - IOU), ("jacard_loss", 1 - IOU),
        ("bce_dice_loss", (BCE + 1 - DICE) / 2), ("bce_iou_loss", (BCE + 1 - IOU) / 2),
    ],
)  # fmt: skip
def test_losses_by_hand(name, expected):
    assert value(get_loss(name)(T, P)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("binary_accuracy", 0.75), ("accuracy", 0.75), ("dice_coef", DICE), ("iou_coef", IOU), ("jacard_similarity", IOU),
        ("sensitivity", 0.5), ("specificity", 1.0), ("dice_per_image", 2 / 3),
    ],
)  # fmt: skip
def test_metrics_by_hand(name, expected):
    assert value(METRICS[name](T, P)) == pytest.approx(expected, abs=1e-5)
    metric = get_metric(name)
    metric.update_state(T, P)
    assert value(metric.result()) == pytest.approx(expected, abs=1e-5)


def test_sums_run_over_the_batch_and_per_image_dice_does_not():
    truth = np.concatenate([T, np.zeros_like(T)])
    prediction = np.concatenate([P, np.full_like(P, 0.1)])
    assert value(METRICS["dice_coef"](truth, prediction)) == pytest.approx((2 * 1.3 + 1) / (2 + 1.9 + 1))
    both = METRICS["dice_per_image"](truth, prediction)
    assert keras.ops.convert_to_numpy(both) == pytest.approx([2 / 3, 1.0])


def test_ssim_agrees_with_tensorflow():
    tf = pytest.importorskip("tensorflow")
    truth = RNG.integers(0, 2, (3, 40, 52, 1)).astype(np.float32)
    prediction = RNG.random((3, 40, 52, 1), dtype=np.float32)
    theirs = float(tf.reduce_mean(tf.image.ssim(truth, prediction, max_val=1.0)))
    assert value(get_loss("ssim_loss")(truth, prediction)) == pytest.approx(1 - theirs, abs=1e-5)
    parts = sum(value(get_loss(name)(truth, prediction)) for name in ("binary_crossentropy", "ssim_loss", "iou_loss"))
    assert value(get_loss("basnet_hybrid_loss")(truth, prediction)) == pytest.approx(parts / 3, abs=1e-5)


def several_classes():
    truth = RNG.integers(0, 3, (2, 16, 16, 1)).astype(np.float32)
    scores = RNG.random((2, 16, 16, 3)).astype(np.float32)
    return truth, scores / scores.sum(-1, keepdims=True)


def test_several_classes_are_means_after_the_background():
    truth, prediction = several_classes()
    one_hot = np.eye(3, dtype=np.float32)[truth[..., 0].astype(int)]
    dice = [
        (2 * (one_hot[..., k] * prediction[..., k]).sum() + 1) / (one_hot[..., k].sum() + prediction[..., k].sum() + 1)
        for k in (1, 2)
    ]
    assert value(get_loss("dice_loss")(truth, prediction)) == pytest.approx(1 - np.mean(dice), abs=1e-5)
    crossentropy = -np.log((one_hot * prediction).sum(-1)).mean()
    assert value(get_loss("categorical_crossentropy")(truth, prediction)) == pytest.approx(crossentropy, abs=1e-5)
    assert value(get_loss("bce_dice_loss")(truth, prediction)) == pytest.approx(
        (crossentropy + 1 - np.mean(dice)) / 2, abs=1e-5
    )
    assert value(get_loss("bce_dice_loss")(one_hot, prediction)) == pytest.approx(
        (crossentropy + 1 - np.mean(dice)) / 2, abs=1e-5
    )


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("kind", ["empty", "full", "one pixel"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_gradients_are_finite(name, kind, dtype):
    tf = pytest.importorskip("tensorflow")
    truth = np.full((2, 16, 16, 1), kind == "full", np.float32)
    truth[0, 3, 3] = 1 if kind == "one pixel" else truth[0, 3, 3]
    for level in (0.0, 0.3, 1.0):
        prediction = tf.Variable(tf.fill((2, 16, 16, 1), tf.cast(level, dtype)))
        with tf.GradientTape() as tape:
            loss = get_loss(name)(truth, prediction)
        gradient = tape.gradient(loss, prediction)
        assert np.isfinite(float(loss))
        assert np.isfinite(tf.cast(gradient, tf.float32).numpy()).all()


@pytest.mark.parametrize("name", sorted(set(LOSSES) - SIGNED))
def test_a_perfect_prediction_costs_nothing(name):
    classes = 2 if name == "categorical_crossentropy" else 1
    truth = RNG.integers(0, 2, (2, 16, 16, 1)).astype(np.float32)
    prediction = np.concatenate([1 - truth, truth], -1) if classes == 2 else truth
    assert value(get_loss(name)(truth, prediction)) == pytest.approx(0, abs=1e-4)


def test_keras_objects_by_text_and_nothing_else():
    found, p = (value(get_loss(f"tf.keras.losses.BinaryFocalCrossentropy(gamma={gamma})")(
        np.ones((1, 2, 2, 1), np.float32), np.full((1, 2, 2, 1), 0.3, np.float32))) for gamma in (1.5, 0.0))  # fmt: skip
    assert found == pytest.approx(0.7**1.5 * p, abs=1e-5) and p == pytest.approx(-np.log(0.3), abs=1e-5)
    truth, prediction = several_classes()
    expected = value(get_loss("categorical_crossentropy")(truth, prediction))
    assert value(get_loss("tf.keras.losses.CategoricalCrossentropy('loss')")(truth, prediction)) == pytest.approx(
        expected
    )
    assert get_metric("BinaryAccuracy(threshold=0.7)").name == "binary_accuracy"
    for text in ("dice_los", "open('/etc/passwd')", "__import__('os')", "a b"):
        with pytest.raises(MaskwrightError, match=f"there is no loss ['\"]{re.escape(text)}"):
            get_loss(text)
    with pytest.raises(MaskwrightError, match="Only literal arguments are read"):
        get_loss("BinaryFocalCrossentropy(gamma=open('x'))")
    with pytest.raises(MaskwrightError, match="Did you mean 'dice_loss'"):
        get_loss("dice_los")

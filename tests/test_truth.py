"""The contract of losses and metrics: one-hot truth and what is known of it, against NumPy and SciPy on known pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from scipy import ndimage

from maskwright.errors import MaskwrightError
from maskwright.labels.regions import membership
from maskwright.losses import LOSSES, choose_loss
from maskwright.losses.truth import read_truth
from maskwright.metrics import METRICS, get_metric

TABLE = membership(((1, 2, 4), (1, 4), (4,)))


def case(seed, classes, shape=(2, 13, 14), hidden=0.3):
    """Labels with unknown pixels here and there, and a prediction."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, max(2, classes), (*shape, 1)).astype(np.float32)
    labels[rng.random(labels.shape) < hidden] = 255
    if classes == 1:
        return labels, rng.random((*shape, 1), dtype=np.float32)
    return labels, rng.dirichlet((1,) * classes, shape).astype(np.float32)


def value(tensor):
    return float(ops.convert_to_numpy(tensor).mean())


def known_pixels(labels, prediction):
    """`(N, K)` one-hot and prediction of the known pixels, the background as a class of its own."""
    known = labels[..., 0] < 255
    number, found = labels[..., 0][known].astype(int), prediction[known].astype(np.float64)
    if found.shape[-1] == 1:
        found = np.concatenate([1 - found, found], -1)
    return np.eye(found.shape[-1])[number], found


# Formulas on `(N, K)`, K at least 2: only known pixels are there.
def ce(t, p):
    return -np.log((t * p).sum(-1))


def bce(t, p):
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()


def cross_entropy(t, p):
    return bce(t, p) if t.shape[-1] == 2 else ce(t, p).mean()


def dice(t, p, smooth=1.0):
    return np.mean(
        [(2 * (a * b).sum() + smooth) / (a.sum() + b.sum() + smooth) for a, b in zip(t.T[1:], p.T[1:], strict=True)]
    )


def iou(t, p):
    return np.mean([(a * b).sum() / (a + b - a * b).sum() for a, b in zip(t.T[1:], p.T[1:], strict=True)])


def tversky(t, p):
    index = [(a * b).sum() for a, b in zip(t.T[1:], p.T[1:], strict=True)]
    over = [((1 - a) * b).sum() for a, b in zip(t.T[1:], p.T[1:], strict=True)]
    under = [(a * (1 - b)).sum() for a, b in zip(t.T[1:], p.T[1:], strict=True)]
    return np.array([(i + 1) / (i + 0.3 * o + 0.7 * u + 1) for i, o, u in zip(index, over, under, strict=True)])


def generalised(t, p):
    w = 1 / np.maximum(t.sum(0), 1) ** 2
    return 1 - 2 * (w * (t * p).sum(0)).sum() / (w * (t + p).sum(0)).sum()


def top(t, p):
    costs = np.sort(ce(t, p))
    return costs[-max(1, int(len(costs) * 0.1)) :].mean()


def lovasz(t, p):
    found = []
    for a, b in zip(t.T[1:], p.T[1:], strict=True):
        order = np.argsort(-np.abs(a - b), kind="stable")
        errors, a = np.abs(a - b)[order], a[order]
        jaccard = 1 - (a.sum() - np.cumsum(a)) / (a.sum() + np.cumsum(1 - a))
        found.append((errors * np.diff(jaccard, prepend=0)).sum())
    return np.mean(found)


JUDGES = {
    "cross_entropy_loss": lambda t, p: ce(t, p).mean(),
    "focal_loss": lambda t, p: ((1 - (t * p).sum(-1)) ** 2 * ce(t, p)).mean(),
    "topk_cross_entropy_loss": top,
    "dice_ce_loss": lambda t, p: ce(t, p).mean() + 1 - dice(t, p, 1e-5),
    "dice_loss": lambda t, p: 1 - dice(t, p),
    "iou_loss": lambda t, p: 1 - iou(t, p),
    "bce_dice_loss": lambda t, p: (cross_entropy(t, p) + 1 - dice(t, p)) / 2,
    "bce_iou_loss": lambda t, p: (cross_entropy(t, p) + 1 - iou(t, p)) / 2,
    "tversky_loss": lambda t, p: 1 - tversky(t, p).mean(),
    "focal_tversky_loss": lambda t, p: ((1 - tversky(t, p)) ** 0.75).mean(),
    "generalized_dice_loss": generalised,
    "lovasz_loss": lovasz,
    # Keras's, whose epsilon is 1e-7.
    "Dice()": lambda t, p: 1 - 2 * (t * p).sum() / (t + p).sum(),
    "Tversky(alpha=0.3, beta=0.7)": lambda t, p: (
        1 - (t * p).sum() / ((t * p).sum() + 0.3 * (t * (1 - p)).sum() + 0.7 * (p * (1 - t)).sum())
    ),
    "BinaryCrossentropy()": bce,
    "CategoricalCrossentropy()": lambda t, p: ce(t, p).mean(),
    "SparseCategoricalCrossentropy()": lambda t, p: ce(t, p).mean(),
    "CategoricalFocalCrossentropy()": lambda t, p: (0.25 * (1 - (t * p).sum(-1)) ** 2 * ce(t, p)).mean(),
    "CategoricalGeneralizedCrossEntropy(q=0.5)": lambda t, p: ((1 - (t * p).sum(-1) ** 0.5) / 0.5).mean(),
    "MeanSquaredError()": lambda t, p: ((t - p) ** 2).mean(),
    "MeanAbsoluteError()": lambda t, p: np.abs(t - p).mean(),
    "KLDivergence()": lambda t, p: ce(t, p).mean(),
    "CosineSimilarity()": lambda t, p: -((t * p).sum(-1) / np.linalg.norm(p, axis=-1)).mean(),
}
STRUCTURE = {"Dice()", "Tversky(alpha=0.3, beta=0.7)"}  # of Keras: one structure is judged without its background


@pytest.mark.parametrize("name", sorted(JUDGES))
@pytest.mark.parametrize("classes", [1, 2, 3])
@pytest.mark.parametrize("shape", [(2, 13, 14), (2, 5, 6, 7)])
@settings(max_examples=3)
@given(seed=st.integers(0, 2**16), hidden=st.sampled_from([0.0, 0.3, 0.9]))
def test_a_loss_is_that_of_the_known_pixels(name, classes, shape, seed, hidden):
    if classes == 2 and name.startswith("bce"):
        return  # two classes are categorical and one structure is binary: the judge cannot tell them apart
    labels, prediction = case(seed, classes, shape, hidden)
    truth, found = known_pixels(labels, prediction)
    if classes == 1 and name in STRUCTURE:
        truth, found = truth[:, 1:], found[:, 1:]
    expected = JUDGES[name](truth, found)
    assert value(choose_loss(name)(labels, prediction)) == pytest.approx(expected, rel=1e-4, abs=1e-5)
    one_hot = np.eye(256, dtype=np.float32)[labels[..., 0].astype(int)][..., :classes]
    one_hot[labels[..., 0] == 255] = 255
    if classes > 1:
        assert value(choose_loss(name)(one_hot, prediction)) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 0.99])
def test_nothing_fades_as_unknown_pixels_grow(share):
    rng = np.random.default_rng(0)
    labels = np.tile(np.float32([0, 1]), (2, 32, 16))[..., None]
    labels[:, : int(share * 32)] = 255
    prediction = np.full_like(labels, 0.3)
    expected = -(np.log(0.3) + np.log(0.7)) / 2
    for name in ("cross_entropy_loss", "binary_crossentropy", "BinaryCrossentropy()"):
        assert value(choose_loss(name, (), 255)(labels, prediction)) == pytest.approx(expected, abs=1e-5)
    prediction[labels == 255] = rng.random(int((labels == 255).sum()))
    assert value(METRICS["binary_accuracy"](labels, prediction)) == pytest.approx(0.5)


def test_boundary_loss_looks_at_known_pixels_only():
    labels, prediction = case(4, 1, (1, 20, 22))
    known, inside = labels[0, ..., 0] < 255, labels[0, ..., 0] == 1
    outer = ndimage.distance_transform_edt(~(inside & known))
    inner = ndimage.distance_transform_edt(~(~inside & known))
    expected = (prediction[0, ..., 0] * np.where(inside, -inner, outer))[known].mean()
    assert value(choose_loss("boundary_loss")(labels, prediction)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("shape", [(1, 18, 20), (1, 13, 14, 12)])
def test_ssim_is_that_of_the_windows_that_are_known_as_a_whole(shape):
    labels, prediction = case(5, 1, shape, 0)
    labels[(0, *[slice(0, 3)] * (len(shape) - 1))] = 255
    dims, size, sigma = len(shape) - 1, 11, 1.5
    bell = np.exp(-0.5 * ((np.arange(size) - 5) / sigma) ** 2)
    window = bell / bell.sum()
    for _ in range(dims - 1):
        window = np.multiply.outer(window, bell / bell.sum())
    t, p = labels[0, ..., 0].astype(float), prediction[0, ..., 0].astype(float)
    found = []
    for corner in np.ndindex(*[edge - size + 1 for edge in t.shape]):
        at = tuple(slice(place, place + size) for place in corner)
        if (t[at] == 255).any():
            continue
        mt, mp = (window * t[at]).sum(), (window * p[at]).sum()
        vt, vp = (window * t[at] ** 2).sum() - mt**2, (window * p[at] ** 2).sum() - mp**2
        cov = (window * t[at] * p[at]).sum() - mt * mp
        found.append((2 * mt * mp + 1e-4) * (2 * cov + 9e-4) / ((mt**2 + mp**2 + 1e-4) * (vt + vp + 9e-4)))
    assert len(found) < np.prod([edge - size + 1 for edge in t.shape])
    assert value(choose_loss("ssim_loss")(labels, prediction)) == pytest.approx(1 - np.mean(found), abs=1e-5)


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("classes", [1, 3])
def test_where_a_block_is_unknown_the_rest_is_judged_as_if_it_were_alone(name, classes):
    labels, prediction = case(6, classes, (2, 24, 14), 0)
    hidden = labels.copy()
    hidden[:, 12:] = 255
    expected = value(choose_loss(name)(labels[:, :12], prediction[:, :12]))
    assert value(choose_loss(name)(hidden, prediction)) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize(
    "name", [*sorted(LOSSES), "Dice(axis=(1, 2))", "CategoricalCrossentropy()", "BinaryCrossentropy()"]
)
@pytest.mark.parametrize("classes", [1, 3])
@settings(max_examples=3)
@given(seed=st.integers(0, 2**16), other=st.sampled_from([0.0, 0.5, 1.0, 1e6, np.nan, np.inf]))
def test_no_value_under_unknown_pixels_reaches_a_loss_or_its_gradient(name, classes, seed, other):
    tf = pytest.importorskip("tensorflow")
    labels, prediction = case(seed, classes)
    loss, found = choose_loss(name), []
    for change in (prediction, np.where(labels == 255, np.float32(other), prediction)):
        variable = tf.Variable(change)
        with tf.GradientTape() as tape:
            cost = loss(labels, variable)
        found.append((float(cost), tape.gradient(cost, variable).numpy()))
    assert found[0][0] == found[1][0] and np.isfinite(found[0][0])
    assert np.isfinite(found[0][1]).all() and (found[0][1] == found[1][1]).all()
    assert not found[0][1][labels[..., 0] == 255].any()


@pytest.mark.parametrize("name", [*sorted(METRICS), "Precision()", "AUC()", "BinaryIoU()", "F1Score()", "Accuracy()"])
@pytest.mark.parametrize("classes", [1, 3])
def test_no_value_under_unknown_pixels_reaches_a_metric(name, classes):
    labels, prediction = case(7, classes)
    found = []
    for change in (prediction, np.where(labels == 255, np.float32(np.nan), prediction)):
        metric = get_metric(name)
        metric.update_state(labels, change)
        found.append(value(metric.result()))
    assert found[0] == found[1] and np.isfinite(found[0])


@pytest.mark.parametrize("name", [*sorted(LOSSES), "Dice()", "Tversky()", "CategoricalCrossentropy()", "Poisson()"])
@pytest.mark.parametrize("classes", [1, 3])
def test_a_batch_of_which_nothing_is_known_costs_nothing_and_teaches_nothing(name, classes):
    tf = pytest.importorskip("tensorflow")
    labels, prediction = case(8, classes)
    variable = tf.Variable(prediction)
    with tf.GradientTape() as tape:
        cost = choose_loss(name)(np.full_like(labels, 255), variable)
    assert float(cost) == 0
    gradient = tape.gradient(cost, variable)
    assert gradient is None or not tf.convert_to_tensor(gradient).numpy().any()


@pytest.mark.parametrize("name", ["dice_ce_loss", "BinaryCrossentropy()", "CategoricalCrossentropy()", "Dice()"])
def test_overlapping_regions_are_each_judged_as_one_structure(name):
    rng = np.random.default_rng(9)
    labels = rng.choice(np.float32([0, 1, 2, 4, 255]), (2, 9, 8, 1))
    prediction = rng.random((2, 9, 8, 3), dtype=np.float32)
    parts = []
    for place, region in enumerate(((1, 2, 4), (1, 4), (4,))):
        one = np.where(labels == 255, 255, np.isin(labels, region)).astype(np.float32)
        parts.append(value(choose_loss(name)(one, prediction[..., place : place + 1])))
    assert value(choose_loss(name, regions=TABLE)(labels, prediction)) == pytest.approx(np.mean(parts), abs=1e-6)
    truth = read_truth(labels, 3, TABLE)
    inside = np.stack([np.isin(labels[..., 0], region) for region in ((1, 2, 4), (1, 4), (4,))], -1)
    assert np.array_equal(truth.masks, inside) and np.array_equal(truth.known, labels != 255)


def test_a_metric_of_regions_is_the_mean_over_them():
    rng = np.random.default_rng(10)
    labels = rng.choice(np.float32([0, 1, 2, 4, 255]), (2, 9, 8, 1))
    prediction = rng.random((2, 9, 8, 3), dtype=np.float32)
    known = labels[..., 0] < 255
    expected = []
    for place, region in enumerate(((1, 2, 4), (1, 4), (4,))):
        true, found = np.isin(labels[..., 0], region)[known], prediction[..., place][known] > 0.5
        expected.append((true & found).sum() / found.sum())
    for name in ("precision", "Precision()"):
        metric = get_metric(name, regions=TABLE)
        metric.update_state(labels, prediction)
        assert value(metric.result()) == pytest.approx(np.mean(expected), abs=1e-5)


def test_labels_that_are_unknown_have_one_number():
    with pytest.raises(MaskwrightError, match="marked with 255, not with 3"):
        choose_loss("dice_loss", (), 3)
    with pytest.raises(MaskwrightError, match="marked with 255, not with 3"):
        get_metric("dice_coef", ignore_label=3)

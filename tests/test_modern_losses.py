"""Today's losses against their formulas in NumPy and SciPy."""

import numpy as np
import pytest
from keras import ops
from scipy import ndimage

from maskwright.errors import MaskwrightError
from maskwright.losses import LOSSES, choose_loss, get_loss
from maskwright.losses.shape import signed_distance, soft_skeleton

RNG = np.random.default_rng(0)
SHAPE = (2, 12, 14)
T1 = (RNG.random((*SHAPE, 1)) < 0.3).astype(np.float32)
P1 = RNG.random((*SHAPE, 1), dtype=np.float32)
T3 = RNG.integers(0, 3, (*SHAPE, 1)).astype(np.float32)
P3 = RNG.dirichlet((1, 1, 1), SHAPE).astype(np.float32)
HOT = np.eye(3, dtype=np.float32)[T3[..., 0].astype(int)]


def value(text, truth, prediction, **options):
    return float(ops.convert_to_numpy(get_loss(text)(truth, prediction, **options)))


def both(truth, prediction):
    """One structure as two classes."""
    return np.concatenate([1 - truth, truth], -1), np.concatenate([1 - prediction, prediction], -1)


def crossentropy(hot, prediction):
    return -np.log((hot * prediction).sum(-1))


def test_cross_entropy_and_its_weights():
    assert value("cross_entropy_loss", T3, P3) == pytest.approx(crossentropy(HOT, P3).mean(), rel=1e-5)
    hot, p = both(T1, P1)
    assert value("cross_entropy_loss", T1, P1) == pytest.approx(crossentropy(hot, p).mean(), rel=1e-5)
    weights = np.array([1, 2, 6]) / 3
    expected = (crossentropy(HOT, P3) * weights[T3[..., 0].astype(int)]).mean()
    assert value("cross_entropy_loss(class_weights=[1, 2, 6])", T3, P3) == pytest.approx(expected, rel=1e-5)
    assert float(choose_loss("cross_entropy_loss", [1, 2, 6])(T3, P3)) == pytest.approx(expected, rel=1e-5)


def test_dice_and_cross_entropy():
    tp, t, p = ((HOT * P3)[..., 1:].sum((0, 1, 2)), HOT[..., 1:].sum((0, 1, 2)), P3[..., 1:].sum((0, 1, 2)))
    dice = ((2 * tp + 1e-5) / (t + p + 1e-5)).mean()
    assert value("dice_ce_loss", T3, P3) == pytest.approx(crossentropy(HOT, P3).mean() + 1 - dice, rel=1e-5)


@pytest.mark.parametrize(("alpha", "beta"), [(0.5, 0.5), (0.3, 0.7), (1, 0)])
def test_tversky(alpha, beta):
    tp, fp, fn = (T1 * P1).sum(), ((1 - T1) * P1).sum(), (T1 * (1 - P1)).sum()
    index = (tp + 1) / (tp + alpha * fp + beta * fn + 1)
    assert value(f"tversky_loss(alpha={alpha}, beta={beta})", T1, P1) == pytest.approx(1 - index, rel=1e-5)
    focal = value(f"focal_tversky_loss(alpha={alpha}, beta={beta}, gamma=0.5)", T1, P1)
    assert focal == pytest.approx((1 - index) ** 0.5, rel=1e-5)


def test_focal():
    hot, p = both(T1, P1)
    right = (hot * p).sum(-1)
    assert value("focal_loss(gamma=1.5)", T1, P1) == pytest.approx(
        (-((1 - right) ** 1.5) * np.log(right)).mean(), rel=1e-5
    )
    assert value("focal_loss(gamma=0.0)", T3, P3) == pytest.approx(value("cross_entropy_loss", T3, P3), rel=1e-5)


@pytest.mark.parametrize("share", [0.1, 0.37, 1.0, 0.0001])
def test_top_k(share):
    costs = np.sort(crossentropy(HOT, P3).ravel())
    count = max(1, int(np.floor(costs.size * share)))
    assert value(f"topk_cross_entropy_loss(share={share})", T3, P3) == pytest.approx(costs[-count:].mean(), rel=1e-5)


def test_generalised_dice():
    hot, p = both(T1, P1)
    w = 1 / hot.sum((0, 1, 2)) ** 2
    expected = 1 - 2 * (w * (hot * p).sum((0, 1, 2))).sum() / (w * (hot + p).sum((0, 1, 2))).sum()
    assert value("generalized_dice_loss", T1, P1) == pytest.approx(expected, rel=1e-5)


def lovasz(truth, prediction):
    """The definition: errors in falling order, each weighted by how much the Jaccard loss of that set grows."""
    errors = np.abs(truth - prediction).ravel()
    order, truth = np.argsort(-errors), truth.ravel()
    total, before, wrong = 0.0, 0.0, np.zeros(truth.size, bool)
    for index in order:
        wrong[index] = True
        decided = np.where(wrong, 1 - truth, truth)
        union = np.maximum(truth, decided).sum()
        loss = 1 - (truth * decided).sum() / union if union else 0.0
        total += errors[index] * (loss - before)
        before = loss
    return total


def test_lovasz_is_its_definition():
    assert value("lovasz_loss", T1, P1) == pytest.approx(lovasz(T1, P1), rel=1e-4)
    expected = np.mean([lovasz(HOT[..., k], P3[..., k]) for k in (1, 2)])
    assert value("lovasz_loss", T3, P3) == pytest.approx(expected, rel=1e-4)


def test_lovasz_of_a_decided_mask_is_the_jaccard_loss():
    decided = (P1 > 0.5).astype(np.float32)
    iou = (T1 * decided).sum() / np.maximum(T1, decided).sum()
    assert value("lovasz_loss", T1, decided) == pytest.approx(1 - iou, rel=1e-4)


@pytest.mark.parametrize("shape", [(40, 50), (10, 20, 18)])
def test_signed_distances_agree_with_scipy(shape):
    inside = ndimage.gaussian_filter(RNG.random(shape), 2) > 0.5
    found = ops.convert_to_numpy(
        signed_distance(*[array[None, ..., None].astype(np.float32) for array in (inside, np.ones(shape))])
    )[0, ..., 0]
    expected = ndimage.distance_transform_edt(~inside) - ndimage.distance_transform_edt(inside)
    assert np.abs(found - expected).max() < 1e-4


def test_boundary_loss_falls_as_a_disc_comes_nearer():
    y, x = np.mgrid[:40, :40]

    def disc(cx):
        return ((x - cx) ** 2 + (y - 20) ** 2 < 64).astype(np.float32)[None, ..., None]

    losses = [value("boundary_loss", disc(20), disc(cx)) for cx in (30, 26, 22, 20)]
    assert losses == sorted(losses, reverse=True) and losses[-1] < 0
    plain = value("generalized_dice_loss", disc(20), disc(26))
    assert value("dice_boundary_loss(weight=0.5)", disc(20), disc(26)) == pytest.approx(
        plain + 0.5 * losses[1], rel=1e-4
    )


@pytest.mark.parametrize("shape", [(30, 34), (12, 14, 13)])
def test_soft_skeletons_agree_with_scipy(shape):
    image = ndimage.gaussian_filter(RNG.random(shape), 1)
    image = (image - image.min()) / np.ptp(image)

    def erode(a):
        lines = [tuple(3 if k == axis else 1 for k in range(a.ndim)) for axis in range(a.ndim)]
        return np.min([ndimage.minimum_filter(a, line, mode="nearest") for line in lines], axis=0)

    def opened(a):
        return ndimage.maximum_filter(erode(a), 3, mode="nearest")

    expected, a = np.maximum(image - opened(image), 0), image
    for _ in range(3):
        a = erode(a)
        more = np.maximum(a - opened(a), 0)
        expected = expected + np.maximum(more - expected * more, 0)
    found = ops.convert_to_numpy(
        soft_skeleton(image[None, ..., None].astype(np.float32), 3, np.ones((1, *shape, 1), np.float32))
    )[0, ..., 0]
    assert np.abs(found - expected).max() < 1e-5


def test_cldice_cares_for_connection_more_than_dice_does():
    tube = np.zeros((1, 40, 40, 1), np.float32)
    tube[0, 18:22, 4:36] = 1
    cut, thin = tube.copy(), tube.copy()
    cut[0, 18:22, 18:20] = 0
    thin[0, 18, 4:36] = thin[0, 21, 4:20] = 0
    clean = value("cldice_loss(share=1.0)", tube, tube)
    assert clean == pytest.approx(0, abs=1e-6)
    assert value("cldice_loss(share=1.0)", tube, cut) > 0.01


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_ignored_pixels_count_for_nothing(name):
    if name in {"ssim_loss", "basnet_hybrid_loss"}:
        pytest.skip("a window around a pixel sees its neighbours' values")
    truth = T3.copy()
    truth[:, :4] = 255
    other = P3.copy()
    other[:, :4] = P3[:, :4, :, ::-1]
    loss = choose_loss(name, ignore_label=255)
    one, two = (float(ops.convert_to_numpy(loss(truth, p))) for p in (P3, other))
    assert np.isfinite(one) and one == pytest.approx(two, abs=1e-6)
    changed = P3.copy()
    changed[:, 6:9] = np.roll(P3[:, 6:9], 1, -1)
    assert float(ops.convert_to_numpy(loss(truth, changed))) != pytest.approx(one, abs=1e-6)


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"ssim_loss", "basnet_hybrid_loss"}))
@pytest.mark.parametrize("classes", [1, 3])
def test_volumes_too_with_finite_gradients(name, classes):
    tf = pytest.importorskip("tensorflow")
    truth = RNG.integers(0, max(2, classes), (2, 6, 8, 7, 1)).astype(np.float32)
    start = RNG.random((2, 6, 8, 7, 1)) if classes == 1 else RNG.dirichlet((1,) * classes, (2, 6, 8, 7))
    prediction = tf.Variable(start.astype(np.float32))
    with tf.GradientTape() as tape:
        loss = get_loss(name)(truth, prediction)
    gradient = tape.gradient(loss, prediction).numpy()
    assert np.isfinite(float(loss)) and np.isfinite(gradient).all() and np.abs(gradient).max() > 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: get_loss("tversky_loss(alfa=0.3)"), "Did you mean 'alpha'"),
        (lambda: get_loss("dice_loss(smooth=1)"), "This loss has none"),
        (lambda: get_loss("tversky_los"), "Did you mean 'tversky_loss'"),
        (lambda: get_loss("tversky_loss(alpha=open('x'))"), "Only literal"),
        (lambda: choose_loss("lovasz_loss", [1, 2]), "cross_entropy_loss"),
        (lambda: choose_loss("dice_ce_loss", [1, 2])(T3, P3), "2 weights for 3 classes"),
    ],
)
def test_mistakes_say_what_is_right(make, words):
    with pytest.raises(MaskwrightError, match=words):
        make()

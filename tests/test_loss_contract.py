"""One contract for every loss: what is not known counts nowhere, and a loss that cannot train is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.errors import MaskwrightError
from maskwright.losses import LOSSES, Kind, choose_loss, try_loss

KERAS = ["Dice()", "Tversky()", "BinaryCrossentropy()", "BinaryFocalCrossentropy(gamma=2.0)", "CategoricalCrossentropy()",
         "CategoricalFocalCrossentropy()", "SparseCategoricalCrossentropy()", "MeanSquaredError()"]  # fmt: skip
# What looks at neighbours sees where the known part ends.
LOCAL = {
    "ssim_loss",
    "basnet_hybrid_loss",
    "boundary_loss",
    "dice_boundary_loss",
    "dice_ce_boundary_loss",
    "cldice_loss",
}


def case(seed, classes, shape=(2, 6, 8)):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, max(2, classes), (*shape, 1)).astype(np.float32)
    if classes == 1:
        return truth, rng.random((*shape, 1), dtype=np.float32)
    return truth, rng.dirichlet((1,) * classes, shape).astype(np.float32)


@pytest.mark.parametrize("name", [*sorted(LOSSES), *KERAS])
@pytest.mark.parametrize("classes", [1, 3])
@given(seed=st.integers(0, 3))
def test_values_under_unknown_pixels_change_nothing(name, classes, seed):
    truth, prediction = case(seed, classes, (2, 12, 14))
    truth[:, 6:] = 255
    other = prediction.copy()
    other[:, 6:] = other[:, 6:][::-1]
    loss = choose_loss(name)
    assert float(loss(truth, prediction)) == pytest.approx(float(loss(truth, other)), abs=1e-6)


@pytest.mark.parametrize("name", [*sorted(set(LOSSES) - LOCAL), *KERAS])
@pytest.mark.parametrize("classes", [1, 3])
def test_the_loss_is_that_of_the_known_pixels_alone(name, classes):
    truth, prediction = case(5, classes)
    hidden = truth.copy()
    hidden[:, 3:] = 255
    loss = choose_loss(name)
    assert float(loss(hidden, prediction)) == pytest.approx(float(loss(truth[:, :3], prediction[:, :3])), abs=1e-5)


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("classes", [1, 3])
def test_a_batch_of_which_nothing_is_known_costs_nothing(name, classes):
    truth, prediction = case(1, classes, (2, 12, 14))
    assert float(choose_loss(name)(np.full_like(truth, 255), prediction)) == 0


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 0.99])
def test_cross_entropy_does_not_fade_as_unknown_pixels_grow(share):
    rng = np.random.default_rng(0)
    truth = (rng.random((2, 32, 32, 1)) > 0.5).astype(np.float32)
    hidden = np.where(rng.random(truth.shape) < share, 255, truth).astype(np.float32)
    known = hidden[hidden < 255]
    expected = -(known * np.log(0.3) + (1 - known) * np.log(0.7)).mean()
    assert float(choose_loss("cross_entropy_loss")(hidden, np.full_like(truth, 0.3))) == pytest.approx(
        expected, abs=1e-5
    )


@pytest.mark.parametrize("name", [*sorted(LOSSES), *KERAS])
@pytest.mark.parametrize("kind", [Kind(2, 1), Kind(2, 3), Kind(2, 2, regions=True)])
def test_every_loss_that_we_name_can_train(name, kind):
    if name == "categorical_crossentropy" and kind.judged == 1:
        with pytest.raises(MaskwrightError, match="a full mask costs 0, a perfect one 0"):
            try_loss(name, (), kind)
        return
    try_loss(name, (), kind)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("BinaryCrossentropy(from_logits=True)", Kind(2, 1), "from_logits is set"),
        ("CTC()", Kind(2, 3), "compares sequences"),
        ("BinaryCrossentropy(reduction='sum')", Kind(2, 1), "a sum over pixels"),
    ],
)
def test_what_cannot_train_is_refused_before_the_first_step(name, kind, words):
    with pytest.raises(MaskwrightError, match=words):
        try_loss(name, (), kind)

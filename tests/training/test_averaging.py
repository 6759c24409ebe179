import keras
import numpy as np
import pytest

from maskwright.config import Configuration
from maskwright.training.averaging import averaged
from maskwright.training.optimizers import make_optimizer


def trained(average, steps):
    """A network of one layer after some steps, and what its weights were after each."""
    config = Configuration.model_validate({"train": {"weight_average": average, "learning_rate": 0.1}})
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization()])
    model.compile(make_optimizer(config), "mse", jit_compile=False)
    rng, seen = np.random.default_rng(0), []
    for _ in range(steps):
        model.train_on_batch(rng.random((8, 4)), rng.random((8, 3)))
        seen.append([keras.ops.convert_to_numpy(one).copy() for one in model.trainable_variables])
    return model, seen


@pytest.mark.parametrize("steps", [1, 6, 40])
def test_each_step_keeps_its_share_and_the_weights_come_back(steps):
    model, seen = trained(0.75, steps)
    expected = seen[0]
    for step, weights in enumerate(seen[1:], start=1):
        kept = min(0.75, step / (step + 9))
        expected = [kept * old + (1 - kept) * new for old, new in zip(expected, weights, strict=True)]
    with averaged(model):
        for one, value in zip(model.trainable_variables, expected, strict=True):
            assert np.allclose(one, value, atol=1e-6)
    for one, value in zip(model.trainable_variables, seen[-1], strict=True):
        assert np.array_equal(one, value)


def test_the_weights_come_back_from_an_error_too():
    model, seen = trained(0.75, 3)
    with pytest.raises(KeyboardInterrupt), averaged(model):
        raise KeyboardInterrupt
    assert all(np.array_equal(one, value) for one, value in zip(model.trainable_variables, seen[-1], strict=True))


def test_without_an_average_nothing_is_exchanged():
    model, seen = trained(0.0, 2)
    with averaged(model):
        assert all(np.array_equal(one, value) for one, value in zip(model.trainable_variables, seen[-1], strict=True))

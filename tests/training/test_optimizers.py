"""Adam in one operation is Keras's Adam."""

import keras
import numpy as np
import pytest

from maskwright.config import Configuration
from maskwright.models.registry import create_model
from maskwright.training.optimizers import make_optimizer


def network(seed):
    keras.utils.set_random_seed(seed)
    return create_model("unet", (16, 16, 1), 1, base_filters=4, num_layers=2, normalization=True)


def config(**train):
    return Configuration(train=Configuration().train.model_copy(update=train))


def moved(optimizer, steps=20):
    """Variables, and all that an optimiser keeps, after the same gradients of very different sizes."""
    rng = np.random.default_rng(0)
    variables = [keras.Variable(rng.normal(size=shape).astype(np.float32)) for shape in ((3, 3, 2, 4), (4,), (5, 7))]
    optimizer.build(variables)
    for step in range(steps):
        optimizer.learning_rate = 0.01 / (1 + step)
        gradients = [rng.normal(scale=10.0 ** rng.integers(-6, 2), size=one.shape) for one in variables]
        optimizer.apply([keras.ops.convert_to_tensor(one, "float32") for one in gradients], variables)
    return [keras.ops.convert_to_numpy(one) for one in (*variables, *optimizer.variables)]


@pytest.mark.parametrize(
    ("settings", "theirs"),
    [
        ({"optimizer": "Adam"}, lambda: keras.optimizers.Adam(0.01)),
        ({"optimizer": "AdamW", "weight_decay": 0.05}, lambda: keras.optimizers.AdamW(0.01, weight_decay=0.05)),
        ({"optimizer": "Adam", "clipvalue": 1e-3}, lambda: keras.optimizers.Adam(0.01, clipvalue=1e-3)),
        ({"optimizer": "SGD"}, lambda: keras.optimizers.SGD(0.01, momentum=0.99, nesterov=True)),
    ],
)  # fmt: skip
def test_it_goes_where_keras_goes(settings, theirs):
    for one, other in zip(moved(make_optimizer(config(**settings))), moved(theirs()), strict=True):
        # 1 - 0.999 is rounded to float32 before it is used, which moves it by 1.3e-5 of itself.
        assert np.allclose(one, other, rtol=2e-5, atol=1e-7)


def test_shares_of_the_learning_rate_are_kept():
    start = network(3).trainable_variables
    shares = [0.1] * 4 + [1.0] * (len(start) - 4)
    moved = []
    for given in (shares, ()):
        model = network(3)
        optimizer = make_optimizer(config(optimizer="Adam", learning_rate=1e-3), given)
        optimizer.build(model.trainable_variables)
        gradients = [keras.ops.ones_like(one) for one in model.trainable_variables]
        optimizer.apply(gradients, model.trainable_variables)
        moved.append([float(np.abs(one - other).max())
                      for one, other in zip(start, model.trainable_variables, strict=True)])  # fmt: skip
    assert np.allclose(np.divide(moved[0], moved[1]), shares, rtol=1e-3)
    assert np.allclose(moved[1], 1e-3, rtol=1e-3)  # the first step of Adam is the learning rate

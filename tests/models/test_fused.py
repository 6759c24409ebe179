"""One operation in the place of Keras's dozen: the same results, weights and statistics."""

import keras
import numpy as np
import pytest

from maskwright.models.fused import fuse


def twins(shape, **options):
    """Two networks with the same weights, one of them fused."""
    made = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        inputs = keras.Input(shape)
        x = keras.layers.Dense(5)(inputs)
        outputs = keras.layers.Dense(2)(keras.layers.BatchNormalization(momentum=0.9, **options)(x))
        made.append(keras.Model(inputs, outputs))
        made[-1].compile(keras.optimizers.SGD(0.05), "mse", jit_compile=False)
    fuse(made[1])
    return made


def data(shape, seed=0):
    rng = np.random.default_rng(seed)
    return 3 * rng.random((4, *shape), dtype=np.float32) - 1, rng.random((4, *shape[:-1], 2), dtype=np.float32)


@pytest.mark.parametrize("shape", [(6, 7, 3), (4, 6, 5, 3), (9, 3)])
@pytest.mark.parametrize("options", [{}, {"scale": False, "center": False}, {"trainable": False}])
def test_it_trains_to_the_same_weights(shape, options):
    plain, fused = twins(shape, **options)
    assert type(fused.layers[2]) is not keras.layers.BatchNormalization
    for step in range(5):
        losses = [model.train_on_batch(*data(shape, step)) for model in (plain, fused)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    for one, other in zip(plain.get_weights(), fused.get_weights(), strict=True):
        assert np.allclose(one, other, rtol=1e-4, atol=1e-5)
    images = data(shape, 9)[0]
    assert np.allclose(plain.predict_on_batch(images), fused.predict_on_batch(images), atol=1e-4)


def test_one_value_a_channel():
    """Bessel's correction divides by nothing here."""
    plain, fused = twins((1, 1, 3))
    for model in (plain, fused):
        model.train_on_batch(data((1, 1, 3))[0][:1], data((1, 1, 3))[1][:1])
    for one, other in zip(plain.get_weights(), fused.get_weights(), strict=True):
        assert np.isfinite(other).all() and np.allclose(one, other, atol=1e-5)


def test_mixed_precision_keeps_its_types():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        plain, fused = twins((6, 7, 3))
    finally:
        keras.config.set_dtype_policy(before)
    for step in range(3):
        for model in (plain, fused):
            model.train_on_batch(*data((6, 7, 3), step))
    for one, other in zip(plain.get_weights(), fused.get_weights(), strict=True):
        assert one.dtype == other.dtype == np.float32 and np.allclose(one, other, atol=0.03)


def test_other_axes_and_other_layers_are_left():
    inputs = keras.Input((4, 5, 6))
    x = keras.layers.BatchNormalization(axis=1)(inputs)
    model = keras.Model(
        inputs, keras.layers.BatchNormalization(synchronized=True)(keras.layers.LayerNormalization()(x))
    )
    kinds = [type(layer) for layer in model.layers]
    fuse(model)
    assert [type(layer) for layer in model.layers] == kinds

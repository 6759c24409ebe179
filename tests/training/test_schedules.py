import keras
import numpy as np
import pytest

from maskwright.training.schedules import EarlyStopping, ReduceOnPlateau, reducer_patience

CURVES = [list(np.random.default_rng(seed).normal(1 - np.linspace(0, 0.3, 40), 0.1)) for seed in range(8)]


def tiny_model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.1), "mse")
    return model


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("patience", [1, 3, 0])
def test_early_stopping_stops_when_keras_does(curve, patience):
    theirs = keras.callbacks.EarlyStopping(monitor="val_loss", patience=patience)
    theirs.set_model(tiny_model())
    theirs.on_train_begin()
    ours = EarlyStopping(patience)
    for epoch, loss in enumerate(curve):
        ours.update(loss)
        theirs.on_epoch_end(epoch, {"val_loss": loss})
        if patience and theirs.model.stop_training:
            assert ours.stop
            return
        assert not ours.stop


@pytest.mark.parametrize("curve", CURVES)
def test_the_reducer_reduces_when_keras_does(curve):
    model = tiny_model()
    theirs = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.3, patience=2)
    theirs.set_model(model)
    theirs.on_train_begin()
    ours, rate = ReduceOnPlateau(0.3, 2), 0.1
    for epoch, loss in enumerate(curve):
        theirs.on_epoch_end(epoch, {"val_loss": loss})
        rate = ours.update(loss, rate)
        assert rate == pytest.approx(float(model.optimizer.learning_rate), rel=1e-5)


def test_the_reducers_patience():
    assert [reducer_patience(p, g) for p, g in ((10, None), (10, 4), (1, None), (0, None), (-1, None))] == [
        5,
        4,
        5,
        5,
        5,
    ]

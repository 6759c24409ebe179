import keras
import numpy as np
import pytest

import maskwright as mw
from maskwright.training.schedules import EarlyStopping, ReduceOnPlateau, planned, reducer_patience

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


# Written out: t is the share of the epochs after the warm-up that are over, the warm-up n / (warm-up + 1).
@pytest.mark.parametrize(
    ("schedule", "warmup", "shares"),
    [
        ("polynomial", 0, {0: 1.0, 1: 0.9**0.9, 5: 0.5**0.9, 9: 0.1**0.9}),
        ("polynomial", 2, {0: 1 / 3, 1: 2 / 3, 2: 1.0, 3: 0.875**0.9, 6: 0.5**0.9, 9: 0.125**0.9}),
        ("cosine", 0, {0: 1.0, 5: 0.5, 9: (1 + np.cos(0.9 * np.pi)) / 2}),
        (
            "cosine",
            2,
            {0: 1 / 3, 1: 2 / 3, 2: 1.0, 4: (1 + np.sqrt(0.5)) / 2, 6: 0.5, 9: (1 + np.cos(7 * np.pi / 8)) / 2},
        ),
        ("cosine", 10, {0: 1 / 11, 9: 10 / 11}),
        ("reduce", 0, {0: 1.0, 9: 1.0}),
        ("reduce", 3, {0: 0.25, 1: 0.5, 2: 0.75, 3: 1.0, 9: 1.0}),
    ],
)
def test_a_planned_share_of_the_learning_rate(schedule, warmup, shares):
    assert {epoch: planned(schedule, epoch, 10, warmup) for epoch in shares} == pytest.approx(shares)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("polynomial", [0.005, 0.01, 0.01 * 0.75**0.9, 0.01 * 0.5**0.9, 0.01 * 0.25**0.9]),
        ("cosine", [0.005, 0.01, 0.005 * (1 + np.sqrt(0.5)), 0.005, 0.005 * (1 - np.sqrt(0.5))]),
        ("reduce", [0.005, 0.01, 0.01, 0.01, 0.01]),
    ],
)
def test_a_training_follows_its_schedule(config_file, quiet, schedule, rates):
    overrides = ["train.epochs=5", "train.learning_rate=0.01", "train.warmup_epochs=1", "train.steps_per_epoch=1", "model.num_layers=1",
                 f"train.learning_rate_schedule={schedule}", "train.learning_rate_reducer=false", "train.patience=0"]  # fmt: skip
    run = mw.train(config_file, overrides=overrides, run_dir=config_file.parent / "run", reporter=quiet)
    assert [row["learning_rate"] for row in run.history()] == pytest.approx(rates, rel=1e-5)

import keras
import numpy as np
import pytest

import maskwright as mw
from conftest import cut_off
from maskwright.config import Configuration
from maskwright.models.registry import create_model
from maskwright.models.supervision import joined
from maskwright.training.adversarial import Adversarial, discriminator
from maskwright.training.fit import compile_model

RNG = np.random.default_rng(0)


def settings(weight=0.05, classes=1, **train):
    return Configuration.model_validate(
        {"train": {"adversarial_weight": weight, "learning_rate": 0.003, **train}, "model": {"num_classes": classes}}
    )


def build(config, shape=(32, 32, 1), name="unet", **options):
    keras.utils.set_random_seed(1)
    classes = config.model.num_classes
    model = joined(create_model(name, shape, classes, **{"base_filters": 4, "num_layers": 2} | options))
    compile_model(model, config)
    return model, Adversarial(model, config)


def batch(shape=(32, 32, 1), classes=1):
    labels = RNG.integers(0, max(2, classes), (4, *shape[:-1], 1)).astype(np.float32)
    return (labels * 0.4 + RNG.random((4, *shape))).astype(np.float32), labels


@pytest.mark.parametrize("shape", [(64, 64, 3), (8, 8, 1), (16, 32, 24, 2)])
def test_a_discriminator_judges_parts(shape):
    judge = discriminator(shape, 2, 4)
    found = judge([np.zeros((1, *shape), np.float32), np.zeros((1, *shape[:-1], 2), np.float32)])
    assert len(found.shape) == len(shape) + 1 and found.shape[-1] == 1 and min(found.shape[1:-1]) >= 2


def test_both_networks_learn_and_neither_moves_in_the_others_turn():
    model, learner = build(settings())
    learner.both.run_eagerly = learner.judge.run_eagerly = True  # one step needs no graph
    images, labels = batch()

    def weights(network):
        return [np.array(keras.ops.convert_to_numpy(one)) for one in network.trainable_variables]

    before = weights(model)
    learner.judge.trainable = True
    judge = weights(learner.judge)
    logs = learner.train_on_batch(images, labels)
    assert set(logs) == {"loss", "dice_coef", "adversarial_loss", "discriminator_loss"}
    assert all(np.isfinite(value) for value in logs.values())
    learner.judge.trainable = True
    assert any(not np.array_equal(a, b) for a, b in zip(before, weights(model), strict=True))
    assert all(not np.array_equal(a, b) for a, b in zip(judge, weights(learner.judge), strict=True))
    # One step of Adam at most on each: the discriminator has not moved with the network.
    steps = max(np.abs(a - b).max() for a, b in zip(judge, weights(learner.judge), strict=True))
    assert steps < 1.5e-4


def test_with_no_weight_the_network_learns_as_without():
    images, labels = batch()
    plain, _ = build(settings())
    plain.run_eagerly = True  # three steps need no graph
    plain_logs = [plain.train_on_batch(images, labels, return_dict=True) for _ in range(3)]
    _, learner = build(settings(weight=0.0))
    learner.both.run_eagerly = learner.judge.run_eagerly = True
    logs = [learner.train_on_batch(images, labels) for _ in range(3)]
    for one, other in zip(plain_logs, logs, strict=True):
        assert other["loss"] == pytest.approx(one["loss"], rel=1e-4)


def test_a_discriminator_learns_to_tell_true_from_predicted():
    _, learner = build(settings(weight=1e-6, adversarial_learning_rate=0.002))
    images, labels = batch()
    first = learner.train_on_batch(images, labels)["discriminator_loss"]
    for _ in range(30):
        last = learner.train_on_batch(images, labels)["discriminator_loss"]
    assert last < first / 2


@pytest.mark.parametrize(
    ("name", "classes", "options"), [("unet_plus_plus", 3, {"deep_supervision": True, "num_layers": 3})]
)
def test_side_outputs_and_several_classes(name, classes, options):
    config = settings(classes=classes)
    _, learner = build(config, name=name, **options)
    learner.both.run_eagerly = learner.judge.run_eagerly = True  # one step needs no graph
    images, labels = batch(classes=classes)
    logs = learner.train_on_batch(images, labels)
    assert all(np.isfinite(value) for value in logs.values())
    assert {"loss", "dice_coef", "adversarial_loss", "discriminator_loss"} <= set(logs)
    assert learner.predict_on_batch(images).shape[-1] > classes  # the side outputs, which validation leaves out


def test_from_the_configuration_with_exact_resume(config_file, quiet):
    def train(name, **more):
        overrides = ["train.epochs=3", "train.adversarial_weight=0.02", "train.adversarial_filters=4",
                     "model.num_layers=1"]  # fmt: skip
        return mw.train(config_file, overrides=overrides, run_dir=config_file.parent / name, reporter=quiet, **more)

    with cut_off(2, config_file.parent / "part"):
        whole = train("whole")
    part = train("part", resume=True)
    with np.load(whole.checkpoint_file) as one, np.load(part.checkpoint_file) as other:
        assert one.files == other.files
        assert all(np.array_equal(one[name], other[name]) for name in one.files if name != "state")
    assert {"adversarial_loss", "discriminator_loss", "val_loss"} <= set(whole.history()[0])
    assert mw.evaluate(whole, reporter=quiet).summary["per_image"]

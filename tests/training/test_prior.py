import keras
import numpy as np
import pytest
from architecture_cases import SMALL
from said import Said

import maskwright as mw
from maskwright.data.preprocess import InputRule
from maskwright.labels.rule import LabelRule
from maskwright.models.metadata import Metadata
from maskwright.models.registry import create_model, tree_list
from maskwright.training import train
from maskwright.training.prior import expect_shares, start_at_shares

SIDES = {"nnunet": {"deep_supervision": True}, "unet_plus_plus": {"deep_supervision": True}}


@pytest.mark.parametrize(
    "name", ["unet", "attention_unet", "nnunet", "unet_plus_plus", "unet_3d", "efficientnet_lite_unet"]
)
@pytest.mark.parametrize(("classes", "overlap"), [(1, True), (3, False), (2, True)])
def test_where_nothing_is_seen_the_shares_are_answered(name, classes, overlap):
    shape, options, _ = SMALL[name]
    last = {"final_activation": "sigmoid"} if overlap and classes > 1 else {}
    model = create_model(name, shape, classes, **options | SIDES.get(name, {}) | last)
    shares = {1: [0.9, 0.1], 3: [0.7, 0.2, 0.1], 2: [0.5, 0.3, 0.2]}[classes]
    assert start_at_shares(model, shares, overlap=overlap) == len(tree_list(model.outputs))
    for variable in model.trainable_variables:
        if variable.ndim == len(shape) + 1 and variable.shape[-1] == classes:
            variable.assign(np.zeros(variable.shape))  # kernels of the last layers, so that features say nothing
    image = np.random.default_rng(0).random((1, *shape), np.float32)
    for found in tree_list(model(image, training=False)):
        expected = shares[1:] if overlap else shares
        assert np.allclose(found, np.broadcast_to(expected, found.shape), atol=1e-5)


def test_rare_classes_do_not_start_at_nothing():
    model = create_model("unet", (16, 16, 1), 1, num_layers=2, base_filters=4)
    start_at_shares(model, [0.9999, 0.0001], overlap=True)
    assert float(keras.ops.sigmoid(model.layers[-2].bias[0])) == pytest.approx(0.02)


def test_a_last_layer_without_a_bias_is_left():
    shape, options, _ = SMALL["swin_unet"]
    model = create_model("swin_unet", shape, 1, **options)
    before = [weight.copy() for weight in model.get_weights()]
    assert start_at_shares(model, [0.9, 0.1], overlap=True) == 0
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("name", ["unet", "swin_unet"])
def test_a_prior_without_effect_is_said(name):
    said, shape, options = Said(), *SMALL[name][:2]
    model = create_model(name, shape, 1, **options)
    metadata = Metadata(name, options, 1, ["background", "ball"], InputRule(*shape), LabelRule())
    expect_shares(model, metadata, {"background": 0.9, "ball": 0.1}, said)
    assert said.lines == (
        [] if name == "unet" else ["warning: train.class_prior has no effect: the last layer of swin_unet has no bias"]
    )


def test_a_training_begins_with_the_shares_of_its_plan(config_file, monkeypatch, quiet):
    seen = []
    monkeypatch.setattr(train, "expect_shares", lambda *given: seen.append(given))
    mw.train(config_file, overrides=["train.class_prior=true", "train.epochs=1"], run_dir=config_file.parent / "run",
             reporter=quiet)  # fmt: skip
    ((_, metadata, shares, _),) = seen
    assert (
        metadata.architecture == "unet"
        and list(shares) == ["background", "foreground"]
        and sum(shares.values()) == pytest.approx(1)
    )

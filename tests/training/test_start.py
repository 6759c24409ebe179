"""Trainings that start from another model's weights."""

import functools
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from architecture_cases import SMALL
from said import Said

import maskwright as mw
from conftest import cut_off
from maskwright.errors import MaskwrightError
from maskwright.models.registry import create_model
from maskwright.models.saving import load_model
from maskwright.training.run import read_training_images
from maskwright.training.start import Start, align, fitted


def train(config_file, name, *overrides, reporter=None, **options):
    sets = ["train.epochs=2", "train.learning_rate=1e-7", "train.weight_decay=0", *overrides]
    return mw.train(
        config_file, overrides=sets, run_dir=config_file.parent / name, reporter=reporter or Said(), **options
    )


@pytest.fixture(scope="module")
def first(module_config):
    """A model that has learnt something."""
    return mw.train(module_config, overrides=["train.epochs=2", "train.learning_rate=0.01"],
                    run_dir=module_config.parent / "first", reporter=Said())  # fmt: skip


def weights(run):
    return load_model(run.model_file)[0].get_weights()


def test_it_begins_where_the_other_ended(module_config, first):
    said = Said()
    second = train(module_config, "second", f"train.start_from={first.path}", "train.seed=5", reporter=said)
    for one, other in zip(weights(first), weights(second), strict=True):
        # Statistics of the batches move by themselves.
        assert np.allclose(one, other, atol=1e-4) or one.ndim == 1
    assert any("100.0% of the weights" in line for line in said.lines)
    assert any("2 of the validation part" in line or "1 of the validation part" in line for line in said.lines) is (
        bool({r.patient for r in read_training_images(first)} & set(second.plan().patients("valid")))
    )
    assert json.loads(second.start_file.read_text(encoding="utf-8"))["source"] == str(first.model_file)


@pytest.mark.parametrize(
    ("overrides", "new"),
    [(["model.num_classes=2"], "other classes"), (["model.image_channels=3"], "other channels"),
     (["model.image_height=48", "model.image_width=32"], "another size")],
)  # fmt: skip
def test_classes_channels_and_size_may_be_others(module_config, first, overrides, new):
    said = Said()
    run = train(module_config, new, f"train.start_from={first.model_file}", *overrides, reporter=said)
    pairs = list(zip(weights(first), weights(run), strict=True))
    same = [np.allclose(one, other, atol=1e-4) for one, other in pairs if one.shape == other.shape and one.ndim == 4]
    assert all(same) and len(same) >= 3
    if new == "other channels":
        grey, colour = pairs[0]
        one, three = (grey, colour) if grey.shape[2] == 1 else (colour, grey)
        assert np.allclose(one, three.sum(axis=2, keepdims=True), atol=1e-3)
        assert any("made to fit the channels" in line for line in said.lines)
    if new == "other classes":
        assert any("new are" in line for line in said.lines)


@pytest.fixture(scope="module")
def begun(module_config, first):
    """A training of an epoch from `first`, whose classes are others, with a share of the learning rate."""

    def train_with(share):
        sets = [f"train.start_from={first.path}", "model.num_classes=2", f"train.start_rate={share}"]
        return mw.train(module_config, overrides=["train.epochs=1", "train.weight_decay=0", *sets],
                        run_dir=module_config.parent / f"share {share}", reporter=Said())  # fmt: skip

    return functools.cache(train_with)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_what_was_taken_learns_more_slowly_or_not_at_all(first, begun, share):
    run, fast = begun(share), begun(1.0)
    moved = [
        np.mean([np.abs(one - other).mean() for one, other in zip(weights(first), weights(run_), strict=True)
                 if one.shape == other.shape and one.ndim == 4])
        for run_ in (run, fast)
    ]  # fmt: skip
    assert moved[0] == 0 if share == 0 else 0.02 < moved[0] / moved[1] < 0.4


@pytest.mark.parametrize("name", ["unet", "nnunet", "efficientnet_lite_unet"])
def test_rates_grow_with_depth_by_equal_factors(name):
    shape, options, _ = SMALL[name]
    model = create_model(name, shape, 1, **options)
    rates = Start(Path("model.keras"), tuple(range(len(model.weights)))).rates(model, 0.01, "by_depth")
    by_layer = [{rates[variable.path] for variable in layer.trainable_variables} for layer in model.layers]
    order = [rate for rates_ in by_layer if rates_ for rate in rates_]
    assert all(len(rates_) <= 1 for rates_ in by_layer) and len(rates) == len(model.trainable_variables)
    assert order[0] == pytest.approx(0.01) and order[-1] == 1
    factors = np.divide(order[1:], order[:-1])
    assert factors.min() > 1 and np.allclose(factors, 100 ** (1 / (len(order) - 1)))


def test_rates_by_depth_reach_the_optimizer(module_config, first):
    sets = [f"train.start_from={first.path}", "train.start_rate=0.001", "train.start_spread=by_depth",
            "train.learning_rate=0.001"]  # fmt: skip
    run = train(module_config, "by depth", *sets)
    kernels = [(one, other) for one, other in zip(weights(first), weights(run), strict=True) if one.ndim == 4]
    moved = [np.abs(one - other).mean() for one, other in kernels]
    assert 0 < moved[0] < 0.05 * moved[-1]
    for rate in (0, 1):
        with pytest.raises(MaskwrightError, match="has nothing to spread"):
            train(module_config, "refused", *sets[:1], f"train.start_rate={rate}", "train.start_spread=by_depth")


def test_going_on_is_as_if_nothing_had_happened(module_config, first):
    sets = [f"train.start_from={first.path}", "train.start_rate=0.2", "train.learning_rate=0.001"]
    with cut_off(1, module_config.parent / "part"):
        whole = train(module_config, "whole start", *sets)
    resumed = train(module_config, "part", *sets, resume=True)
    for one, other in zip(weights(whole), weights(resumed), strict=True):
        assert np.array_equal(one, other)
    moved = shutil.move(first.path, first.path.with_name("away"))
    shutil.rmtree(whole.path)
    with pytest.raises(MaskwrightError, match="there is no such model"):
        train(module_config, "whole start", *sets)
    shutil.move(moved, first.path)


def test_another_architecture_is_refused(module_config, first):
    with pytest.raises(MaskwrightError, match="attention_unet is to be trained") as error:
        train(module_config, "refused", f"train.start_from={first.path}", "model.name=attention_unet")
    assert "model.name" in str(error.value)
    assert not (module_config.parent / "refused").exists()
    with pytest.raises(MaskwrightError, match="fits only in"):
        train(module_config, "refused", f"train.start_from={first.path}", "model.base_filters=9")


def test_a_model_alone_may_have_seen_anybody(module_config, first, tmp_path):
    said, alone = Said(), shutil.copy(first.model_file, tmp_path / "alone.keras")
    run = train(module_config, "from a file", f"train.start_from={alone}", reporter=said)
    assert any("is not known" in line for line in said.lines)
    assert len(read_training_images(run)) == len(read_training_images(first))


def test_whom_the_first_has_seen_is_a_leak_of_the_second(module_config, first):
    """The second is trained on others; its scores on the first's training patients would be too good."""
    said = Said()
    run = train(module_config, "swapped", f"train.start_from={first.path}", "data.split_seed=3", reporter=said)
    scored = set(run.plan().patients("valid")) & set(first.plan().patients("train"))
    assert scored and any("of the validation part" in line and min(scored) in line for line in said.lines)
    found = mw.evaluate(run, split="valid", reporter=Said())
    assert any(min(scored) in line for line in found.warnings)


def test_weights_are_paired_by_place_or_by_kind():
    deep, flat = (create_model("unet", (32, 32, 1), num_layers=n, base_filters=4) for n in (3, 2))
    pairs = align(deep.weights, flat.weights)
    assert pairs and all(deep.weights[b].shape == flat.weights[a].shape for a, b in pairs)
    assert align(flat.weights, flat.weights) == [(n, n) for n in range(len(flat.weights))]


@pytest.mark.parametrize(("before", "now"), [(3, 1), (1, 3), (3, 4), (2, 5)])
def test_a_first_kernel_keeps_its_sum_over_equal_channels(before, now):
    kernel = np.ones((3, 3, before, 8), np.float32) * np.arange(8)
    made = fitted(kernel, (3, 3, now, 8), first=True)
    assert made.shape == (3, 3, now, 8) and np.allclose(made.sum(axis=2), kernel.sum(axis=2))
    assert fitted(kernel, (3, 3, now, 8), first=False) is None
    assert fitted(kernel, (5, 5, now, 8), first=True) is None


@pytest.fixture(autouse=True, scope="module")
def _forget():
    yield
    keras.backend.clear_session()


def test_a_run_is_not_put_aside_for_one_that_starts_from_it(module_config, first):
    """Whom it has seen would no longer be known, and the new run would name itself as its origin."""
    before = sorted(path.name for path in module_config.parent.iterdir())
    with pytest.raises(MaskwrightError, match="being read"):
        train(module_config, "first", f"train.start_from={first.path}")
    assert sorted(path.name for path in module_config.parent.iterdir()) == before and first.is_trained()

"""Architectures of medicai and KerasHub; `make test-zoo` runs these in an environment of their own."""

import keras
import numpy as np
import pytest
from architecture_cases import phantoms

import maskwright as mw
from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule
from maskwright.losses import get_loss
from maskwright.models.metadata import Metadata
from maskwright.models.onnx import export_onnx
from maskwright.models.providers import PROVIDERS, provided
from maskwright.models.registry import create_model
from maskwright.models.saving import load_model, save_model

pytestmark = pytest.mark.zoo
NAMES = {"medicai": ["AttentionUNet", "SegFormer", "SwinUNETR", "UNETR", "UNet", "UNetPlusPlus"],
         "keras_hub": ["DeepLabV3", "SegFormer"]}  # fmt: skip
ALL = [f"{provider}:{name}" for provider, names in NAMES.items() for name in names]
VOLUMES = ["medicai:UNet", "medicai:SwinUNETR", "medicai:UNETR"]
SMALL = {"medicai:UNETR": {"feature_size": 8}}
SLOW = {"medicai:SwinUNETR", "medicai:UNETR", "medicai:SegFormer", "medicai:UNetPlusPlus"}  # more than half a minute
ONNX = ["medicai:UNet", "medicai:AttentionUNet", "medicai:UNetPlusPlus", "medicai:SwinUNETR", "keras_hub:DeepLabV3"]


def cases(names):
    return [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in names]


@pytest.fixture(autouse=True)
def _forget():
    yield
    keras.backend.clear_session()


def build(name, classes=1, shape=(64, 64, 1), **options):
    return create_model(name, shape, classes, **SMALL.get(name, {}) | options)


def test_the_list_is_known():
    assert {provider: sorted(provided(provider)) for provider in PROVIDERS} == NAMES


@pytest.mark.parametrize("name", cases(ALL))
def test_trained_at_an_odd_size_saved_and_loaded_it_is_the_same(name, tmp_path):
    shape = (59, 64, 1)
    images, labels = phantoms(shape)
    keras.utils.set_random_seed(1)
    model = build(name, shape=shape)
    model.compile(keras.optimizers.Adam(1e-3), get_loss("bce_dice_loss"), jit_compile=False)
    losses = [float(model.train_on_batch(images, labels)) for _ in range(12)]
    assert min(losses) < 0.8 * losses[0]
    rule = InputRule(shape[-3], shape[-2], shape[-1])
    metadata = Metadata(name, SMALL.get(name, {}), 1, ["background", "ball"], rule, LabelRule())
    save_model(model, tmp_path / "model.keras", metadata)
    loaded, _ = load_model(tmp_path / "model.keras")
    expected = np.asarray(model.predict_on_batch(images))
    assert expected.shape == labels.shape and expected.dtype == np.float32
    assert np.allclose(expected, loaded.predict_on_batch(images), atol=1e-6)


@pytest.mark.parametrize("name", cases(VOLUMES))
def test_volumes_too(name):
    images, _ = phantoms((32, 32, 32, 1), count=1)
    found = np.asarray(build(name, 2, (32, 32, 32, 1)).predict_on_batch(images))
    assert found.shape == (1, 32, 32, 32, 2) and np.allclose(found.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("name", cases(ONNX))
def test_onnx_gives_the_same(name, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    images, _ = phantoms((64, 64, 1), count=2)
    model = build(name, 2)
    export_onnx(model, tmp_path / "model.onnx")
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    (found,) = session.run(None, {"image": images})
    assert np.abs(found - model.predict_on_batch(images)).max() < 1e-4


@pytest.mark.parametrize("size", ["B0", "B2"])
def test_our_segformer_has_the_weights_of_kerashubs(size):
    width = {"B0": 256, "B2": 768}[size]
    ours = create_model("segformer", (64, 64, 3), 2, size=size)
    theirs = create_model("keras_hub:SegFormer", (64, 64, 3), 2, size=size, projection_filters=width)

    def counts(model):
        return sorted(int(np.prod(weight.shape)) for weight in model.weights)

    assert counts(ours) == counts(theirs)


def test_our_segformer_computes_what_kerashubs_computes():
    """Random weights in both: theirs has the reduction of keys after the attention's, and its decoder from fine to coarse."""
    ours = create_model("segformer", (64, 96, 3), 2)
    theirs = create_model("keras_hub:SegFormer", (64, 96, 3), 2, projection_filters=256)
    rng = np.random.default_rng(0)
    weights = [np.abs(rng.normal(0.1, 0.1, weight.shape)).astype(np.float32) for weight in theirs.weights]
    theirs.set_weights(weights)
    moved, place = [], 0
    paths = [weight.path for weight in theirs.weights]
    while place < len(paths):
        if "multihead_attention" in paths[place]:
            owner = paths[place].rsplit("/", 2)[0]
            end = next(i for i in range(place, len(paths)) if not paths[i].startswith(owner + "/"))
            moved += weights[place + 8 : end] + weights[place : place + 8]
            place = end
        elif paths[place].startswith("linear_"):
            moved += [one for pair in (6, 4, 2, 0) for one in weights[place + pair : place + pair + 2]]
            place += 8
        else:
            moved.append(weights[place])
            place += 1
    ours.set_weights([one.reshape(weight.shape) for one, weight in zip(moved, ours.weights, strict=True)])
    image = rng.random((2, 64, 96, 3), np.float32)
    found, expected = ours.predict_on_batch(image), theirs.predict_on_batch(image)
    assert expected.std() > 0.01 and np.abs(found - expected).max() < 1e-4


def test_the_whole_way_from_a_configuration(config_file, quiet):
    overrides = ["model.name=medicai:UNet", "model.options={'encoder_depth': 3, 'decoder_filters': [16, 8, 8]}",
                 "train.epochs=1"]  # fmt: skip
    run = mw.train(config_file, overrides=overrides, run_dir=config_file.parent / "run", reporter=quiet)
    assert 0 <= mw.evaluate(run, reporter=quiet).summary["per_image"]["dice"]["mean"] <= 1
    assert mw.predict(run, config_file.parent / "dataset" / "images", reporter=quiet).masks


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("medicai:UNet", {"encoder_nam": "resnet18"}, "Did you mean 'encoder_name'"),
        ("medicai:UNet", {"encoder_name": "resnet19"}, "cannot be built"),
        ("medicai:Unet", {}, "Did you mean 'UNet'"),
        ("keras_hub:SegFormer", {"size": "B9"}, "B0, B1"),
        ("keras_hub:SegFormer", {"weights": "mit_b0_ade20k_512"}, "nothing is downloaded"),
        ("keras_hub:DeepLabV3", {"backbone": "VGG"}, "ResNet18"),
    ],
)
def test_what_cannot_be_built_says_what_can(name, options, words):
    with pytest.raises(MaskwrightError, match=words):
        create_model(name, (64, 64, 3), 2, **options)

"""EfficientNet-Lite. `tests/backends` compares its logits with those of the package that its weights were made for."""

import math
from importlib.util import find_spec

import keras
import numpy as np
import pytest

from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule
from maskwright.models import lite_encoder as lite
from maskwright.models import lite_weights
from maskwright.models.metadata import Metadata
from maskwright.models.registry import create_model
from maskwright.models.saving import build, load_model, save_model

needs_weights = pytest.mark.skipif(not find_spec(lite.ENCODERS["lite0"].package), reason='the extra "pretrained"')


@pytest.fixture(autouse=True)
def _forget():
    yield
    keras.backend.clear_session()


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("lite0", 4_694_024), pytest.param("lite1", 5_470_344, marks=pytest.mark.slow),
     pytest.param("lite2", 6_150_168, marks=pytest.mark.slow)],
)  # fmt: skip
def test_parameters_of_the_published_networks(name, parameters):
    """Those of the published files, without their counters of steps."""
    inputs = keras.Input((64, 64, 3))
    _, logits, _ = lite.lite_encoder(inputs, name, None, top=True)
    assert keras.Model(inputs, logits).count_params() == parameters


def test_skips_halve_from_one_to_the_next():
    skips, bottom, _ = lite.lite_encoder(keras.Input((64, 96, 3)), "lite0", None)
    assert [one.shape[1:] for one in (*skips, bottom)] == [
        (32, 48, 16), (16, 24, 24), (8, 12, 40), (4, 6, 112), (2, 3, 320)
    ]  # fmt: skip


@needs_weights
def test_a_photograph_is_what_it_shows():
    """A cup of espresso, class 967 of ImageNet; probabilities by efficientnet-lite-pytorch 0.1.0 with the same file."""
    import cv2
    from skimage import data

    photo = cv2.resize(data.coffee(), (224, 224), interpolation=cv2.INTER_AREA)
    inputs = keras.Input((224, 224, 3))
    _, logits, _ = lite.lite_encoder(inputs, "lite0", "imagenet", top=True)
    found = np.asarray(keras.ops.softmax(keras.Model(inputs, logits)(photo[None] / np.float32(255))))[0]
    assert found.argmax() == 967 and found[967] == pytest.approx(0.9050141, abs=1e-4)
    assert np.sort(found)[-3:-1] == pytest.approx([0.01169115, 0.03110944], abs=1e-4)


@needs_weights
def test_grey_pictures_are_three_equal_colours():
    grey = np.random.default_rng(0).random((1, 64, 64, 1)).astype(np.float32)
    outputs = []
    for channels in (1, 3):
        inputs = keras.Input((64, 64, channels))
        _, bottom, _ = lite.lite_encoder(inputs, "lite0", "imagenet")
        outputs.append(np.asarray(keras.Model(inputs, bottom)(grey.repeat(channels, -1), training=False)))
    assert outputs[0] == pytest.approx(outputs[1], abs=1e-4)


@needs_weights
@pytest.mark.parametrize(
    "channels", [pytest.param(2, marks=pytest.mark.slow), 4, pytest.param(6, marks=pytest.mark.slow)]
)
def test_other_channels_start_from_the_colours(channels):
    """As bright as the colours: six channels that repeat three give what the three do."""
    first = []
    for count in (channels, 3):
        inputs = keras.Input((64, 64, count))
        _, _, made = lite.lite_encoder(inputs, "lite0", "imagenet")
        first.append(keras.ops.convert_to_numpy(made[0].kernel))
    assert first[0].shape[2] == channels and np.isfinite(first[0]).all()
    if channels == 6:
        assert first[0][:, :, :3] + first[0][:, :, 3:] == pytest.approx(first[1], abs=1e-6)


def test_a_frozen_encoder_leaves_the_decoder():
    whole = create_model("efficientnet_lite_unet", (32, 32, 1))
    frozen = create_model("efficientnet_lite_unet", (32, 32, 1), freeze_backbone=True)
    assert 0 < len(frozen.trainable_variables) < len(whole.trainable_variables)
    assert sum(math.prod(one.shape) for one in frozen.trainable_variables) < 900_000


def test_weights_that_are_not_installed_are_asked_for(monkeypatch):
    monkeypatch.setattr(lite_weights, "find_spec", lambda _: None)
    with pytest.raises(MaskwrightError, match=r"not installed.*\n.*maskwright\[pretrained\]"):
        create_model("efficientnet_lite_unet", (32, 32, 1), weights="imagenet")


def test_a_model_needs_its_first_weights_no_more(monkeypatch, tmp_path):
    """Loaded for prediction in another precision, or exported, on a machine without the package."""
    monkeypatch.setattr(lite_weights, "find_spec", lambda _: None)
    metadata = Metadata(
        "efficientnet_lite_unet", {"weights": "imagenet"}, 1, ["background", "a"],
        InputRule(32, 32, 1), LabelRule(),
    )  # fmt: skip
    save_model(build(metadata), tmp_path / "model.keras", metadata)
    model, _ = load_model(tmp_path / "model.keras", "mixed_bfloat16")
    assert model.count_params() == 3_834_481
    with pytest.raises(MaskwrightError, match="not installed"):
        build(metadata, pretrained=True)


def test_other_files_are_no_weights(tmp_path):
    (tmp_path / "a.pth").write_bytes(b"no weights")
    with pytest.raises(MaskwrightError, match=r"a\.pth: is not the file that was published"):
        create_model("efficientnet_lite_unet", (32, 32, 1), weights=str(tmp_path / "a.pth"))
    with pytest.raises(MaskwrightError, match="no such"):
        create_model("efficientnet_lite_unet", (32, 32, 1), weights=str(tmp_path / "gone.pth"))
    with pytest.raises(MaskwrightError, match="lite0, lite1, lite2"):
        create_model("efficientnet_lite_unet", (32, 32, 1), encoder="lite9")

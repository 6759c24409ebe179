import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from maskwright.errors import MaskwrightError
from maskwright.models.pretrained import ENCODERS, application, encoder, weights_file


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def resnet(weights=None, channels=3):
    return application(keras.Input((32, 32, channels)), "ResNet50", weights)


def test_weights_come_from_the_cache_or_a_path(home, tmp_path):
    keras.utils.set_random_seed(1)
    stored = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(32, 32, 3))
    with h5py.File(home / ENCODERS["ResNet50"].file, "w") as file:  # the old format, in which they are published
        legacy_h5_format.save_weights_to_hdf5_group(file, stored)
    stored.save_weights(tmp_path / "mine.weights.h5")
    kernel = stored.get_layer("conv1_conv").kernel
    for weights in ("imagenet", str(tmp_path / "mine.weights.h5")):
        found = resnet(weights).get_layer("conv1_conv").kernel
        assert np.array_equal(found, kernel)


def test_without_them_it_says_so_and_goes_on(home):
    with pytest.warns(UserWarning, match=r"no ImageNet weights of ResNet50.*random ones are used.*resnet50_weights"):
        assert resnet("imagenet").count_params() > 20e6


def test_a_path_that_is_no_such_file_is_an_error(home, tmp_path):
    with pytest.raises(MaskwrightError, match=r"no such weights"):
        weights_file("ResNet50", str(tmp_path / "gone.h5"))
    (tmp_path / "bad.weights.h5").write_bytes(b"no weights")
    with pytest.raises(MaskwrightError, match="are no weights of ResNet50"):
        resnet(str(tmp_path / "bad.weights.h5"))


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        pytest.param("EfficientNetB0", 1, marks=pytest.mark.slow),
        ("ResNet50", 5),
        pytest.param("ResNet50", 3, marks=pytest.mark.slow),
        pytest.param("ConvNeXtTiny", 1, marks=pytest.mark.slow),
    ],
)
def test_skips_halve_from_one_to_the_next(name, channels):
    inputs = keras.Input((64, 96, channels))
    skips, bottom = encoder(inputs, name, None, frozen=True)
    sizes = [skip.shape[1:3] for skip in (*skips, bottom)]
    assert sizes[0] == (64, 96) and sizes[-1] == (2, 3)
    model = keras.Model(inputs, bottom)
    assert np.isfinite(model.predict_on_batch(np.zeros((1, 64, 96, channels), np.float32))).all()


def test_frozen_layers_are_not_trained():
    inputs = keras.Input((32, 32, 3))
    _, bottom = encoder(inputs, "ResNet50", None, frozen=True)
    assert not keras.Model(inputs, bottom).trainable_variables
    _, bottom = encoder(inputs, "ResNet50", None, frozen_norm=True)
    assert keras.Model(inputs, bottom).trainable_variables

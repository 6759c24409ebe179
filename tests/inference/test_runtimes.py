"""The same network in Keras, ONNX Runtime and OpenVINO."""

import importlib.util
import json
import shutil
import zipfile

import numpy as np
import pytest

from maskwright.cli import main
from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.inference import runtimes
from maskwright.inference.model_files import KINDS
from maskwright.inference.runtimes import choose_engine, images_per_second, open_runtime
from maskwright.labels.rule import LabelRule
from maskwright.models.metadata import Metadata
from maskwright.models.saving import build, save_model

OPTIONS = {"num_layers": 3, "base_filters": 4}


def saved(folder, architecture, channels, **rule):
    names = ["background", *(f"c{i}" for i in range(1, max(channels, 2)))]
    metadata = Metadata(
        architecture, OPTIONS, channels, names, InputRule(48, 40, 1, **rule), LabelRule("index", len(names))
    )
    model = build(metadata)
    rng = np.random.default_rng(0)
    model.set_weights([np.abs(rng.normal(0.1, 0.3, weight.shape)) * rng.choice([-1, 1], weight.shape) if "variance" not in
                       weight.path else rng.uniform(0.5, 1.5, weight.shape) for weight in model.weights])  # fmt: skip
    save_model(model, folder / "model.keras", metadata)
    return folder / "model.keras"


@pytest.mark.parametrize(
    ("architecture", "channels", "rule"), [("unet", 1, {}), ("nnunet", 3, {}), ("unet_3d", 2, {"depth": 16})]
)
def test_every_engine_finds_the_same(tmp_path, architecture, channels, rule):
    path = saved(tmp_path, architecture, channels, **rule)
    engines = {name: open_runtime(name, path, "float32", tmp_path / "cache") for name in KINDS["keras"].engines}
    shape = engines["keras"].metadata.input_shape
    inputs = np.random.default_rng(1).normal(0, 1, (3, *shape)).astype(np.float32)
    expected = engines["keras"].probabilities(inputs)
    assert expected.std() > 0.01
    for name in ("onnx", "openvino"):
        assert engines[name].metadata == engines["keras"].metadata
        found = engines[name].probabilities(inputs)
        assert found.shape == (3, *shape[:-1], channels) and found.dtype == np.float32
        assert np.abs(found - expected).max() < 1e-4
        filled = engines[name].probabilities(inputs[:1], batch_size=4)
        assert filled.shape[0] == 1 and np.abs(filled - expected[:1]).max() < 1e-4


@pytest.fixture(scope="module")
def unet(tmp_path_factory):
    """One model for the tests that only read it."""
    return saved(tmp_path_factory.mktemp("unet"), "unet", 1)


@pytest.fixture(scope="module")
def converted(unet, tmp_path_factory):
    """A cache that has it as ONNX."""
    folder = tmp_path_factory.mktemp("converted")
    open_runtime("onnx", unet, "float32", folder)
    return folder


@pytest.fixture
def cache(converted, tmp_path):
    """A copy of that cache, for what is measured into it."""
    return shutil.copytree(converted, tmp_path / "cache")


def test_bfloat16_gives_nearly_the_same_mask(unet, cache):
    inputs = np.random.default_rng(1).normal(0, 1, (4, 48, 40, 1)).astype(np.float32)
    one, other = (open_runtime("openvino", unet, precision, cache).probabilities(inputs)
                  for precision in ("float32", "mixed_bfloat16"))  # fmt: skip
    middle = np.median(one)
    one, other = one >= middle, other >= middle
    assert 2 * (one & other).sum() / (one.sum() + other.sum()) > 0.98


def test_the_fastest_is_measured_once_and_remembered(unet, cache, monkeypatch):
    speeds = {"KerasEngine": 10.0, "OnnxEngine": 30.0, "OpenVinoEngine": 20.0}
    measured = []

    def pretend(engines):
        measured.extend(type(engine).__name__ for engine in engines.values())
        return {name: speeds[type(engine).__name__] for name, engine in engines.items()}

    monkeypatch.setattr(runtimes, "images_per_second", pretend)
    for _ in range(2):
        assert type(choose_engine("auto", unet, "float32", cache)).__name__ == "OnnxEngine"
    assert sorted(measured) == sorted(speeds)
    (known,) = json.loads((cache / "engines.json").read_text(encoding="utf-8")).values()
    assert known["engine"] == "onnx" and known["images_per_second"]["openvino"] == 20.0
    assert images_per_second({"onnx": open_runtime("onnx", unet, "float32", cache)})["onnx"] > 0


def test_a_damaged_model_is_said_whatever_the_engine(unet, tmp_path):
    with zipfile.ZipFile(unet) as whole, zipfile.ZipFile(tmp_path / "bad.keras", "w") as bad:
        for name in whole.namelist():
            bad.writestr(name, b"nothing" if name == "model.weights.h5" else whole.read(name))
    with pytest.raises(MaskwrightError, match="is a damaged model"):
        choose_engine("auto", tmp_path / "bad.keras", "float32", tmp_path / "cache")


def test_a_model_is_converted_once(unet, cache):
    (file,) = (cache / "onnx").iterdir()
    stamp = file.stat().st_mtime_ns
    for engine in ("onnx", "openvino"):
        open_runtime(engine, unet, "float32", cache)
    assert file.stat().st_mtime_ns == stamp and len(list((cache / "onnx").iterdir())) == 1


def test_what_is_not_installed_is_said(unet, cache, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "openvino" else real(name))
    with pytest.raises(MaskwrightError, match=r"engine openvino: needs openvino, which is not installed"):
        open_runtime("openvino", unet, "float32", cache)
    assert choose_engine("auto", unet, "float32", cache).metadata.architecture == "unet"
    note = json.loads((cache / "engines.json").read_text(encoding="utf-8"))
    assert set(next(iter(note.values()))["images_per_second"]) == {"keras", "onnx"}


def test_from_the_command_line(trained_run, capsys):
    run, dice = str(trained_run.path), {}
    for engine in KINDS["keras"].engines:
        assert main(["evaluate", run, "--engine", engine, "--json", "--quiet"]) == 0
        dice[engine] = json.loads(capsys.readouterr().out)["per_patient"]["dice"]["mean"]
    assert dice["onnx"] == pytest.approx(dice["keras"], abs=1e-3) == dice["openvino"]

"""Exported models: opened again, compared with Keras, and used alone."""

import contextlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskwright.cli import main
from maskwright.data.preprocess import InputRule, network_input
from maskwright.errors import MaskwrightError
from maskwright.exporting.run import FORMATS, export_model
from maskwright.inference.model_files import KINDS, kind_of, read_metadata
from maskwright.inference.runtimes import open_runtime
from maskwright.labels.rule import LabelRule
from maskwright.models.metadata import Metadata, from_json
from maskwright.models.saving import build, load_model, save_model
from maskwright.training.run import Run

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("openvino", "onnxruntime", "tf2onnx"))),
    reason="the extra [engines] is not installed",
)
CASES = {
    "unit": (1, InputRule(48, 40, 1)),
    "window": (3, InputRule(48, 40, 1, window="abdomen", neighbours=1, slice_pattern=r"(\d+)", intensity="zscore")),
    "colour": (1, InputRule(48, 40, 3, dtype="uint16", high=4095.0)),
    "raw": (2, InputRule(48, 40, 1, intensity="raw")),
    "volume": (2, InputRule(32, 32, 1, dtype="float32", depth=16, spacing=(2.5, 0.8, 0.8), intensity="zscore")),
}
FILES = {"onnx": "m.onnx", "openvino": "m.xml", "saved_model": "saved", "bioimageio": "m.zip"}


def blobs(height=192, width=160):
    """A picture of smooth blobs, twice or four times the network's size."""
    noise = np.random.default_rng(0).integers(0, 256, (height, width)).astype(np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 8), None, 0, 255, cv2.NORM_MINMAX)


def trained(folder, case, seed=0):
    channels, rule = CASES[case]
    names = ["background", *(f"organ {i}" for i in range(1, max(channels, 2)))]
    name = "unet_3d" if rule.depth else "unet"
    metadata = Metadata(
        name, {"num_layers": 2, "base_filters": 4}, channels, names, rule, LabelRule("index", len(names)), {},
        {"epoch": 3, "val_dice": 0.5},
    )  # fmt: skip
    model = build(metadata)
    rng = np.random.default_rng(seed)
    model.set_weights([weight + rng.normal(0, 0.1, weight.shape).astype(np.float32) for weight in model.get_weights()])
    if channels == 1:  # so that a mask is neither empty nor full
        inputs = network_input(blobs(), rule)[None].astype(np.float32) / rule.high
        metadata = replace(metadata, predict={"threshold": round(float(np.median(model.predict_on_batch(inputs))), 4)})
    save_model(model, folder / "model.keras", metadata)
    return folder / "model.keras"


@pytest.fixture(scope="module")
def picture_model(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("model"), "unit")


@pytest.fixture(scope="module")
def exported(picture_model, tmp_path_factory):
    """The same model in a format, written by the command once and only to be read."""
    made = {}

    def export(format):
        if format not in made:
            path, said = tmp_path_factory.mktemp(format) / FILES[format], io.StringIO()
            with contextlib.redirect_stdout(said):
                assert (
                    main(["export", str(picture_model), "--format", format, "--output", str(path), "--json", "--quiet"])
                    == 0
                )
            assert json.loads(said.getvalue())["largest_difference"] < 1e-5
            made[format] = path
        return made[format]

    return export


@pytest.fixture
def copied(exported, tmp_path):
    """A copy of it, which may be damaged."""
    return lambda format: shutil.copytree(exported(format).parent, tmp_path / format) / FILES[format]


# A graph is one of pictures or of volumes; what a package says of its input differs with every rule.
EXPORTS = [
    (case, format) for format in FORMATS for case in CASES if format == "bioimageio" or case in ("window", "volume")
]


@pytest.mark.parametrize("case", CASES)
def test_what_a_model_says_of_its_input_survives_any_file(tmp_path, case):
    metadata = read_metadata(trained(tmp_path, case))
    assert metadata.input_rule == CASES[case][1] and from_json(metadata.to_json(), tmp_path) == metadata


@pytest.mark.parametrize(("case", "format"), EXPORTS)
def test_what_is_exported_says_and_finds_what_the_model_does(tmp_path, quiet, case, format):
    path = trained(tmp_path, case)
    found = export_model(path, format, None, quiet)
    assert found.path.parent == tmp_path / "exports" and found.bytes > 1000
    assert found.difference < 1e-4
    kind = kind_of(found.path)
    assert kind is KINDS[format] and read_metadata(found.path) == read_metadata(path)
    shape = read_metadata(path).input_shape
    inputs = np.random.default_rng(1).normal(0, 1, (3, *shape)).astype(np.float32)
    expected = open_runtime("keras", path, "float32", tmp_path).probabilities(inputs)
    for name in kind.engines:
        probabilities = open_runtime(name, found.path, "float32", tmp_path / "cache").probabilities(inputs, 4)
        assert probabilities.shape == expected.shape and np.abs(probabilities - expected).max() < 1e-4


@pytest.mark.parametrize("format", FORMATS)
def test_a_prediction_needs_the_exported_file_alone(tmp_path, picture_model, copied, format):
    cv2.imwrite(str(tmp_path / "a.png"), blobs())
    alone = copied(format)
    fixed = ["--set", "predict.precision=float32"]
    assert main(["predict", str(alone), str(tmp_path / "a.png"), "--output", str(tmp_path / "one"), *fixed]) == 0
    assert (
        main(["predict", str(picture_model), str(tmp_path / "a.png"), "--output", str(tmp_path / "two"), *fixed]) == 0
    )
    one, other = (cv2.imread(str(tmp_path / name / "a.png"), 0) for name in ("one", "two"))
    assert 5 < other.mean() < 250 and (one != other).mean() < 0.001
    assert json.loads((tmp_path / "one" / "predictions.json").read_text())["thresholds"] == [
        read_metadata(picture_model).predict["threshold"]
    ]


def test_only_the_exported_file_and_onnxruntime(tmp_path, copied):
    """The example without Maskwright finds the same mask, where the picture shrinks by a whole factor."""
    cv2.imwrite(str(tmp_path / "a.png"), blobs())
    environment = {**os.environ, "PYTHONPATH": ""}
    for script, arguments in (
        ("use_onnx.py", [copied("onnx"), tmp_path / "a.png", tmp_path / "mask.png"]),
        ("use_exported.py", [tmp_path / "onnx" / "m.onnx", tmp_path / "a.png", "--output", tmp_path / "masks"]),
    ):
        source = (ROOT / "examples" / script).read_text(encoding="utf-8")
        assert script != "use_onnx.py" or "maskwright" not in source.split('"""')[2].replace('map["maskwright"]', "")
        subprocess.run([sys.executable, ROOT / "examples" / script, *map(str, arguments)], check=True, env=environment)
    one, other = cv2.imread(str(tmp_path / "mask.png"), 0), cv2.imread(str(tmp_path / "masks" / "a.png"), 0)
    assert 0.02 < (other > 0).mean() < 0.98
    assert 2 * ((one > 0) & (other > 0)).sum() / ((one > 0).sum() + (other > 0).sum()) > 0.99


def test_the_example_refuses_what_it_does_not_know(tmp_path, copied):
    import onnx

    model = onnx.load(copied("onnx"))
    (entry,) = (one for one in model.metadata_props if one.key == "maskwright")
    about = json.loads(entry.value)
    about["input_rule"]["fit"] = "patch"
    entry.value = json.dumps(about)
    onnx.save(model, tmp_path / "patch.onnx")
    cv2.imwrite(str(tmp_path / "a.png"), blobs())
    words = [sys.executable, ROOT / "examples" / "use_onnx.py", "patch.onnx", "a.png", "mask.png"]
    done = subprocess.run(list(map(str, words)), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "fit is 'patch'" in done.stderr and not (tmp_path / "mask.png").exists()


def test_an_export_that_is_wrong_is_not_kept(tmp_path, picture_model, quiet, monkeypatch):
    from maskwright.exporting import formats

    def shifted(model, metadata, path):
        import keras

        other = keras.models.clone_model(model)
        other.set_weights([weight + 0.05 for weight in model.get_weights()])
        formats.write_onnx(other, metadata, path)

    monkeypatch.setitem(FORMATS, "onnx", shifted)
    with pytest.raises(MaskwrightError, match="differs from Keras"):
        export_model(picture_model, "onnx", tmp_path / "m.onnx", quiet)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path, picture_model, copied, quiet):
    (tmp_path / "theirs.onnx").write_bytes(b"somebody's")
    with pytest.raises(MaskwrightError, match="did not write"):
        export_model(picture_model, "onnx", tmp_path / "theirs.onnx", quiet)
    first = copied("openvino")
    before = first.read_bytes()
    export_model(picture_model, "openvino", first, quiet)
    kept = list(first.parent.glob("m.xml_*"))
    assert len(kept) == 1 and kept[0].read_bytes() == before and len(list(first.parent.glob("m.bin_*"))) == 1


@pytest.mark.parametrize(("name", "content", "said"), [
    ("m.onnx", b"", "no ONNX file|without Maskwright"),
    ("m.onnx", b"\x08\xff\xff nonsense", "no ONNX file"),
    ("m.xml", b"<net><rt_info/></net>", "without Maskwright"),
    ("m.xml", b"<net", "no OpenVINO model"),
    ("m.zip", b"PK nonsense", "no BioImage"),
    ("m.txt", b"", "no model file"),
    ("m.keras", b"x", "no model"),
])  # fmt: skip
def test_files_that_are_no_models(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MaskwrightError, match=said):
        read_metadata(tmp_path / name)
    with pytest.raises(MaskwrightError, match=r"no such|no model file"):
        read_metadata(tmp_path / f"missing-{name}")


def test_damaged_exports_are_named(tmp_path, copied, capsys):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((40, 40), np.uint8))
    for format, name in FILES.items():
        path = copied(format)
        if format == "onnx":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        elif format == "openvino":
            path.with_suffix(".bin").write_bytes(b"short")
        elif format == "saved_model":
            (path / "saved_model.pb").write_bytes(b"nonsense")
        else:
            with zipfile.ZipFile(path) as old:
                entries = {entry: old.read(entry) for entry in old.namelist()}
            with zipfile.ZipFile(path, "w") as new:
                for entry, data in entries.items():
                    new.writestr(entry, data[:1000] if entry.endswith(".onnx") else data)
        assert main(["predict", str(path), str(tmp_path / "a.png"), "--output", str(tmp_path / "none")]) == 2, format
        said = capsys.readouterr().err
        assert name.split(".")[0] in said and "mistake of Maskwright" not in said


def test_engines_that_do_not_run_a_file(tmp_path, exported, capsys):
    path = exported("onnx")
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((40, 40), np.uint8))
    assert (
        main(["predict", str(path), str(tmp_path / "a.png"), "--engine", "keras", "--output", str(tmp_path / "o")]) == 2
    )
    assert "onnx or openvino does" in capsys.readouterr().err


@pytest.fixture(scope="module")
def run(trained_once, tmp_path_factory):
    """A run with validation patients, to calibrate on and to export beside."""
    return Run(shutil.copytree(trained_once, tmp_path_factory.mktemp("int8") / "run"))


def test_int8_is_calibrated_on_validation_cases_and_kept_if_it_loses_little(run, tmp_path, capsys):
    assert main(["export", str(run.path), "--format", "openvino", "--precision", "int8", "--json", "--quiet"]) == 0
    said = json.loads(capsys.readouterr().out)
    path = Path(said["path"])
    assert path == run.path / "exports" / "model-int8.xml" and b"FakeQuantize" in path.read_bytes()
    dice = said["validation_dice"]
    assert dice["keras"] - dice["int8"] < 0.005
    weights = 4 * sum(array.size for array in load_model(run.model_file)[0].get_weights())
    assert path.with_suffix(".bin").stat().st_size < 0.7 * weights
    scored = {}
    for name, more in (("keras", []), ("int8", ["--model", str(path)])):
        fixed = ["--set", "predict.precision=float32"]
        assert main(["evaluate", str(run.path), "--split", "valid", "--json", "--quiet", *more, *fixed]) == 0
        scored[name] = json.loads(capsys.readouterr().out)["per_patient"]["dice"]["mean"]
    assert scored == pytest.approx(dice, abs=1e-6)


def test_int8_that_loses_is_not_kept(run, tmp_path, capsys, monkeypatch):
    from maskwright.exporting import int8

    right = int8.quantize
    monkeypatch.setattr(int8, "quantize", lambda graph, inputs, out: right(graph, [0 * one for one in inputs], out))
    monkeypatch.setattr(int8, "MOST_LOSS", -1.0)
    asked = [
        "export",
        str(run.path),
        "--format",
        "openvino",
        "--precision",
        "int8",
        "--output",
        str(tmp_path / "m.xml"),
    ]
    assert main(asked) == 2
    assert "on the validation patients" in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_int8_needs_a_run_and_openvino(run, tmp_path, picture_model, capsys):
    assert main(["export", str(picture_model), "--format", "openvino", "--precision", "int8"]) == 2
    assert "no run folder" in capsys.readouterr().err
    assert main(["export", str(run.path), "--format", "onnx", "--precision", "int8"]) == 2
    assert "with --format openvino" in capsys.readouterr().err


@pytest.mark.bioimageio
@pytest.mark.parametrize("case", CASES)
def test_the_zoo_accepts_a_package(tmp_path, quiet, case):
    """The zoo's own test, in an environment of its own (`make test-bioimageio`)."""
    tool = ROOT / ".venv-bioimageio" / "bin" / "python"
    path = export_model(trained(tmp_path, case), "bioimageio", None, quiet).path
    script = "import sys, bioimageio.core as core; print(core.test_model(sys.argv[1]).status)"
    found = subprocess.run([tool, "-c", script, path], capture_output=True, text=True, timeout=300, check=True)
    assert found.stdout.splitlines()[-1] == "passed", found.stdout[-3000:]

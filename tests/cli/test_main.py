import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from maskwright.cli import main
from maskwright.cli._main import command_names, load_command

HEAVY = {"keras", "tensorflow", "jax", "torch", "matplotlib", "cv2", "pydantic", "numpy"}


def imported_by(*words):
    """Top-level modules that a command line imports, in a process of its own."""
    code = (
        "import sys\nfrom maskwright.cli import main\n"
        f"try:\n    main({list(words)!r})\nexcept SystemExit:\n    pass\n"
        "print(' '.join({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [("--help",), ("score", "--help"), ("train", "--help"), ("--version",)])
def test_help_imports_nothing_heavy(words):
    assert not HEAVY & imported_by(*words)


def test_score_stats_and_check_never_wait_for_keras(config_file, dataset, tmp_path):
    for words in (
        ("score", str(dataset / "masks"), str(dataset / "masks")),
        ("stats", str(dataset), "--output", str(tmp_path)),
        ("config", "check", str(config_file)),
        ("config", "schema"),
    ):
        assert not {"keras", "tensorflow", "jax", "torch"} & imported_by(*words)


def test_every_command_has_help_and_an_example():
    assert set(command_names()) >= {
        "config",
        "demo",
        "doctor",
        "evaluate",
        "models",
        "predict",
        "score",
        "stats",
        "train",
    }
    for name in command_names():
        module = load_command(name)
        assert module.HELP and module.EXAMPLE.startswith(f"maskwright {name}")


def run(capsys, *words):
    code = main(list(words))
    out, err = capsys.readouterr()
    return code, out, err


def test_score_of_the_truth_itself(capsys, dataset, tmp_path):
    code, out, _ = run(capsys, "score", str(dataset / "masks"), str(dataset / "masks"), "--json", "--patient-pattern",
                       r"P(\d+)", "--output", str(tmp_path / "scores"))  # fmt: skip
    found = json.loads(out)
    assert code == 0 and (found["images"], found["patients"]) == (24, 8)
    assert found["per_image"]["dice"]["mean"] == found["per_patient"]["dice"]["min"] == 1
    assert {"mean", "std", "median", "min", "max", "n", "undefined", "ci95"} == set(found["per_patient"]["dice"])
    assert len((tmp_path / "scores" / "per_patient.csv").read_text(encoding="utf-8").splitlines()) == 9


def test_truth_without_a_prediction_is_told(capsys, dataset, tmp_path):
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "P00-0.png").write_bytes((dataset / "masks" / "P00-0.png").read_bytes())
    code, out, err = run(capsys, "score", str(tmp_path / "some"), str(dataset / "masks"), "--json")
    assert code == 0 and json.loads(out)["images"] == 1
    assert "23 masks" in err and "not scored" in err


def test_a_users_mistake_is_one_message_and_2(capsys, tmp_path):
    code, out, err = run(capsys, "score", str(tmp_path / "none"), str(tmp_path), "--json")
    assert code == 2 and json.loads(out)["code"] == 2
    assert "none" in err and "Traceback" not in err
    code, _, err = run(capsys, "score", str(tmp_path / "none"), str(tmp_path), "--debug")
    assert code == 2 and "Traceback" in err


@pytest.mark.parametrize("words", [("predict",), ("train", "a", "b"), ("score", "a")])
def test_wrong_usage_is_2(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    assert stop.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('loss = "Loss"', "Keras's Loss has no formula"),
        ('loss = "dice_los"', "Did you mean 'dice_loss'"),
        ('metrics = ["Mean"]', "does not look at the truth"),
        ('metrics = ["MeanIoU"]', "num_classes"),
        ("metrics = [\"AUC(num_thresholds='x')\"]", "cannot be made"),
        ("seed = 4294967296", "less than or equal to 4294967295"),
        ("learning_rate = inf", "finite"),
    ],
)
def test_config_check_finds_what_training_would_refuse(capsys, tmp_path, line, words):
    path = tmp_path / "config.toml"
    path.write_text(f"[train]\n{line}\n", encoding="utf-8")
    code, out, _ = run(capsys, "config", "check", str(path))
    assert code == 2 and words in out


def test_a_converted_file_keeps_what_was_there(capsys, tmp_path):
    old, new = tmp_path / "old.config", tmp_path / "new.toml"
    old.write_text("[train]\nepochs = 3\n", encoding="utf-8")
    new.write_text("mine", encoding="utf-8")
    assert run(capsys, "config", "convert", str(old), "--output", str(new))[0] == 0
    (kept,) = tmp_path.glob("new.toml_*")
    assert kept.read_text(encoding="utf-8") == "mine" and "epochs = 3" in new.read_text(encoding="utf-8")
    code, _, err = run(capsys, "config", "convert", str(old), "--output", str(old))
    assert code == 2 and "would be overwritten" in err
    code, _, err = run(capsys, "config", "convert", str(old), "--output", str(tmp_path))
    assert code == 2 and "is a folder" in err and old.exists()


def test_config_check_show_convert(capsys, tmp_path, config_file):
    good, bad, old = config_file, tmp_path / "bad.toml", tmp_path / "old.config"
    bad.write_text("[train]\nepoch = 1\n", encoding="utf-8")
    old.write_text('[train]\nimage_datapath = "./images"\nepochs = 3\nepochs = 4\n', encoding="utf-8")
    assert run(capsys, "config", "check", str(good), str(old))[0] == 0
    code, out, _ = run(capsys, "config", "check", str(good), str(old), str(bad), "--json")
    files = {Path(item["file"]).name: item for item in json.loads(out)["files"]}
    assert code == 2 and not files["bad.toml"]["loads"] and "epochs" in files["bad.toml"]["error"]
    assert [p["line"] for p in files["old.config"]["problems"] if p["place"] == "[train] epochs"] == [4]
    assert run(capsys, "config", "convert", str(old), "--output", str(tmp_path / "new.toml"))[0] == 0
    text = (tmp_path / "new.toml").read_text(encoding="utf-8")
    assert 'images = "images"' in text and "epochs = 4" in text
    shown = json.loads(
        run(capsys, "config", "show", str(tmp_path / "new.toml"), "--set", "train.epochs=9", "--json")[1]
    )
    assert shown["train"]["epochs"] == 9 and shown["data"]["train"]["images"] == str(tmp_path / "images")
    before, after = (
        json.loads(run(capsys, "config", "show", str(p), "--json")[1]) for p in (old, tmp_path / "new.toml")
    )
    assert before == after


def test_stats(capsys, dataset, tmp_path):
    (dataset / "images" / "P07-2.png").write_bytes((dataset / "images" / "P00-0.png").read_bytes())
    code, out, _ = run(
        capsys, "stats", str(dataset), "--patient-pattern", r"P(\d+)", "--output", str(tmp_path), "--json"
    )
    part = json.loads(out)["parts"]["all"]
    assert code == 0 and (part["pairs"], part["patients"], part["sizes"]) == (24, 8, {"32x32": 24})
    assert part["repeated_images"] == 1 and part["empty_masks"] == 0
    assert (tmp_path / "dataset_Statistics.png").read_bytes()[:4] == b"\x89PNG"


def test_augment_draws_a_sheet(capsys, config_file, tmp_path):
    sheet = tmp_path / "sheets" / "sheet.png"
    assert main(["augment", str(config_file), "--output", str(sheet), "--pictures", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert Path(found["sheet"]) == sheet and cv2.imread(str(sheet)).shape[0] > 1000
    assert {row["name"] for row in found["rows"]} >= {"hflip", "elastic", "noise", "all together"}
    assert main(["augment", str(config_file), "--output", str(sheet), "--replay", "2:3", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["name"] == "sample 2:3 of seed 137" and len(row["pairs"]) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--replay", "x"], "EPOCH:PLACE"),
        (["--replay", "0:999"], "samples"),
        (["--pictures", "0"], "At least 1"),
        (["--output", "sheet.txt"], ".png or .jpg"),
        (["--set", "augmentation.mode=off"], "nothing to show"),
        (["--set", "augmentation.probabilities={'rotaton': 1}"], "rotaton"),
        (["--set", "augmentation.scale_range=[1.2, 0.8]"], "first number is the smallest"),
        (["--set", "augmentation.gamma_range=[0, 1]"], "over 0"),
    ],
)
def test_augment_says_what_is_wrong(capsys, config_file, words, message):
    assert main(["augment", str(config_file), *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    "size", [[], pytest.param(["--size", "512", "512", "--channels", "3"], marks=pytest.mark.configs)]
)
def test_models_builds_every_architecture(size, capsys):
    from maskwright.models.registry import architectures

    found = json.loads(run(capsys, "models", *size, "--json")[1])["models"]
    assert all(item["parameters"] > 0 and item["multiply_adds"] > 0 for item in found)
    assert {item["name"] for item in found} == {
        name for name, one in architectures().items() if not size or 2 in one.dims
    }


def test_models_and_doctor(capsys, monkeypatch):
    from maskwright.models import registry

    few = {name: registry.architectures()[name] for name in ("unet", "unet_3d", "sharp_unet")}
    monkeypatch.setattr(registry, "architectures", lambda: few)
    found = json.loads(run(capsys, "models", "--size", "512", "512", "--channels", "3", "--json")[1])["models"]
    assert [item["name"] for item in found] == ["unet", "sharp_unet"]  # those that take pictures
    unet = found[0]
    assert unet["parameters"] == 1_941_105 and "TensorflowUNet" in unet["aliases"]
    code, out, _ = run(capsys, "doctor", "--json")
    assert code == 0 and json.loads(out)["versions"]["keras"]


def test_train_evaluate_predict_from_the_command_line(capsys, config_file, dataset, tmp_path):
    folder = config_file.parent / "runs" / "config"
    code, out, _ = run(capsys, "train", str(config_file), "--json", "--quiet", "--set", "train.epochs=1")
    assert code == 0 and json.loads(out)["run"] == str(folder)
    for target in ((str(config_file),), (str(folder),), (str(config_file), "--run", str(folder))):
        code, out, _ = run(capsys, "evaluate", *target, "--json", "--quiet")
        assert code == 0 and json.loads(out)["patients"] == 2
    assert {path.name for path in folder.glob("*.csv")} >= {"evaluation.csv", "per_image.csv", "per_patient.csv"}
    code, out, _ = run(capsys, "predict", str(folder), str(dataset / "images"), "--json", "--quiet")
    assert code == 0 and len(json.loads(out)["masks"]) == 24
    assert (folder / "predictions" / "P00-0.png").exists() and (folder / "predictions" / "overlays").is_dir()
    (tmp_path / "none").mkdir()
    code, _, err = run(capsys, "evaluate", str(tmp_path / "none"), "--quiet")
    assert code == 2 and "no run folder" in err


def test_doctor_looks_at_what_is_asked_for(capsys, monkeypatch):
    from maskwright.cli import _extras

    assert {"fastapi", "uvicorn"} <= {name for name, _ in _extras.extras()["serve"]}
    monkeypatch.setattr(
        _extras, "extras", lambda: {"good": [("rich", "13.9")], "bad": [("rich", "99"), ("no-such-package", "1")]}
    )
    code, out, _ = run(capsys, "doctor", "good", "--json")
    (package,) = json.loads(out)["parts"]["good"]
    assert code == 0 and package["name"] == "rich" and package["version"] and not package["problem"]
    code, out, _ = run(capsys, "doctor", "good", "bad")
    assert code == 1 and 'pip install "maskwright[bad]"' in out and "too old: 99" in out and "not installed" in out
    code, _, error = run(capsys, "doctor", "godo")
    assert code == 2 and "Did you mean 'good'" in error

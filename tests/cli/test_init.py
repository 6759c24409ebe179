import io
import json
import re

import pytest

from maskwright.cli import main
from maskwright.config import load


def test_a_configuration_that_trains_as_it_stands(dataset, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["init", str(dataset), "--output", "c.toml", "--quiet"]) == 0
    text = capsys.readouterr().out
    assert "note: 8 patients are few" in text and "train --fold all" in text
    assert "24 in all" in text and "8 in 24 names; taken" in text and "next: maskwright train c.toml" in text
    written = (tmp_path / "c.toml").read_text(encoding="utf-8")
    assert 'fit = "pad"  # the largest is 32 x 32 px' in written
    small = ["model.name=unet", "model.num_layers=2", "model.base_filters=4", "train.epochs=1", "model.weights=none",
             "train.precision=float32", "predict.precision=float32"]  # fmt: skip
    sets = [word for item in small for word in ("--set", item)]
    assert main(["train", "c.toml", "--run", "run", "--quiet", *sets]) == 0
    assert main(["evaluate", "run", "--quiet"]) == 0


def test_what_a_user_says_outranks_what_is_chosen(dataset, tmp_path, capsys):
    target = tmp_path / "c.toml"
    command = ["init", str(dataset), "--output", str(target), "--json", "--quiet"]
    assert main([*command, "--set", "model.name=unet", "--set", "train.epochs=3", "--set", "train.seed=5"]) == 0
    chosen = json.loads(capsys.readouterr().out)["chosen"]
    for key, value in (("model.name", "unet"), ("train.epochs", 3), ("train.seed", 5)):
        assert chosen[key] == {"value": value, "why": "as you said"}
    assert re.search(r'name = "unet" +# as you said', target.read_text(encoding="utf-8"))


def test_nothing_that_a_user_says_is_lost(dataset, tmp_path, capsys):
    """Of any section, in the reference's words too, and what is said to be none."""
    target = tmp_path / "c.toml"
    said = ["predict.threshold=0.4", "model.options={base_filters = 8}", "data.fit=patch", "model.weights=none",
            "mask.classes=['background', 'ball']", "augmentation.angle_range=[-5, 5]", "model.model=unet"]  # fmt: skip
    assert (
        main(["init", str(dataset), "--output", str(target), "--quiet", *(w for s in said for w in ("--set", s))]) == 0
    )
    config = load(target).config
    assert (
        config.predict.threshold == 0.4 and config.model.options == {"base_filters": 8} and config.data.fit == "patch"
    )
    assert config.mask.classes == ["background", "ball"] and config.augmentation.angle_range == (-5, 5)
    assert config.model.name == "unet" and config.model.weights is None


def test_weights_of_another_network_are_not_kept(dataset, tmp_path, capsys):
    target = tmp_path / "c.toml"
    assert main(["init", str(dataset), "--output", str(target), "--quiet", "--set", "model.name=unet"]) == 0
    assert load(target).config.model.weights is None


def test_what_is_there_is_kept(dataset, tmp_path, capsys):
    target = tmp_path / "c.toml"
    target.write_text("mine", encoding="utf-8")
    assert main(["init", str(dataset), "--output", str(target), "--quiet"]) == 0
    assert [path.read_text(encoding="utf-8") for path in tmp_path.glob("c.toml_*")] == ["mine"]


def test_time_is_measured_and_kept(dataset, tmp_path, capsys):
    target = tmp_path / "c.toml"
    sets = [f"--set={key}" for key in ("model.name=unet", "model.num_layers=2", "model.base_filters=4",
                                       "train.precision=float32")]  # fmt: skip
    assert main(["init", str(dataset), "--output", str(target), "--time", "1m", "--quiet", *sets]) == 0
    text = target.read_text(encoding="utf-8")
    assert re.search(r"minutes = 1\.0 ", text) and re.search(r"epochs = \d+ +# a step took 0\.\d\d s here", text)


@pytest.mark.parametrize("time", ["0m", "soon", "-3m", "30 days"])
def test_a_time_that_is_none(dataset, tmp_path, capsys, time):
    assert main(["init", str(dataset), f"--time={time}", "--quiet"]) == 2
    assert "--time: is " in capsys.readouterr().err


def test_five_questions(dataset, tmp_path, capsys, monkeypatch):
    target = tmp_path / "c.toml"
    monkeypatch.setattr("sys.stdin", io.StringIO("\nno\n\nnone\nbackground, ball\n"))
    assert main(["init", str(dataset), "--output", str(target), "--quiet", "--ask", "--set", "train.seed=3"]) == 0
    config = load(target).config
    assert config.data.patient_pattern is None and config.mask.classes == ["background", "ball"]
    assert not config.augmentation.hflip and config.train.seed == 3
    assert "How long" in capsys.readouterr().err


def test_without_a_terminal_nothing_is_asked(dataset, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["init", str(dataset), "--output", str(tmp_path / "c.toml"), "--ask", "--quiet"]) == 2
    assert "--set" in capsys.readouterr().err and not (tmp_path / "c.toml").exists()

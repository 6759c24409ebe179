"""Commands that are given nothing take the configuration of the folder, and its run."""

import json

import pytest

from maskwright.cli import main


@pytest.fixture
def here(trained_once, monkeypatch, tmp_path):
    """A folder with a configuration and its trained run."""
    import shutil

    shutil.copytree(trained_once, tmp_path / "runs" / "config")
    shutil.copy(trained_once / "config.toml", tmp_path / "config.toml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_of_the_configuration_here(here, capsys):
    assert main(["plan", "--quiet"]) == 0
    assert main(["evaluate", "--split", "valid", "--json", "--quiet"]) == 0
    capsys.readouterr()
    assert main(["report", "--quiet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["report"] == str(here / "runs" / "config" / "report.html")
    assert main(["report", "config.toml", "--quiet"]) == 0  # whose run is meant
    assert main(["tune", "--dry-run", "--quiet"]) == 0
    assert main(["suspects", "--quiet"]) == 0


@pytest.mark.parametrize("command", ["train", "evaluate", "plan", "report", "tune", "suspects"])
def test_where_there_is_none_it_says_how_one_comes(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([command, "--quiet"]) == 2
    assert "maskwright init DATA" in capsys.readouterr().err


def test_of_two_none_is_taken(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("config.toml", "train_eval_infer.config"):
        (tmp_path / name).write_text("", encoding="utf-8")
    assert main(["train", "--quiet"]) == 2
    assert "Name the one" in capsys.readouterr().err

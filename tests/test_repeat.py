"""A run trained again from what it recorded is the same to the last bit; what changed is told."""

import json

import pytest

import maskwright as mw
from maskwright.cli import main
from maskwright.errors import MaskwrightError
from maskwright.repeat import repeat
from maskwright.training import budget


@pytest.fixture(scope="module")
def cut(module_config, quiet):
    """A run whose time ended within its third epoch, at learning rates that its time decided."""
    steps = []

    def ends(self):
        steps.append(1)
        return len(steps) >= 15  # asked after 5 of the 6 steps of each epoch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budget.Budget, "ends", ends)
        patch.setattr(budget.Budget, "epochs", lambda *_: 3)
        sets = ["train.epochs=9", "train.steps_per_epoch=6", "train.minutes=9", "train.learning_rate_schedule=cosine"]
        return mw.train(module_config, overrides=sets, run_dir=module_config.parent / "cut", reporter=quiet)


def test_the_same_to_the_last_bit_although_its_time_decided_its_length(cut, tmp_path, quiet, capsys):
    assert [row["steps"] for row in cut.history()] == [6, 6, 5]
    assert main(["repeat", str(cut.path), "--output", str(tmp_path / "again"), "--quiet", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["same"] and found["alike"] and found["machine"] == {} and found["weights"] == 0


def test_another_machine_may_differ_a_little_and_this_one_may_not(cut, tmp_path, quiet, capsys, monkeypatch):
    """Another seed stands for whatever else is different."""
    other = tmp_path / "other"
    other.mkdir()
    for name in ("plan.json", "history.csv", "model.keras", "environment.json", "validation.csv"):
        (other / name).write_bytes((cut.path / name).read_bytes())
    text = cut.config_file.read_text(encoding="utf-8")
    (other / "config.toml").write_text(text.replace("seed = 137", "seed = 138"), encoding="utf-8")
    assert main(["repeat", str(other), "--output", str(tmp_path / "again"), "--quiet"]) == 1
    assert "machine and versions are those of the run" in capsys.readouterr().out
    facts = json.loads((other / "environment.json").read_text(encoding="utf-8"))
    facts["versions"]["keras"] = "3.10.0"
    (other / "environment.json").write_text(json.dumps(facts), encoding="utf-8")
    monkeypatch.setattr("maskwright.repeat.TOLERANCE", 1.0)
    found = repeat(other, tmp_path / "again", quiet)
    assert found["alike"] and not found["same"] and list(found["machine"]) == ["version of keras"]


def test_of_other_files_it_is_refused(module_config, cut, tmp_path, quiet):
    mask = next((module_config.parent / "dataset" / "masks").iterdir())
    before = mask.read_bytes()
    try:
        mask.write_bytes(before + b"more")
        with pytest.raises(MaskwrightError, match="another content"):
            repeat(cut.path, tmp_path / "again", quiet)
    finally:
        mask.write_bytes(before)

import itertools
import json

import pytest

from maskwright.cli import main
from maskwright.learning_curve import doubled
from maskwright.plan.split import some_patients
from maskwright.training.run import Run


@pytest.mark.parametrize(
    ("dice", "gain"),
    [((0.5, 0.6, 0.65), 0.025), ((0.5, 0.55, 0.65), 0.1), ((0.6, 0.65, 0.64), 0.0), ((0.6, 0.5, 0.7), 0.0)],
)
def test_what_twice_as_many_may_bring(dice, gain):
    assert doubled(dice) == pytest.approx(gain)


def test_a_larger_share_holds_the_smaller_one():
    everyone = [f"P{number}" for number in range(17)]
    shares = [some_patients(everyone, share, 3) for share in (0.01, 0.25, 0.5, 1.0)]
    assert [len(one) for one in shares] == [1, 4, 8, 17]
    assert all(one < other for one, other in itertools.pairwise(shares))
    assert some_patients(everyone, 0.5, 3) == shares[2] != some_patients(everyone, 0.5, 4)


def test_three_trainings_and_a_line(config_file, tmp_path, capsys):
    words = ["train", str(config_file), "--run", str(tmp_path / "curve"), "--learning-curve", "--set", "train.epochs=1",
             "--set", "model.num_layers=1", "--json"]  # fmt: skip
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert [point["share"] for point in found["curve"]] == [0.25, 0.5, 1.0] and found["doubled"] >= 0
    assert found["curve"][0]["patients"] < found["curve"][1]["patients"] < found["curve"][2]["patients"]
    plans = [Run(tmp_path / "curve" / f"train_share={share}").plan() for share in ("0.25", "0.5", "1")]
    parts = [{part: set(plan.patients(part)) for part in ("train", "valid")} for plan in plans]
    assert parts[0]["valid"] == parts[1]["valid"] == parts[2]["valid"]
    assert parts[0]["train"] < parts[1]["train"] < parts[2]["train"]
    assert main([*words[:-1], "--fold", "0"]) == 2
    assert main([*words[:-1]]) == 0  # done already
    assert "patients  Dice" in capsys.readouterr().out


def test_folds_take_everybody(config_file, capsys):
    assert (
        main(["train", str(config_file), "--fold", "0", "--set", "data.folds=3", "--set", "data.train_share=0.5"]) == 2
    )
    assert "train_share" in capsys.readouterr().err

import itertools
import json

import pytest

from maskwright.cli import main
from maskwright.config import load
from maskwright.config.loading import from_overrides
from maskwright.learning_curve import doubled
from maskwright.plan.source import differences, source_of
from maskwright.plan.split import some_patients
from maskwright.training.prepare import steps_of
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


@pytest.mark.slow
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
    counts = [[point["patients"] for point in found["curve"]], [len(part["train"]) for part in parts]]
    assert counts[0] == counts[1]
    assert main([*words[:-1], "--fold", "0"]) == 2
    assert main([*words[:-1]]) == 0  # done already
    assert "patients  Dice" in capsys.readouterr().out


class Data:
    """A data set of pictures, or of patches."""

    def __init__(self, count, steps):
        self.count, self.found = count, steps

    def __len__(self):
        return self.count

    def steps(self, batch_size):
        return self.found


@pytest.mark.parametrize(
    ("data", "sets", "steps"),
    [
        (Data(10, None), (), None),
        (Data(10, None), ("data.train_share=0.25",), 12),  # 3 of 10 pairs of 4 a step
        (Data(10, 7), ("data.train_share=0.5",), 14),
        (Data(10, 7), ("data.train_share=0.5", "train.steps_per_epoch=5"), 5),
    ],
)
def test_fewer_patients_are_learnt_from_for_as_long(data, sets, steps):
    assert steps_of(from_overrides(["train.batch_size=4", *sets]), data) == steps


def test_a_plan_of_before_took_everybody(config_file, quiet):
    config = load(config_file).config
    source = source_of(config)
    assert "data.train_share" not in source and not differences(source, config)
    half = config.model_copy(update={"data": config.data.model_copy(update={"train_share": 0.5})})
    assert differences(source, half) == ["data.train_share"]


def test_folds_take_everybody(config_file, capsys):
    assert (
        main(["train", str(config_file), "--fold", "0", "--set", "data.folds=3", "--set", "data.train_share=0.5"]) == 2
    )
    assert "train_share" in capsys.readouterr().err

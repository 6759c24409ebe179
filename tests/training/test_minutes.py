"""`train.minutes`: fewer epochs on a slower machine, and a schedule that ends with them."""

import json

import numpy as np
import pytest

import maskwright as mw
from conftest import cut_off
from maskwright.training import budget as budgets
from maskwright.training import fit as fitting
from maskwright.training.budget import Budget


@pytest.mark.parametrize(
    ("minutes", "seconds", "epochs"),
    [(None, [1000], 50), (10, [], 50), (10, [10], 50), (10, [60], 10), (10, [100, 10, 10, 10], 50), (1, [50], 1), (1, [90], 1),
     (2, [10, 10, 10, 30, 30], 6)],
)  # fmt: skip
def test_as_many_epochs_as_the_last_ones_pace_affords(minutes, seconds, epochs):
    assert Budget(minutes).epochs(50, seconds, sum(seconds)) == epochs


def test_what_is_done_beside_epochs_takes_time_too():
    """200 s before the first epoch, and 20 s of saving after each of 80 s: 4 in 600 s."""
    assert Budget(10, before=200).epochs(50, [80, 80], 400) == 4
    assert Budget(10, before=200).epochs(50, [80], 300) == 4
    assert Budget(10, before=590).epochs(50, [80], 690) == 1


class Clock:
    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """The budget's clock, which stands still until somebody moves it."""
    found = Clock()
    monkeypatch.setattr(budgets.time, "monotonic", found.monotonic)
    return found


def test_an_epoch_ends_while_there_is_time_to_judge_it(clock):
    one = Budget(10, earlier=100, begun=100.0)
    clock.now += 400
    assert one.spent == 500 and not one.ends()
    clock.now += 11  # 89 s are left, and 90 s are kept for a validation that nobody has timed
    assert one.ends()
    one.judging = 20.0
    assert not one.ends()
    assert not Budget(None).ends()


@pytest.mark.parametrize("slower", [False, True])
def test_a_training_ends_in_its_time_with_its_schedule(config_file, tmp_path, monkeypatch, slower):
    real, rates = fitting.run_epoch, []

    def epoch(*args):
        row = real(*args)
        rates.append(row["learning_rate"])
        return row | {"seconds": 10.0 if not slower or len(rates) < 4 else 20.0}

    monkeypatch.setattr(fitting, "run_epoch", epoch)
    said = []
    overrides = ["train.epochs=40", "train.minutes=1.5", "train.learning_rate_schedule=cosine", "train.patience=0"]
    run = mw.train(config_file, overrides=overrides, run_dir=tmp_path / "run", reporter=_Listening(said))
    assert len(run.history()) == (6 if slower else 9)  # 90 s: 9 of 10 s, or 3 of 10 s and 3 of 20 s
    assert rates[-1] < 0.15 * max(rates)
    assert any("of 40 epochs: train.minutes = 1.5" in line for line in said)


def test_an_epoch_longer_than_all_of_the_time_is_cut_and_judged(config_file, tmp_path, monkeypatch):
    """As on a machine that is a hundred times slower than it was when the steps were counted."""
    steps, said = [], []
    real = budgets.Budget.ends

    def ends(budget):
        steps.append(1)
        return len(steps) >= 3 or real(budget)

    monkeypatch.setattr(budgets.Budget, "ends", ends)
    monkeypatch.setattr(budgets.Budget, "epochs", lambda *_: 1)
    overrides = ["train.epochs=40", "train.steps_per_epoch=20", "train.minutes=60"]
    run = mw.train(config_file, overrides=overrides, run_dir=tmp_path / "run", reporter=_Listening(said))
    assert any("ends after 3 of its 20 steps: train.minutes = 60" in line for line in said)
    (row,) = run.history()
    assert row["val_dice"] is not None and run.model_file.exists()


def test_what_was_spent_before_an_interruption_counts(config_file, tmp_path, quiet):
    sets = ["train.epochs=3", "train.minutes=60"]
    with cut_off(1, tmp_path / "part"):
        whole = mw.train(config_file, overrides=sets, run_dir=tmp_path / "whole", reporter=quiet)
    part = tmp_path / "part" / whole.checkpoint_file.relative_to(whole.path)
    found = state_of(part)
    assert found["spent"] >= found["before"] + found["rows"][0]["seconds"] > found["before"] > 0
    resumed = mw.train(config_file, overrides=sets, run_dir=tmp_path / "part", resume=True, reporter=quiet)
    after = state_of(resumed.checkpoint_file)
    assert after["before"] > found["before"] and after["spent"] > found["spent"] + sum(
        r["seconds"] for r in after["rows"][1:]
    )


def state_of(checkpoint):
    with np.load(checkpoint) as archive:
        return json.loads(archive["state"].tobytes())


class _Listening(mw.progress.Reporter):
    def __init__(self, said):
        super().__init__(quiet=True)
        self.said = said

    def say(self, message):
        self.said.append(message)

"""`train.minutes`: fewer epochs on a slower machine, and a schedule that ends with them."""

import pytest

import maskwright as mw
from maskwright.config.schema import TrainSection
from maskwright.training import fit as fitting
from maskwright.training.fit import State, affordable


def rows(*seconds):
    return State(len(seconds), [{"seconds": float(one)} for one in seconds])


@pytest.mark.parametrize(
    ("minutes", "seconds", "epochs"),
    [(None, [1000], 50), (10, [], 50), (10, [10], 50), (10, [60], 10), (10, [100, 10, 10, 10], 50), (1, [50], 1), (1, [90], 1),
     (2, [10, 10, 10, 30, 30], 6)],
)  # fmt: skip
def test_as_many_epochs_as_the_last_ones_pace_affords(minutes, seconds, epochs):
    assert affordable(rows(*seconds), TrainSection(epochs=50, minutes=minutes)) == epochs


@pytest.mark.parametrize("slower", [False, True])
def test_a_training_ends_in_its_time_with_its_schedule(config_file, tmp_path, monkeypatch, slower):
    real, rates = fitting._epoch, []

    def epoch(model, *args):
        row = real(model, *args)
        rates.append(row["learning_rate"])
        return row | {"seconds": 10.0 if not slower or len(rates) < 4 else 20.0}

    monkeypatch.setattr(fitting, "_epoch", epoch)
    said = []
    overrides = ["train.epochs=40", "train.minutes=1.5", "train.learning_rate_schedule=cosine", "train.patience=0"]
    run = mw.train(config_file, overrides=overrides, run_dir=tmp_path / "run", reporter=_Listening(said))
    assert len(run.history()) == (6 if slower else 9)  # 90 s: 9 of 10 s, or 3 of 10 s and 3 of 20 s
    assert rates[-1] < 0.15 * max(rates)
    assert any("of 40 epochs: train.minutes = 1.5" in line for line in said)


class _Listening(mw.progress.Reporter):
    def __init__(self, said):
        super().__init__(quiet=True)
        self.said = said

    def say(self, message):
        self.said.append(message)

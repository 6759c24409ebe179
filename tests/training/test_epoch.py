"""An epoch that is interrupted goes on after the last step that was kept."""

import json
import shutil

import numpy as np
import pytest

import maskwright as mw
from maskwright.models.saving import load_model
from maskwright.training import keeper

OFTEN = ["train.epochs=2", "train.steps_per_epoch=6", "train.checkpoint_minutes=1e-9"]


def kept_after(count, run, target, monkeypatch):
    """Keep a run as a power cut would leave it after so many checkpoints."""
    save, calls = keeper.save_checkpoint, []

    def saved(*args):
        save(*args)
        calls.append(args[2])
        if len(calls) == count:
            shutil.copytree(run, target)

    monkeypatch.setattr(keeper, "save_checkpoint", saved)
    return calls


@pytest.mark.parametrize(
    ("count", "more"),
    [pytest.param(2, [], marks=pytest.mark.slow), (9, ["train.weight_average=0.9", "train.warmup_epochs=2", "train.learning_rate_schedule=cosine"]),
     pytest.param(3, ["train.adversarial_weight=0.01", "train.adversarial_filters=4", "model.base_filters=2"],
                  marks=pytest.mark.slow)],
)  # fmt: skip
def test_it_ends_with_the_same_weights(count, more, config_file, tmp_path, quiet, monkeypatch):
    sets = [*OFTEN, *more]
    calls = kept_after(count, tmp_path / "whole", tmp_path / "part", monkeypatch)
    whole = mw.train(config_file, overrides=sets, run_dir=tmp_path / "whole", reporter=quiet)
    # Five within each epoch, and one after it.
    assert [call["part"].get("step", 0) for call in calls] == [1, 2, 3, 4, 5, 0] * 2
    monkeypatch.undo()
    steps = []
    real = mw.training.epoch.Means.add
    monkeypatch.setattr(mw.training.epoch.Means, "add", lambda *args: steps.append(1) or real(*args))
    resumed = mw.train(config_file, overrides=sets, run_dir=tmp_path / "part", resume=True, reporter=quiet)
    with np.load(whole.checkpoint_file) as one, np.load(resumed.checkpoint_file) as other:
        assert all(np.array_equal(one[name], other[name]) for name in one.files if name != "state")
    models = [load_model(run.model_file)[0].get_weights() for run in (whole, resumed)]
    assert all(np.array_equal(one, other) for one, other in zip(*models, strict=True))
    timed = {"seconds", "images_per_second", "waiting"}
    rows = [[{k: v for k, v in row.items() if k not in timed} for row in run.history()] for run in (whole, resumed)]
    assert rows[0] == rows[1]


def test_without_it_there_is_one_checkpoint_an_epoch(config_file, tmp_path, quiet, monkeypatch):
    calls = kept_after(99, tmp_path / "run", tmp_path / "part", monkeypatch)
    run = mw.train(
        config_file, overrides=[*OFTEN, "train.checkpoint_minutes=0"], run_dir=tmp_path / "run", reporter=quiet
    )
    assert [call["epoch"] for call in calls] == [1, 2]
    with np.load(run.checkpoint_file) as archive:
        assert json.loads(archive["state"].tobytes())["part"] == {}

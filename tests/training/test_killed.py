"""Trainings that are killed at random moments end with the weights of one that was not."""

import csv
import os

import numpy as np
import pytest
from kills import Killer, halves, write_balls

from conftest import CONFIG, write_dataset
from maskwright.training.run import Run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL and fork servers of POSIX")

SHORT = [
    "augmentation.probability=0.3", "train.epochs=3", "train.steps_per_epoch=5", "train.batch_size=2",
    "train.checkpoint_minutes=1e-9",
]  # fmt: skip
KINDS = {
    "slices": ["train.weight_average=0.9", "train.learning_rate_schedule=cosine"],
    "adversarial": ["train.adversarial_weight=0.01", "train.adversarial_filters=4"],
    "folds": ["data.folds=2", "train.epochs=2", "train.steps_per_epoch=3"],
    "patches": ['data.fit="patch"', "model.image_width=16", "model.image_height=16"],
    "volumes": [
        "data.images=HERE/scans",
        "data.masks=HERE/labels",
        "model.name=unet_3d",
        "model.image_depth=8",
        "model.image_height=16",
        "model.image_width=16",
        "model.num_layers=1",
    ],
}
TIMED = {"seconds", "images_per_second", "waiting"}


# How often in the slow ones; `make test-kills` says fifty.
OFTEN = int(os.environ.get("KILLS", "5"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_it_ends_as_if_nothing_had_happened(kind, tmp_path):
    (write_balls(tmp_path) if kind == "volumes" else write_dataset(tmp_path / "dataset"))
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    killer = Killer(seed=OFTEN)

    def words(name):
        overrides = [one.replace("HERE", str(tmp_path)) for one in [*SHORT, *KINDS[kind]]]
        sets = [word for override in overrides for word in ("--set", override)]
        more = ["--fold", "all"] if kind == "folds" else []
        return ["train", str(tmp_path / "config.toml"), "--run", str(tmp_path / name), "--resume", *more, *sets]

    seconds = killer.run(words("whole"))
    done = tries = 0
    while done < OFTEN and tries < 3 * OFTEN:
        done += killer.interrupt(words("killed"), seconds)
        tries += 1
        assert not halves(tmp_path / "killed")
    assert done >= 1
    killer.run(words("killed"))
    for one in sorted(tmp_path.glob("whole/**/last.npz")):
        same(one, tmp_path / "killed" / one.relative_to(tmp_path / "whole"))
    left = [path for path in (tmp_path / "killed").rglob(".*") if "~" in path.name]
    assert not left and not halves(tmp_path / "killed")


def same(one, other):
    """Two checkpoints, and the histories of their runs, but for what was timed."""
    with np.load(one) as whole, np.load(other) as killed:
        assert whole.files == killed.files
        assert all(np.array_equal(whole[name], killed[name]) for name in whole.files if name != "state")
    rows = []
    for checkpoint in (one, other):
        with (Run(checkpoint.parents[1]).path / "history.csv").open(newline="") as file:
            rows.append([{k: v for k, v in row.items() if k not in TIMED} for row in csv.DictReader(file)])
    assert rows[0] == rows[1]

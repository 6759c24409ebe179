"""Masks that were made wrong are found, by a run and by the folds of a cross-validation."""

import csv

import cv2
import numpy as np
import pytest

import maskwright as mw
from conftest import CONFIG, write_dataset
from maskwright.cli import main
from maskwright.errors import MaskwrightError

LEARN = ["train.epochs=12", "train.learning_rate=0.02", "train.batch_size=4", "train.patience=0", "augmentation.mode=off",
         "train.learning_rate_reducer=false"]  # fmt: skip


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    """The small data set, with three masks that show something else."""
    folder = tmp_path_factory.mktemp("spoilt")
    write_dataset(folder / "dataset")
    config = folder / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    masks = sorted((folder / "dataset" / "masks").iterdir())
    wrong = [masks[1], masks[10], masks[20]]
    for place, path in enumerate(wrong):
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(path), (0 * mask, 255 - mask, np.roll(mask, 12, axis=0))[place])
    return config, {path.stem for path in wrong}


@pytest.fixture(scope="module")
def folds(spoilt, quiet):
    config, _ = spoilt
    for fold in range(2):
        run = mw.train(config, overrides=[*LEARN, "data.folds=2", "data.test_fraction=0"], fold=fold, reporter=quiet,
                       run_dir=config.parent / "cross")  # fmt: skip
    return run.path.parent


@pytest.mark.slow
def test_folds_find_what_was_spoilt(spoilt, folds, quiet):
    rows = mw.suspects(folds, reporter=quiet)
    assert {row["case"] for row in rows[:3]} == spoilt[1]
    with (folds / "suspects.csv").open(encoding="utf-8", newline="") as file:
        assert [row["case"] for row in csv.DictReader(file)] == [row["case"] for row in rows]
    page = (folds / "suspects.html").read_text(encoding="utf-8")
    assert page.count("<figure") == len(rows) and "http" not in page.replace("http-equiv", "")
    assert all(row["dice_seen"] != "" for row in rows)
    mw.suspects(folds, reporter=quiet)  # over its own page


@pytest.mark.slow
def test_a_run_looks_at_what_it_has_not_learnt_from(folds, capsys):
    run = folds / "fold-0"
    assert main(["suspects", str(run), "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert "suspects.html" in printed and (run / "suspects.html").exists()
    seen = set(mw.Run(run).plan().patients("valid"))
    with (run / "suspects.csv").open(encoding="utf-8", newline="") as file:
        assert {row["patient"] for row in csv.DictReader(file)} <= seen


@pytest.mark.slow
def test_a_page_of_somebody_else_stays(folds, quiet, tmp_path):
    page = folds / "suspects.html"
    page.write_text("mine", encoding="utf-8")
    with pytest.raises(MaskwrightError, match="did not write it"):
        mw.suspects(folds, reporter=quiet)
    assert page.read_text(encoding="utf-8") == "mine"
    page.unlink()

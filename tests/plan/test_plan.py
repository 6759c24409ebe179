"""The plan of a data set: made once, read by everything, and true to the files."""

import json
import shutil

import cv2
import numpy as np
import pytest
from said import Said

import maskwright as mw
from maskwright.cli import main
from maskwright.config import load
from maskwright.errors import MaskwrightError
from maskwright.plan.changes import changes
from maskwright.plan.files import as_dict, from_dict, read_plan, write_plan
from maskwright.plan.make import make_plan
from maskwright.progress import Reporter


def patients(plan):
    return {part: set(plan.patients(part)) for part in ("train", "valid", "test")}


def test_a_plan_survives_its_file(config_file, quiet, tmp_path):
    plan = make_plan(load(config_file).config, quiet)
    assert from_dict(json.loads(json.dumps(as_dict(plan)))) == plan
    write_plan(tmp_path, plan)
    again = read_plan(tmp_path)
    assert again == plan
    for one, other in zip(again.records("train"), plan.records("train"), strict=True):
        assert np.array_equal(one.thumbnail, other.thumbnail)
    parts = patients(plan)
    assert not (parts["train"] & parts["valid"] or parts["train"] & parts["test"] or parts["valid"] & parts["test"])
    assert sum(map(len, parts.values())) == 8
    # Judged from the files alone.
    white = [cv2.imread(str(entry.pair.mask), 0) > 127 for entry in plan.part("train")]
    assert plan.shares()["foreground"] == pytest.approx(np.mean(white))
    assert plan.why.startswith("masks hold 0 (") and "255 (" in plan.why and (plan.low, plan.high) == (0, 255)


def test_folds_cover_everybody_once_and_leave_the_test_alone(config_file, quiet):
    plan = make_plan(load(config_file, ["data.folds=2"]).config, quiet)
    members = [plan.member(fold) for fold in range(2)]
    assert all(set(one.patients("test")) == set(plan.patients("test")) for one in members)
    seen = [set(one.patients("valid")) for one in members]
    assert not seen[0] & seen[1] and seen[0] | seen[1] == set(plan.patients("train")) | set(plan.patients("valid"))
    assert all(not set(one.patients("valid")) & set(one.patients("train")) for one in members)
    with pytest.raises(MaskwrightError, match="is 2, and there are 2 folds, 0 to 1"):
        plan.member(2)
    with pytest.raises(MaskwrightError, match="6 patients are too few for 7 folds"):
        make_plan(load(config_file, ["data.folds=7"]).config, quiet).member(0)


def test_what_came_went_and_changed_is_named(config_file, dataset, quiet):
    config = load(config_file).config
    plan = make_plan(config, quiet)
    for part in ("images", "masks"):
        shutil.copy(dataset / part / "P00-0.png", dataset / part / "P90-0.png")
        (dataset / part / "P03-1.png").unlink()
    (dataset / "masks" / "P02-2.png").write_bytes((dataset / "masks" / "P01-2.png").read_bytes())
    found = changes(plan, config)
    assert (found.came, found.went, found.changed) == (["P90-0"], ["P03-1"], ["P02-2"])


def test_resume_keeps_the_split_when_files_came_and_refuses_when_they_went(config_file, dataset):
    said, run = Said(), config_file.parent / "run"

    def train(epochs, **more):
        return mw.train(config_file, overrides=[f"train.epochs={epochs}"], run_dir=run, reporter=said, **more)

    before = patients(train(1).plan())
    for number in range(10, 16):
        for part in ("images", "masks"):
            shutil.copy(dataset / part / "P00-0.png", dataset / part / f"P{number}-0.png")
    after = train(2, resume=True)
    assert patients(after.plan()) == before and len(after.history()) == 2
    assert any("6 pairs came after the plan was made" in line for line in said.lines)
    names = {pair["name"] for pair in json.loads((run / "training_images.json").read_text())}
    assert {name[1:3] for name in names} == before["train"]
    gone = after.plan().part("train")[0].pair
    gone.image.unlink()
    gone.mask.unlink()
    with pytest.raises(MaskwrightError, match=f"1 pairs are gone: {gone.name}"):
        train(3, resume=True)


def test_scores_of_those_on_whom_something_was_chosen_say_so(config_file, quiet):
    run = mw.train(config_file, overrides=["train.epochs=1"], run_dir=config_file.parent / "run", reporter=quiet)
    valid = mw.evaluate(run, split="valid", reporter=quiet)
    assert set(valid.summary["chosen_on"]) == {"epoch", "learning rate"}
    assert any("2 of the 2 scored patients" in one and 'train.keep = "last"' in one for one in valid.warnings)
    assert mw.evaluate(run, split="test", reporter=quiet).summary["chosen_on"] == {}
    # Test folders that hold the validation's pictures.
    folder = config_file.parent / "again"
    for entry in run.plan().part("valid"):
        for part, path in (("images", entry.pair.image), ("masks", entry.pair.mask)):
            (folder / part).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / part / path.name)
    overrides = ["data.images=", "data.masks=", f"data.test.images={folder}/images", f"data.test.masks={folder}/masks"]
    again = mw.evaluate(run, split="test", overrides=overrides, reporter=quiet)
    assert any("chosen on 2 of the 2 scored patients" in one for one in again.warnings)
    last = mw.train(
        config_file, overrides=["train.epochs=2", 'train.keep="last"'], run_dir=config_file.parent / "l", reporter=quiet
    )
    assert mw.evaluate(last, split="valid", reporter=quiet).summary["chosen_on"] == {}


@pytest.mark.slow
def test_folds_of_floats_and_deep_pictures_predict_together(config_file, dataset, quiet):
    rng = np.random.default_rng(0)
    for place, path in enumerate(sorted((dataset / "images").iterdir())):
        image = cv2.imread(str(path), 0).astype(np.float32) * float(rng.uniform(0.5, 2))
        cv2.imwrite(str(path), (image * (20 if place == 3 else 4)).astype(np.uint16))
    for fold in (0, 1):
        mw.train(
            config_file, overrides=["data.folds=2", "train.epochs=1"], fold=fold, run_dir=config_file.parent / "cv",
            reporter=quiet,
        )  # fmt: skip
    found = mw.predict(config_file.parent / "cv", dataset / "images", output=config_file.parent / "out", reporter=quiet)
    assert len(found.masks) == 24


def test_the_command_shows_it_and_hands_it_on(config_file, tmp_path, capsys):
    target = tmp_path / "handed.json"
    assert main(["plan", str(config_file), "--output", str(target), "--quiet"]) == 0
    text = capsys.readouterr().out
    assert "4 patients" not in text.splitlines()[1] and "of 4 patients" in text and "half the range" in text
    plan = make_plan(load(config_file).config, Reporter(quiet=True))
    other = load(config_file, [f"data.split_file={target}", "train.seed=9"]).config
    assert patients(make_plan(other, Reporter(quiet=True))) == patients(plan)
    assert main(["plan", str(config_file), "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["levels"] == {"dtype": "uint8", "black": 0.0, "white": 255.0}

"""Slices with their neighbours as channels, learnt at a scale of their own: in windows, or whole and filled up."""

import json

import cv2
import numpy as np
import pytest

import maskwright as mw
from maskwright.cli import main
from maskwright.config import load
from maskwright.errors import MaskwrightError
from maskwright.models.saving import read_metadata
from maskwright.training.prepare import prepare
from maskwright.training.train import make_batches


@pytest.mark.parametrize(
    "sets",
    [['data.fit="patch"', "data.pixel_size=0.5"], pytest.param(['data.fit="pad"'], marks=pytest.mark.slow)],
    ids=["patch", "pad"],
)
def test_from_files_to_scores(sets, config_file, tmp_path, quiet, capsys):
    sets = [*sets, "data.neighbours=1", "train.epochs=4", "train.learning_rate=0.01"]
    run = mw.train(config_file, overrides=sets, run_dir=tmp_path / "run", reporter=quiet)
    assert read_metadata(run.model_file).input_rule.shape == (32, 32, 3)
    scores = mw.evaluate(run.path, reporter=quiet)
    test = run.plan().pairs("test")
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        for pair in test:
            path = pair.image if folder == "images" else pair.mask
            (tmp_path / folder / path.name).symlink_to(path)
    done = mw.predict(run.path, tmp_path / "images", output=tmp_path / "out", reporter=quiet)
    assert len(done.masks) == len(test)
    assert (
        main(["score", str(done.output), str(tmp_path / "masks"), "--patient-pattern", r"P(\d+)", "--json", "--quiet"])
        == 0
    )
    scored = json.loads(capsys.readouterr().out)["per_patient"]["dice"]["mean"]
    assert scores.summary["per_patient"]["dice"]["mean"] == pytest.approx(scored, abs=1e-9) and scored > 0.3


def test_the_slice_lies_amid_its_neighbours(config_file, tmp_path, quiet):
    sets = ['data.fit="patch"', "data.neighbours=1", 'augmentation.mode="off"']
    loaded = load(config_file, sets, run_dir=tmp_path / "run")
    prepared = prepare(loaded.config, quiet)
    batches, _ = make_batches(prepared, loaded.config, fresh=True)
    images, _ = next(iter(batches.epoch(0)))
    for image, pair in zip(images, batches.pairs(0, 0), strict=True):
        number = int(pair.image.stem[-1])
        around = [min(max(number + step, 0), 2) for step in (-1, 0, 1)]
        for channel, slice_ in enumerate(around):
            file = pair.image.with_name(f"{pair.image.stem[:-1]}{slice_}.png")
            assert np.allclose(image[..., channel] * 255, cv2.imread(str(file), cv2.IMREAD_UNCHANGED), atol=1e-3)


def test_slices_of_a_series_have_one_size(config_file, dataset, tmp_path, quiet):
    for folder in ("images", "masks"):
        path = dataset / folder / "P03-1.png"
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[:-3])
    sets = [
        'data.fit="patch"',
        "data.neighbours=1",
        "model.image_width=16",
        "model.image_height=16",
        "data.test_fraction=0",
    ]
    with pytest.raises(MaskwrightError, match="Slices of one series must have the same size"):
        mw.train(config_file, overrides=sets, run_dir=tmp_path / "run", reporter=quiet)

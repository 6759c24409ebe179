import csv

import cv2
import numpy as np
import pytest

from maskwright.augment.affine import mirror, rotate, scale
from maskwright.augment.base import Drawn
from maskwright.augment.elastic import Elastic
from maskwright.config import load
from maskwright.contact_sheet import describe, every_transform, one_sample, picture, training_batches
from maskwright.data.samples import SampleId
from maskwright.errors import MaskwrightError
from maskwright.progress import Reporter
from maskwright.training.prepare import prepare
from maskwright.training.train import make_batches


def test_each_transform_by_itself_and_all_together(config_file, quiet):
    config = load(config_file, ["augmentation.vflip=true", "augmentation.probabilities={'blur': 0.0}"]).config
    rows = every_transform(training_batches(config), config, 2, 0, quiet)
    names = [row.name for row in rows]
    assert names[:5] == ["hflip", "vflip", "rotation", "scaling", "elastic"] and names[-4:] == ["all together"] * 4
    assert "blur" not in names and "gamma" in names
    flipped = rows[0]
    assert len(flipped.sources) == 2 and len(flipped.tiles) == 4
    # The outline is drawn after the flip, so edges may differ by a pixel of the outline.
    difference = np.abs(flipped.tiles[0][:, ::-1].astype(int) - flipped.tiles[1])
    assert np.mean(difference > 40) < 0.02
    sheet = picture(rows)
    assert sheet.dtype == np.uint8 and sheet.shape[0] > 256 * len(rows) and sheet.shape[1] > 4 * 256


def test_the_references_list_is_shown_with_its_names(reference_project, dataset, quiet):
    path = dataset.parent / "train_eval_infer.config"
    path.write_text(reference_project(str(dataset)), encoding="utf-8")
    config = load(path).config
    rows = every_transform(training_batches(config), config, 1, 0, quiet)
    assert rows[0].name == "hfliped_" and "all together" not in [row.name for row in rows]


def test_off_has_nothing_to_show(config_file, quiet):
    config = load(config_file, ["augmentation.mode=off"]).config
    with pytest.raises(MaskwrightError, match=r"\[augmentation\] mode.*off"):
        every_transform(training_batches(config), config, 1, 0, quiet)


def test_the_batches_are_those_of_the_training(config_file):
    config = load(config_file, ["train.steps_per_epoch=4"]).config
    shown = training_batches(config)
    trained, _ = make_batches(prepare(config, Reporter(quiet=True)), config, fresh=True)
    assert np.array_equal(shown.order(3), trained.order(3))
    assert shown.steps == trained.steps


def test_a_sample_that_was_trained_on_is_shown_again(config_file, tmp_path):
    overrides = ["augmentation.debug=true", f"augmentation.debug_images_dir={tmp_path / 'i'}",
                 f"augmentation.debug_masks_dir={tmp_path / 'm'}"]  # fmt: skip
    config = load(config_file, overrides).config
    trained, _ = make_batches(prepare(config, Reporter(quiet=True)), config, fresh=True, table=tmp_path / "samples.csv")
    list(trained.epoch(1))
    with (tmp_path / "samples.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["file"].startswith("augmented_")]
    assert rows
    shown = training_batches(config)
    for row in rows[:5]:
        epoch, place = map(int, row["sample"].split(":"))
        assert one_sample(shown, epoch, place).sources == [row["source"].removesuffix(".png")]
        index = int(shown.order(epoch)[place])
        image, _ = shown.pair(SampleId(shown.seed, epoch, place), index)
        written = cv2.imread(str(tmp_path / "i" / row["file"]))[..., ::-1]
        assert np.abs(written.astype(int) - image).mean() < 6  # JPEG


def test_a_place_beyond_the_epoch_is_refused(config_file):
    batches = training_batches(load(config_file).config)
    with pytest.raises(MaskwrightError, match=f"has {len(batches.order(0))} samples"):
        one_sample(batches, 0, 10_000)


@pytest.mark.parametrize(
    ("drawn", "words"),
    [
        (Drawn(), "unchanged"),
        (Drawn(spatial=(rotate(7, (1, 1)),)), "+7.0 degrees, 1.00 times as large"),
        (Drawn(spatial=(scale(0.8, 2),)), "+0.0 degrees, 0.80 times as large"),
        (Drawn(spatial=(mirror(2, -1),)), "mirrored"),
        (Drawn(spatial=(Elastic(1300, 8, 3, (1.0, 1.0)),)), "alpha 1300, sigma 8"),
        (Drawn(spatial=(scale(0.8, 2), Elastic(1300, 8, 3, (1.0, 1.0)))), "affine, elastic"),
    ],
)
def test_captions(drawn, words):
    assert describe(drawn) == words

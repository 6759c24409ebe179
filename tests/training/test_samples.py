import csv
import json

import cv2
import numpy as np
import pytest

from maskwright.config import Configuration
from maskwright.data.pairs import Pair
from maskwright.data.preprocess import InputRule
from maskwright.data.samples import SampleId
from maskwright.training.samples import augmenter

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 255, (48, 40, 3), np.uint8)
LABEL = (RNG.random((48, 40)) < 0.3).astype(np.uint8) * 2


@pytest.fixture
def make(tmp_path):
    def make(fresh=True, **options):
        section = {"debug": True, "debug_images_dir": tmp_path / "images", "debug_masks_dir": tmp_path / "masks"}
        return augmenter(
            Configuration.model_validate({"augmentation": section | options}).augmentation,
            InputRule(48, 40, 3),
            fresh=fresh,
            table=tmp_path / "samples.csv",
        )

    return make


def pair(name, tmp_path):
    return Pair(name, tmp_path / f"{name}.png", tmp_path / f"{name}.png")


def test_copies_have_the_references_names_and_say_what_was_done(make, tmp_path):
    augment = make(mode="enumerate", rotation=True, angles=[5], hflip=False, elastic=False)
    for place in range(12):
        augment(SampleId(137, 0, place), IMAGE, LABEL, pair("one", tmp_path))
    names = {"one.jpg", "rotated_5_one.jpg"}
    assert {path.name for path in (tmp_path / "images").glob("*.jpg")} == names
    assert {path.name for path in (tmp_path / "masks").iterdir()} == names
    with (tmp_path / "samples.csv").open() as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert set(rows) == names
    turned = rows["rotated_5_one.jpg"]
    assert turned["source"] == "one.png" and turned["seed"] == "137"
    (transform,) = json.loads(turned["transforms"])
    assert transform["transform"] == "Affine"
    assert transform["matrix"][0][0] == pytest.approx(np.cos(np.radians(5)))


def test_a_copy_is_the_sample_that_its_line_names(make, tmp_path):
    augment = make(mode="random", probability=1.0)
    augment(SampleId(5, 3, 2), IMAGE, LABEL, pair("one", tmp_path))
    mask = cv2.imread(str(tmp_path / "masks" / "augmented_one.jpg"), cv2.IMREAD_GRAYSCALE)
    _, label = augmenter(augment.options.model_copy(update={"debug": False}), InputRule(48, 40, 3), fresh=False)(
        SampleId(5, 3, 2), IMAGE, LABEL, pair("one", tmp_path)
    )
    assert ((mask > 127) == (label > 0)).mean() > 0.97  # JPEG


def test_each_name_is_written_once_and_older_copies_are_kept(make, tmp_path):
    augment = make(mode="off")
    for place in range(3):
        augment(SampleId(0, 0, place), IMAGE, LABEL, pair("one", tmp_path))
    assert len((tmp_path / "samples.csv").read_text().splitlines()) == 2
    make(mode="off")
    kept = [path for path in tmp_path.iterdir() if path.name.startswith("images") and path.name != "images"]
    assert len(kept) == 1 and (kept[0] / "one.jpg").exists()


def test_nothing_to_do_is_no_function():
    assert (
        augmenter(
            Configuration.model_validate({"augmentation": {"mode": "off"}}).augmentation,
            InputRule(48, 40, 3),
            fresh=True,
        )
        is None
    )

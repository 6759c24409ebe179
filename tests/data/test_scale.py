"""Pictures at one scale: in training, in prediction and in what is scored the same pixels are the same."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.config import load
from maskwright.data.dataset import input_rule
from maskwright.data.pairs import Pair
from maskwright.data.part import PartFiles
from maskwright.data.patches import patches_of
from maskwright.data.pictures import make, open_pictures
from maskwright.data.preprocess import InputRule, to_floats
from maskwright.data.records import examine
from maskwright.data.samples import SampleId
from maskwright.data.scale import filled, network_values, seen, seen_size
from maskwright.data.wholes import FreshWholes
from maskwright.errors import MaskwrightError
from maskwright.labels.regions import IGNORED
from maskwright.labels.rule import LabelRule
from maskwright.training.prepare_volumes import volume_input_rule

FITS = ("pad", "patch")


def rule(fit="patch", height=16, width=24, **more):
    return InputRule(height, width, 1, fit=fit, **more)


def written(folder: Path, name, shape, seed=0, dtype=np.uint8):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    mask = (rng.random(shape) < 0.2).astype(np.uint8) * 255
    for part, array in (("images", image), ("masks", mask)):
        (folder / part).mkdir(exist_ok=True)
        cv2.imwrite(str(folder / part / f"{name}.png"), array)
    return Pair(name, folder / "images" / f"{name}.png", folder / "masks" / f"{name}.png"), image, mask


@given(st.integers(1, 500), st.integers(1, 500), st.floats(0.05, 50))
def test_no_picture_is_distorted(height, width, pixel_size):
    tall, wide = seen_size((height, width), rule(pixel_size=pixel_size))
    assert abs(tall - height / pixel_size) <= 0.5 + 1e-6 or tall == 1
    assert abs(wide - width / pixel_size) <= 0.5 + 1e-6 or wide == 1
    assert seen_size((height, width), rule("resize", pixel_size=pixel_size)) == (16, 24)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("shape", [(16, 24), (5, 7), (16, 3)])
@pytest.mark.parametrize("intensity", ["unit", "zscore"])
def test_what_is_trained_on_is_what_is_predicted(tmp_path, fit, shape, intensity):
    pair, image, mask = written(tmp_path, "a", shape)
    one = rule(fit, intensity=intensity)
    levels, label = make(pair, LabelRule(), one)
    values = levels if one.normalized_before else to_floats(levels, one)
    assert np.array_equal(values, network_values(image[..., None], one))
    assert np.array_equal(label[: shape[0], : shape[1]], mask // 255)
    beyond = np.ones((16, 24), bool)
    beyond[: shape[0], : shape[1]] = False
    assert (label[beyond] == IGNORED).all() and values.shape == (16, 24, 1)
    if intensity == "zscore":  # by the picture, without what fills it up
        assert abs(values[: shape[0], : shape[1]].mean()) < 1e-4


@pytest.mark.parametrize("intensity", ["unit", "zscore"])
def test_a_patch_is_a_part_of_the_picture(tmp_path, intensity):
    pair, image, mask = written(tmp_path, "a", (50, 61), dtype=np.uint16)
    one = rule(dtype="uint16", high=65535.0, intensity=intensity)
    whole, marks = make(pair, LabelRule(), one)
    patches = patches_of(FreshWholes([pair], lambda p: make(p, LabelRule(), one)), [pair], [], LabelRule(), one, 0.5)
    seen_corners = set()
    for place in range(40):
        sample = SampleId(1, 0, place)
        found, label = patches.sample(sample, 0)
        _, _, (corner, size) = patches.around(sample, 0)
        area = np.s_[corner[0] : corner[0] + size[0], corner[1] : corner[1] + size[1]]
        assert size == (16, 24) and np.array_equal(found, whole[area]) and np.array_equal(label, marks[area])
        seen_corners.add(corner)
    assert len(seen_corners) > 20
    assert patches.steps(4) == 3  # 4 x 3 patches cover it
    assert np.array_equal(marks, mask // 255) and (intensity == "zscore" or np.array_equal(whole[..., 0], image))


def test_rare_classes_are_looked_for(tmp_path):
    pair, *_ = written(tmp_path, "a", (160, 240))
    mask = np.zeros((160, 240), np.uint8)
    mask[150:153, 7:10] = 255
    cv2.imwrite(str(pair.mask), mask)
    one = rule()
    wholes = FreshWholes([pair], lambda p: make(p, LabelRule(), one))
    hits = []
    for share in (0.0, 1.0):
        patches = patches_of(wholes, [pair], [], LabelRule(), one, share)
        hits.append(np.mean([patches.sample(SampleId(0, 0, place), 0)[1].any() for place in range(60)]))
    assert hits[0] < 0.1 and hits[1] == 1


def test_pictures_that_are_too_large_to_be_padded_are_all_named(tmp_path):
    pairs = [written(tmp_path, name, shape)[0] for name, shape in (("a", (16, 24)), ("b", (17, 24)), ("c", (90, 90)))]
    data = load(_config(tmp_path)).config.data
    records = examine(pairs, LabelRule())
    part = PartFiles(pairs, records, [("x", "y")] * 3)
    with pytest.raises(MaskwrightError, match=r'(?s)b\.png: is 24 x 17 px.*c\.png: is 90 x 90 px.*data\.fit = "patch"'):
        open_pictures(part, LabelRule(), rule("pad"), data)
    with pytest.raises(
        MaskwrightError, match=r"is 90 x 90 px, 45 x 45 px at data.pixel_size = 2 px, and the .* 24 x 16 px"
    ):
        seen(np.zeros((90, 90, 1), np.uint8), rule("pad", pixel_size=2.0), "c.png")


@given(st.integers(1, 40), st.integers(1, 40))
def test_filling_up_keeps_what_is_there(height, width):
    array = np.random.default_rng(0).integers(0, 9, (height, width, 2))
    found = filled(array, rule())
    assert found.shape == (max(16, height), max(24, width), 2)
    assert np.array_equal(found[:height, :width], array) and (found[height:] == found[height - 1]).all()


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(MaskwrightError, match=r"\[data\] patient_pattern: is not set"):
        input_rule(load(_config(tmp_path), ["data.neighbours=1"]).config, "uint8")
    with pytest.raises(MaskwrightError, match=r"\[data\] fit: is for pictures"):
        volume_input_rule(load(_config(tmp_path), ["model.image_depth=16"]).config, None)


def _config(folder):
    path = folder / "config.toml"
    path.write_text(
        '[data]\nimages = "images"\nmasks = "masks"\nfit = "patch"\n[model]\nimage_width = 24\nimage_height = 16\n'
    )
    return path

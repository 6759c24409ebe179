from collections import Counter

import numpy as np
import pytest

from maskwright.augment.intensity import Brighten, Sharpen
from maskwright.augment.pipeline import Drawn, apply, draw
from maskwright.config import Configuration
from maskwright.config.reference import read_reference

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 255, (32, 32, 1), np.uint8)
LABEL = RNG.integers(0, 2, (32, 32), np.uint8)
SEED_PROJECT = """
[model]
generator = True
[augmentor]
vflip = False
hflip = False
rotation = True
angles = [5, 10,]
shears = [0.2]
transformer = True
alpah = 1300
sigmoid = 8
"""


def drawn(options, count, seed=0):
    rng = np.random.default_rng(seed)
    return [draw(rng, options, 32, 32) for _ in range(count)]


def test_enumerate_is_the_references_list():
    options = read_reference(SEED_PROJECT, {})[0].augmentation
    names = Counter(one.prefix for one in drawn(options, 600))
    assert set(names) == {
        "",
        "rotated_5_",
        "rotated_10_",
        "shrinked_0_8_",
        "sheared_0.2_",
        "elastic_alpha_1300_sigmoid_8_",
    }
    assert min(names.values()) > 60


def test_flips_of_the_sheared_picture_need_both_flips():
    text = SEED_PROJECT.replace("vflip = False", "vflip = True")
    names = {one.prefix for one in drawn(read_reference(text, {})[0].augmentation, 400)}
    assert "vflipped_sheared_0.2_" in names and "hflipped_sheared_0.2_" not in names


def test_random_takes_each_with_its_probability_and_combines():
    options = Configuration().augmentation.model_copy(update={"probability": 0.5, "hflip": True, "shrinks": []})
    found = drawn(options, 400)
    flips = sum("hfliped" in one.prefix for one in found)
    assert 150 < flips < 250
    assert any(len(one.spatial) > 1 for one in found)


@pytest.mark.parametrize("mode", ["off", "random"])
def test_nothing_drawn_gives_the_very_same_arrays(mode):
    options = Configuration().augmentation.model_copy(update={"mode": mode, "probability": 0.0})
    image, label = apply(IMAGE, LABEL, drawn(options, 1)[0])
    assert image is IMAGE and label is LABEL


def test_a_drawn_sample_can_be_replayed():
    options = Configuration().augmentation.model_copy(update={"probability": 1.0})
    one = drawn(options, 1, seed=5)[0]
    again = drawn(options, 1, seed=5)[0]
    assert one == again
    for a, b in zip(apply(IMAGE, LABEL, one), apply(IMAGE, LABEL, again), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("change", [Sharpen(1.0), Brighten(1.2, 10)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_levels_change_and_labels_do_not(change, dtype):
    image, label = apply(IMAGE.astype(dtype), LABEL, Drawn(intensity=[change]))
    assert image.dtype == dtype and not np.array_equal(image, IMAGE)
    assert label is LABEL


def test_brightening_follows_its_formula():
    assert np.array_equal(Brighten(1.2, 10).change(IMAGE), np.clip(np.rint(IMAGE * 1.2 + 10), 0, 255))

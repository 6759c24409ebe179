import dataclasses
import json
from collections import Counter
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwright.augment.pipeline import KINDS, Drawn, apply, draw, variants
from maskwright.config import Configuration
from maskwright.config.reference import read_reference
from maskwright.config.schema.augmentation import KindName
from maskwright.labels.regions import IGNORED

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
EVERYTHING = """
[model]
generator = True
[augmentor]
vflip = True
hflip = True
rotation = True
angles = [90,]
shrinks = [0.8, 0.9]
shears = [0.1]
deformation = True
distortion = True
barrdistortion = True
pincdistortion = True
sharpening = True
brightening = True
[deformation]
alpah = 1300
sigmoids = [8]
[distortion]
gaussian_filter_rsigma = 40
distortions = [0.02, 0.03]
[barrdistortion]
radius = 0.3
amount = 0.3
centers = [(0.3, 0.3), (0.7, 0.3)]
[pincdistortion]
radius = 0.3
amount = -0.3
centers = [(0.5, 0.5)]
[sharpening]
k = 1.0
[brightening]
alpha = 1.2
beta = 10
"""
# Everything that can be turned on.
ALL = {
    "vflip": True, "dflip": True, "quarter_turns": True, "angles": [], "tilt_range": (-8.0, 8.0), "shrinks": [0.9],
    "crop_range": (0.7, 1.0), "shears": [0.1], "distortion": True, "barrel": True, "pincushion": True,
    "sharpening": True, "cutout_count": 2, "brightening": True, "window_range": (0.7, 0.9),
}  # fmt: skip


def options(**changes):
    return Configuration.model_validate({"augmentation": changes}).augmentation


def drawn(section, count, seed=0, shape=(32, 32)):
    rng = np.random.default_rng(seed)
    return [draw(rng, section, shape) for _ in range(count)]


def test_the_schema_names_every_kind_in_the_order_of_application():
    assert get_args(KindName) == tuple(KINDS)


def test_enumerate_is_the_references_list():
    section = read_reference(SEED_PROJECT, {})[0].augmentation
    names = Counter(one.prefix for one in drawn(section, 600))
    assert set(names) == {
        "",
        "rotated_5_",
        "rotated_10_",
        "shrinked_0_8_",
        "sheared_0.2_",
        "elastic_alpha_1300_sigmoid_8_",
    }
    assert min(names.values()) > 60


def test_enumerate_has_every_transform_of_the_reference_in_its_order():
    section = read_reference(EVERYTHING, {})[0].augmentation
    assert [one.prefix for one in variants(np.random.default_rng(0), section, (64, 64))] == [
        "", "hfliped_", "vfliped_", "rotated_90_", "shrinked_0_8_", "shrinked_0_9_",
        "sheared_0.1_", "hflipped_sheared_0.1_", "vflipped_sheared_0.1_", "hvflipped_sheared_0.1_",
        "elastic_alpha_1300_sigmoid_8_", "distorted_0.02_rsigma40_", "distorted_0.03_rsigma40_",
        "barrdistorted_101_", "barrdistorted_102_", "pincdistorted_101_", "sharpened_1_", "brightened_1.2_10_",
    ]  # fmt: skip


def test_ranges_have_no_effect_in_enumerate():
    section = options(mode="enumerate", hflip=False, elastic=False, window_range=(0.5, 0.6), cutout_count=3)
    assert variants(np.random.default_rng(0), section, (64, 64)) == [Drawn()]


def test_flips_of_the_sheared_picture_need_both_flips():
    text = SEED_PROJECT.replace("vflip = False", "vflip = True")
    names = {one.prefix for one in drawn(read_reference(text, {})[0].augmentation, 400)}
    assert "vflipped_sheared_0.2_" in names and "hflipped_sheared_0.2_" not in names


def test_random_takes_each_with_its_probability_and_combines():
    section = options(probability=0.5, intensity_probability=0.2, probabilities={"noise": 0.9, "rotation": 0.0})
    found = drawn(section, 1000)
    moves = Counter(type(move).__name__ for one in found for move in one.spatial)
    changes = Counter(type(change).__name__ for one in found for change in one.intensity)
    assert moves["Elastic"] == pytest.approx(500, abs=60)
    assert moves["Affine"] == pytest.approx(1000, abs=90)  # the flip and the scaling; the rotation never
    assert changes["Gamma"] == pytest.approx(200, abs=45) and changes["Noise"] == pytest.approx(900, abs=35)
    assert max(len(one.spatial) for one in found) == 3


def test_angles_take_the_place_of_the_range():
    section = options(
        hflip=False, elastic=False, scale_range=(1, 1), angles=[90], probability=1, intensity_probability=0
    )
    (move,) = drawn(section, 1)[0].spatial
    assert np.allclose(move.matrix, [[0, 1], [-1, 0]])


@pytest.mark.parametrize("mode", ["off", "random"])
def test_nothing_drawn_gives_the_very_same_arrays(mode):
    image, label = apply(IMAGE, LABEL, drawn(options(mode=mode, probability=0, intensity_probability=0), 1)[0])
    assert image is IMAGE and label is LABEL


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32), st.sampled_from([(32, 32), (40, 24), (6, 24, 32)]), st.sampled_from(["random", "enumerate"])
)
def test_a_sample_can_be_replayed_from_its_seed_alone(seed, shape, mode):
    section = options(**ALL, mode=mode, probability=0.7, intensity_probability=0.7)
    image = np.random.default_rng(1).integers(0, 255, (*shape, 2), np.uint8)
    label = np.random.default_rng(2).integers(0, 4, shape, np.uint8)
    one, again = (draw(np.random.default_rng(seed), section, shape) for _ in range(2))
    assert one == again
    first, second = apply(image, label, one), apply(image, label, again)
    for a, b in zip(first, second, strict=True):
        assert a.tobytes() == b.tobytes()
    assert first[0].dtype == image.dtype and first[0].shape == image.shape and first[1].shape == shape
    assert set(np.unique(first[1])) <= set(np.unique(label)) | ({IGNORED} if label.ndim == 3 else set())


def test_every_kind_can_be_turned_on_and_its_parameters_are_plain_numbers():
    section = options(**ALL, probability=1, intensity_probability=1)
    whole = drawn(section, 1, shape=(6, 32, 32))[0]
    assert len(whole.spatial) + len(whole.intensity) == len(KINDS) + 1  # tilt is two rotations
    recorded = json.loads(json.dumps(dataclasses.asdict(whole)))
    assert len(recorded["spatial"]) == len(whole.spatial)


def test_volumes_only_kinds_leave_pictures_alone():
    only = {name: 0.0 for name in KINDS if name not in ("dflip", "tilt")}
    section = options(**ALL, probability=1, probabilities=only)
    assert drawn(section, 1)[0] == Drawn()
    assert len(drawn(section, 1, shape=(8, 32, 32))[0].spatial) == 3


def test_intensity_never_touches_labels():
    section = options(**ALL, probability=0, intensity_probability=1)
    for one in drawn(section, 20):
        image, label = apply(IMAGE, LABEL, one)
        assert label is LABEL and not np.array_equal(image, IMAGE)


def test_interpolation_is_a_choice():
    (one,) = drawn(options(probability=1, intensity_probability=0), 1)
    linear, nearest = apply(IMAGE, LABEL, one)
    cubic, area = apply(IMAGE, LABEL, one, image_order="cubic", label_order="area")
    assert not np.array_equal(linear, cubic) and not np.array_equal(nearest, area)

"""Augmentation on real slices and volumes."""

import nibabel
import numpy as np
import pytest

from maskwright.augment import affine as a
from maskwright.augment.base import Drawn
from maskwright.augment.pipeline import apply, draw
from maskwright.config import Configuration
from maskwright.data.pairs import match_pairs
from maskwright.data.records import read_pair
from maskwright.labels.rule import LabelRule


@pytest.fixture
def pairs(shared_data):
    folder = shared_data / "pancreas-slices" / "test"
    found = match_pairs(folder / "images", folder / "masks")[0][::16]
    return [read_pair(pair, LabelRule()) for pair in found]


@pytest.mark.parametrize("order", ["nearest", "area"])
def test_rotation_keeps_the_area_of_a_pancreas(pairs, order):
    compared = 0
    for image, label in pairs:
        before = int((label > 0).sum())
        if before < 1000:
            continue
        for angle in (-15, 4, 10, 33):
            drawn = Drawn(spatial=(a.rotate(angle, (1, 1)),))
            _, turned = apply(image.reshape(*label.shape, -1), label, drawn, label_order=order)
            assert (turned > 0).sum() == pytest.approx(before, rel=0.01)
            compared += 1
    assert compared >= 12


def test_the_pancreas_keeps_its_grey_level_under_everything_that_moves(pairs):
    """If image and label went different ways, other tissue would come under the label."""
    section = Configuration.model_validate(
        {"augmentation": {"probability": 1.0, "intensity_probability": 0.0, "shears": [0.1]}}
    ).augmentation
    for number, (image, label) in enumerate(pairs):
        image = image.reshape(*label.shape, -1).astype(np.float32)
        if (label > 0).sum() < 500:
            continue
        moved, marks = apply(image, label, draw(np.random.default_rng(number), section, label.shape))
        before, after = image[label > 0], moved[marks > 0]
        assert after.mean() == pytest.approx(before.mean(), abs=3) and after.std() < before.std() + 2


def test_a_real_volume_goes_through_the_same_code(shared_data):
    folder = shared_data / "hippocampus"
    name = sorted(path.name for path in (folder / "labelsTr").glob("*.nii.gz"))[0]
    scan, labels = (nibabel.load(folder / part / name) for part in ("imagesTr", "labelsTr"))
    image = np.asarray(scan.dataobj, np.float32)[..., None]
    label = np.asarray(labels.dataobj, np.uint8)
    section = Configuration.model_validate(
        {"augmentation": {"probability": 1.0, "intensity_probability": 1.0, "tilt_range": (-10, 10), "dflip": True,
                          "elastic_alpha": 200.0, "elastic_sigmas": [5.0]}}
    ).augmentation  # fmt: skip
    for seed in range(5):
        drawn = draw(np.random.default_rng(seed), section, label.shape, scan.header.get_zooms())
        moved, marks = apply(image, label, drawn, image_order="cubic", label_order="area")
        assert moved.shape == image.shape and moved.dtype == np.float32 and np.isfinite(moved).all()
        assert {0, 1, 2} <= set(np.unique(marks)) <= {0, 1, 2, 255}  # 255: what lay outside the scan, unknown
        ratio = [(marks == number).sum() / (label == number).sum() for number in (1, 2)]
        assert all(0.3 < one < 2.2 for one in ratio)  # scaled by 0.8 to 1.25 along each axis, some moved out

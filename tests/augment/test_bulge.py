import math

import numpy as np
import pytest

from maskwright.augment.base import Drawn
from maskwright.augment.bulge import Bulge
from maskwright.augment.pipeline import apply, coordinates, variants
from maskwright.config import Configuration


@pytest.mark.parametrize("amount", [0.5, -0.3])
def test_places_follow_the_formula(amount):
    bulge = Bulge(5.0, -3.0, 30.0, amount)
    y, x = coordinates([bulge], (101, 121))
    for row, column in ((50, 60), (40, 66), (70, 57), (3, 3), (60, 80)):
        dy, dx = row - 55.0, column - 57.0
        distance = math.hypot(dy, dx)
        factor = math.sin(math.pi * distance / 60) ** amount if 0 < distance < 30 else 1.0
        assert y[row, column] == pytest.approx(55 + factor * dy, abs=1e-3)
        assert x[row, column] == pytest.approx(57 + factor * dx, abs=1e-3)


def test_centres_are_shares_of_width_and_height():
    options = Configuration.model_validate(
        {"augmentation": {"mode": "enumerate", "barrel": True, "barrel_centers": [(0.25, 0.75)], "barrel_radius": 0.5}}
    ).augmentation
    found = [one for one in variants(np.random.default_rng(0), options, (100, 200)) if one.prefix.startswith("barr")]
    assert [one.prefix for one in found] == ["barrdistorted_101_"]
    # x = 0.25 · 200 and y = 0.75 · 100 px, from the middle at (49.5, 99.5)
    assert found[0].spatial == (Bulge(75 - 49.5, 50 - 99.5, 100.0, 0.5),)


def test_slices_of_a_volume_bulge_like_pictures():
    rng = np.random.default_rng(0)
    image, label = rng.integers(0, 255, (3, 40, 50, 1), np.uint8), rng.integers(0, 3, (3, 40, 50), np.uint8)
    drawn = Drawn(spatial=(Bulge(2.0, -3.0, 18.0, 0.5),))
    volume, marks = apply(image, label, drawn)
    for z in range(3):
        one, mark = apply(image[z], label[z], drawn)
        assert np.abs(volume[z].astype(int) - one).max() <= 1 and np.array_equal(marks[z], mark)

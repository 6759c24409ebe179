import cv2
import numpy as np
import pytest

from maskwright.advice.structures import look_at_masks, moved, spread, width
from maskwright.data.pairs import Pair
from maskwright.labels.rule import LabelRule


def written(folder, masks):
    pairs = []
    for number, mask in enumerate(masks):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), mask)
        pairs.append(Pair(path.stem, path, path, path.stem))
    return pairs


def blobs(rng, size=64, rows=(0, 64)):
    """Discs anywhere in some rows."""
    mask = np.zeros((size, size), np.uint8)
    for _ in range(12):
        centre = int(rng.integers(0, size)), int(rng.integers(*rows))
        cv2.circle(mask, centre, 4, 1, -1)
    return mask


@pytest.mark.parametrize(("rows", "any_way"), [((0, 64), True), ((40, 64), False)])
def test_whether_there_is_an_up(tmp_path, rows, any_way):
    rng = np.random.default_rng(0)
    found = look_at_masks(written(tmp_path, [blobs(rng, rows=rows) for _ in range(30)]), LabelRule("index", 2))
    assert found.any_way_up is any_way and 4 < found.thin() < 12


def test_a_sky_above_a_road_has_an_up(tmp_path):
    mask = np.repeat(np.repeat([0, 1, 2, 2], 16)[:, None], 64, axis=1).astype(np.uint8)
    found = look_at_masks(written(tmp_path, [mask] * 10), LabelRule("index", 3))
    assert not found.any_way_up and set(found.widths) == {1, 2}


def test_nothing_to_compare_has_an_up(tmp_path):
    found = look_at_masks(written(tmp_path, [np.zeros((32, 32), np.uint8)] * 3), LabelRule("index", 2))
    assert not found.any_way_up and found.thin() == 0


def test_what_moves_is_counted_once():
    maps = np.zeros((1, 4, 4))
    assert moved(maps) == 1
    maps[0, 0, 0] = 1
    assert moved(maps) == 1
    assert moved(np.ones((2, 4, 4))) == 0
    maps[0, 0, 3] = maps[0, 3, 0] = maps[0, 3, 3] = 1
    assert moved(maps) == 0


def test_the_width_of_a_band_is_its_width():
    inside = np.zeros((50, 60), bool)
    inside[20:30] = True
    assert width(inside) == pytest.approx(10, rel=0.1)


def test_some_are_taken_evenly():
    assert spread(3) == [0, 1, 2] and len(spread(1000)) == 40 and spread(1000)[-1] == 999

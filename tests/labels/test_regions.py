import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.config.toml import validate
from maskwright.errors import MaskwrightError
from maskwright.evaluation.scores import count_pixels
from maskwright.inference.decision import Decision
from maskwright.labels.configured import region_rule, region_table
from maskwright.labels.regions import inside, membership, painted, parts

BRATS = {"whole": [1, 2, 4], "core": [1, 4], "enhancing": [4]}
REGIONS = tuple(map(tuple, BRATS.values()))


def section(**values):
    return validate({"mask": values}, "test").mask


def test_brats_paints_its_own_labels():
    assert painted(REGIONS) == (2, 1, 4)
    assert parts(BRATS) == {2: "whole (rest)", 1: "core (rest)", 4: "enhancing"}


@given(st.integers(0, 2**32 - 1))
def test_regions_of_a_label_map_paint_that_map_again(seed):
    label = np.random.default_rng(seed).choice([0, 1, 2, 4], (5, 6, 7)).astype(np.uint8)
    regions = np.stack([inside(label, region) for region in REGIONS], axis=-1)
    decide = Decision((0.5,) * 3, painted(REGIONS))
    assert np.array_equal(decide(regions.astype(np.float32)), label)
    assert np.array_equal(membership(REGIONS)[label], regions)


@given(st.integers(0, 2**32 - 1))
def test_counts_of_regions_are_those_of_their_masks(seed):
    rng = np.random.default_rng(seed)
    truth, found = (rng.choice([0, 1, 2, 4], (40,)).astype(np.uint8) for _ in range(2))
    truth[:3] = 255
    known = truth != 255
    counts = count_pixels(found, truth, 5, REGIONS)
    for row, region in zip(counts, REGIONS, strict=True):
        t, p = np.isin(truth, region)[known], np.isin(found, region)[known]
        assert row.tolist() == [(t & p).sum(), (~t & p).sum(), (t & ~p).sum(), (~t & ~p).sum()]


def test_pixels_of_a_label_map_by_region():
    rule = region_rule(section(regions=BRATS, ignore=9), 3)
    label = np.array([0, 0, 1, 2, 2, 4, 255, 3], np.uint8)
    assert rule.classes == 5 and rule.pixels(label) == [3, 4, 2, 1]


def test_levels_are_counted():
    rule = region_rule(section(levels=[0, 60, 120], regions={"both": [60, 120], "core": [120]}), 2)
    assert rule.format == "grey" and rule.regions == ((1, 2), (2,))
    assert region_table(section(), 1) is None


@pytest.mark.parametrize(
    ("values", "count", "message"),
    [
        ({"regions": BRATS}, 1, r"is 1, and \[mask\] regions has 3"),
        ({"regions": {"core": [1, 4], "whole": [1, 2, 4]}}, 2, "has 0 numbers that no later region has"),
        ({"regions": {"whole": [1, 2, 4], "core": [4]}}, 2, "has 2 numbers"),
        ({"regions": {"a": [7]}, "levels": [0, 5]}, 1, "7 in it is no level"),
        ({"regions": {"a": [1]}, "format": "color"}, 1, "masks in colour have none"),
        ({"regions": {"a": [1]}, "ignore": 1}, 1, "and that is a class"),
    ],
)
def test_regions_that_cannot_be(values, count, message):
    with pytest.raises(MaskwrightError, match=message):
        region_rule(section(**values), count)

"""Where slices lie, by positions that are written with few decimals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwright.errors import MaskwrightError
from maskwright.volumes.dicom_geometry import Plane, stack


def planes(heights, normal=(0.0, 0.0, 1.0), decimals=6):
    """Slices at distances along a direction, their positions written with so many decimals."""
    normal = np.array(normal) / np.linalg.norm(normal)
    columns = np.cross([0.0, 1.0, 0.0], normal)
    columns /= np.linalg.norm(columns)
    rows = np.cross(normal, columns)
    return [
        Plane(np.round(normal * height, decimals), rows, columns, (1.0, 1.0), f"slice {number}")
        for number, height in enumerate(heights)
    ]


def written_coarsely_enough(distance, decimals):
    return 10.0**-decimals <= distance / 5


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.3, 8.0),
    st.floats(-300.0, 300.0),
    st.integers(1, 4),
    st.integers(2, 60),
    st.sampled_from([(0, 0, 1), (0.3, 0.2, 1), (1, 0.1, 0.1)]),
    st.randoms(use_true_random=False),
)
def test_an_even_stack_is_one_however_its_positions_are_rounded(distance, start, decimals, count, normal, random):
    if not written_coarsely_enough(distance, decimals):
        distance *= 10
    made = planes(start + distance * np.arange(count), normal, decimals)
    shuffled = random.sample(made, count)
    found = stack(shuffled, "scan")
    order, affine = found.order, found.affine
    heights = [shuffled[index].height for index in order]
    assert heights == sorted(heights)
    assert np.linalg.norm(affine[:3, 0]) == pytest.approx(distance, abs=4 * 10.0**-decimals / (count - 1))


@settings(max_examples=60, deadline=None)
@given(st.floats(0.3, 8.0), st.integers(1, 3), st.integers(4, 40), st.data())
def test_a_missing_slice_is_named_however_positions_are_rounded(distance, decimals, count, data):
    if not written_coarsely_enough(distance, decimals):
        distance *= 10
    gone = data.draw(st.integers(1, count - 2))
    made = [one for number, one in enumerate(planes(distance * np.arange(count), decimals=decimals)) if number != gone]
    with pytest.raises(
        MaskwrightError, match=f"1 slice is missing between slice {gone - 1} and slice {gone + 1}|mm apart"
    ):
        stack(made, "scan")


@pytest.mark.parametrize("heights", [[0, 3, 6, 9.4, 12, 15], [0, 1, 2.2, 3.6, 5.2, 7.0], [0.0, 2.65, 5.0, 7.5, 10.001]])
def test_uneven_distances_are_refused_with_the_slice(heights):
    with pytest.raises(MaskwrightError, match=r"mm apart; in an even stack slice \d would lie") as found:
        stack(planes(heights, decimals=3), "scan")
    assert "even distances" in str(found.value)


def test_a_tenth_written_too_far_is_rounding():
    found = stack(planes([0, 3, 6, 9.1, 12, 15], decimals=1), "scan")
    order, affine = found.order, found.affine
    assert order == list(range(6)) and affine[2, 0] == pytest.approx(3.0)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 4), st.lists(st.integers(1, 3), min_size=3, max_size=20), st.floats(0.5, 4.0))
def test_uneven_stacks_are_resampled_where_somebody_asks(seed, steps, distance):
    heights = distance * np.concatenate([[0], np.cumsum(steps)])
    made = planes(heights, normal=(0.1, 0.2, 1))
    shuffled = [made[index] for index in np.random.default_rng(seed).permutation(len(made))]
    even = len(set(steps)) == 1
    try:
        found = stack(shuffled, "scan", resample=True)
    except MaskwrightError as error:
        assert "missing" in str(error), "few gaps in an even stack are no uneven stack, and are never filled"
        return
    assert (found.places is None) == even
    count = len(made) if even else len(found.places)
    assert np.linalg.norm(found.affine[:3, 0]) * (count - 1) == pytest.approx(heights[-1])
    if not even:
        assert abs(count - 1 - heights[-1] / (distance * min(steps))) <= 0.5 + 1e-6
        at = np.interp(found.places, np.arange(len(heights)), heights)
        assert np.allclose(np.diff(at), heights[-1] / (count - 1))
        with pytest.raises(MaskwrightError, match=r"unevenly|mm apart") as caught:
            stack(shuffled, "scan")
        assert "--resample-slices" in caught.value.fix


def test_two_slices_at_one_place_are_no_uneven_stack():
    with pytest.raises(MaskwrightError, match=r"slice 0 and slice 1 lie at the same place.* 5 more such pairs"):
        stack(planes(np.repeat([0, 2, 4, 6, 8, 10], 2)), "scan", resample=True)

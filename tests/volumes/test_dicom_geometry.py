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
    order, affine, _ = stack(shuffled, "scan")
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
    order, affine, _ = stack(planes([0, 3, 6, 9.1, 12, 15], decimals=1), "scan")
    assert order == list(range(6)) and affine[2, 0] == pytest.approx(3.0)

"""Run lengths, and what is told of a segmentation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from maskwright.serving.answers import from_run_lengths, run_lengths, wanted
from maskwright.serving.limits import Refused


@given(arrays.arrays(bool, st.tuples(*[st.integers(1, 7)] * 3)))
def test_run_lengths_tell_the_mask(mask):
    lengths = run_lengths(mask)
    assert sum(lengths) == mask.size and all(length > 0 for length in lengths[1:])
    assert sum(lengths[1::2]) == mask.sum()
    assert np.array_equal(from_run_lengths(lengths, list(mask.shape)), mask)


def test_run_lengths_begin_with_zeros():
    assert run_lengths(np.array([[1, 1], [0, 1]], bool)) == [0, 2, 1, 1]
    assert run_lengths(np.zeros((2, 3), bool)) == [6]


def test_what_may_be_included():
    assert wanted("") == [] and wanted("rle, scan") == ["rle", "scan"]
    with pytest.raises(Refused):
        wanted("rle,passwd")

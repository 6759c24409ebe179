import itertools

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scans import affines, shapes, volume

from maskwright.errors import MaskwrightError
from maskwright.volumes.orient import reorient

CODES = [
    "".join(letters) for order in itertools.permutations(("LR", "PA", "IS")) for letters in itertools.product(*order)
]


@given(affines, shapes, st.sampled_from(CODES))
def test_turned_there_and_back_nothing_has_changed(affine, shape, target):
    one = volume(shape, affine)
    there = reorient(one, target)
    assert there.grid.orientation == target
    back = reorient(there, one.grid.orientation)
    assert np.array_equal(back.array, one.array) and np.allclose(back.affine, affine, atol=1e-9)


@given(affines, shapes, st.sampled_from(CODES))
def test_every_voxel_keeps_its_place(affine, shape, target):
    one, there = volume(shape, affine), reorient(volume(shape, affine), target)
    for value in (0, int(np.prod(shape)) - 1, int(np.prod(shape)) // 2):
        before = affine @ [*np.argwhere(one.array == value)[0], 1]
        after = there.affine @ [*np.argwhere(there.array == value)[0], 1]
        assert np.allclose(before, after, atol=1e-6)


@given(affines, shapes)
def test_canonical_agrees_with_nibabel(affine, shape):
    one = volume(shape, affine)
    expected = nibabel.as_closest_canonical(nibabel.Nifti1Image(one.array, affine))
    found = reorient(one, "RAS")
    assert np.array_equal(found.array, np.asarray(expected.dataobj)) and np.allclose(found.affine, expected.affine)


@pytest.mark.parametrize("target", ["RAZ", "RLS", "RA", "ras"])
def test_what_is_no_orientation_is_refused(target):
    with pytest.raises(MaskwrightError, match="no orientation"):
        reorient(volume((2, 2, 2), np.eye(4)), target)

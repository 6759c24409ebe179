import nibabel
import numpy as np
import pytest
from hypothesis import given
from scans import affines, shapes, volume

from maskwright.errors import MaskwrightError
from maskwright.volumes.volume import Grid, check_affine, check_values, orientation


@given(affines)
def test_orientations_agree_with_nibabel(affine):
    assert orientation(affine) == "".join(nibabel.aff2axcodes(affine))


@given(affines, shapes)
def test_spacing_and_millilitres(affine, shape):
    grid = Grid(shape, affine)
    assert np.allclose(grid.spacing, nibabel.affines.voxel_sizes(affine))
    assert grid.voxel_ml == pytest.approx(np.prod(grid.spacing) / 1000)
    moved = affine.copy()
    moved[:3, 3] += [0.3, 0.4, 0]
    assert grid.distance(Grid(shape, moved)) == pytest.approx(0.5)
    assert grid.same_as(Grid(shape, affine + 1e-9)) and not grid.same_as(Grid(shape, moved))


@pytest.mark.parametrize("affine", [np.zeros((4, 4)), np.eye(4) * np.nan, np.ones((4, 4)), np.diag([1, 1, 0, 1])])
def test_an_affine_that_spans_nothing_is_refused(affine):
    with pytest.raises(MaskwrightError, match=r"scan\.nii: has an affine that spans no volume"):
        check_affine(affine, "scan.nii")


def test_voxels_must_be_numbers():
    bad = volume((2, 3, 4), np.eye(4), kind=np.float32).array
    bad[0, 0, 0] = np.nan
    bad[0, 0, 1] = np.inf
    with pytest.raises(MaskwrightError, match="2 voxels that are no numbers"):
        check_values(bad, "scan.nii")
    with pytest.raises(MaskwrightError, match="no voxels"):
        check_values(np.zeros((0, 3, 3)), "scan.nii")

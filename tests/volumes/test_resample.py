import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from scans import affine_of, affines, shapes
from scipy import ndimage

from maskwright.errors import MaskwrightError
from maskwright.volumes import Grid, Volume
from maskwright.volumes.resample import require_fits, resample, with_shape, with_spacing
from maskwright.volumes.volume import Source


def itk(one):
    image = sitk.GetImageFromArray(one.array)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ one.affine
    columns = lps[:3, [2, 1, 0]]
    lengths = np.linalg.norm(columns, axis=0)
    image.SetSpacing([float(value) for value in lengths])
    image.SetDirection((columns / lengths).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image


@settings(max_examples=40, deadline=None)
@given(affines, affines)
def test_linear_and_nearest_agree_with_simpleitk(affine, other):
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).random((12, 14, 16)), 1).astype(np.float32)
    one = Volume(smooth, affine)
    target = other.copy()
    # Not larger than the voxels: there ours averages, and SimpleITK does not.
    target[:3, :3] *= 0.9 * min(one.grid.spacing) / max(Grid((1, 1, 1), other).spacing)
    # Off any place half-way between two voxels, which may go to either.
    target[:3, 3] += (affine @ [6.013, 7.017, 8.019, 1] - target @ [5, 5, 5, 1])[:3]
    grid = Grid((11, 10, 9), target)
    reference = itk(Volume(np.zeros(grid.shape, np.float32), target))
    # Half a voxel beyond the outermost centres SimpleITK goes on with the edge, and ours has the fill already.
    indices = np.stack([*np.indices(grid.shape), np.ones(grid.shape)], axis=-1)
    places = (indices @ (np.linalg.inv(affine) @ target).T)[..., :3]
    inside = ((places >= 0) & (places <= np.array(smooth.shape) - 1)).all(axis=-1)
    for order, kind in (("linear", sitk.sitkLinear), ("nearest", sitk.sitkNearestNeighbor)):
        expected = sitk.GetArrayFromImage(sitk.Resample(itk(one), reference, sitk.Transform(), kind, -1.0))
        found = resample(one, grid, order, fill=-1.0)
        close = np.abs(found.array - expected)[inside] < 1e-3
        assert inside.sum() > 100 and close.mean() > (0.999 if order == "linear" else 0.98)


@given(affines, shapes)
def test_the_same_box_in_other_voxels(affine, shape):
    grid = Grid(shape, affine)
    finer = with_spacing(grid, tuple(value / 2 for value in grid.spacing))
    assert finer.shape == tuple(2 * size for size in shape)
    corner, other = affine @ [-0.5, -0.5, -0.5, 1], finer.affine @ [-0.5, -0.5, -0.5, 1]
    assert np.allclose(corner, other, atol=1e-9)
    back = with_shape(finer, shape)
    assert back.same_as(grid, 1e-9)


@settings(max_examples=60, deadline=None)
@given(affines)
def test_a_single_voxel_keeps_its_place_to_half_a_voxel(affine):
    """A label of one voxel to model space (1.5 times as fine) and back."""
    array = np.zeros((9, 10, 11), np.uint8)
    array[4, 6, 3] = 1
    one = Volume(array, affine)
    finer = with_spacing(one.grid, tuple(value / 1.5 for value in one.grid.spacing))
    there = resample(one, finer, "nearest", fill=0)
    places = np.argwhere(there.array)
    centre = (finer.affine @ [*places.mean(axis=0), 1])[:3]
    # Half a voxel along each axis at most.
    off = np.linalg.solve(affine[:3, :3], centre - (affine @ [4, 6, 3, 1])[:3])
    assert len(places) and np.abs(off).max() <= 0.5 + 1e-6
    back = resample(there, one.grid, "nearest", fill=0)
    assert np.array_equal(back.array, array)


def test_left_stays_left():
    """A mark on the patient's left, through grids that run the other way."""
    array = np.zeros((6, 8, 10), np.int16)
    array[3, 4, 8] = 1000
    one = Volume(array, affine_of([2, 1, 0], (1, -1, -1), (2, 1, 1), (0, 0, 0), (5, 4, -6)))
    x = (one.affine @ [3, 4, 8, 1])[0]
    other = Grid((10, 8, 6), affine_of([0, 1, 2], (1, 1, 1), (1, 1, 2), (0, 0, 0), (-4, -3, -6)))
    moved = resample(one, other, "linear", fill=0)
    peak = np.unravel_index(moved.array.argmax(), moved.array.shape)
    assert (other.affine @ [*peak, 1])[0] == pytest.approx(x)


def test_larger_voxels_average():
    rng = np.random.default_rng(0)
    one = Volume(rng.normal(100, 30, (40, 40, 40)).astype(np.float32), np.eye(4))
    coarse = resample(one, with_spacing(one.grid, (5, 5, 5)), "linear")
    assert coarse.array.std() < 30 / 5 and coarse.array.mean() == pytest.approx(100, abs=1)


def test_channels_and_integers():
    array = np.random.default_rng(0).integers(-1000, 1000, (5, 6, 7, 2)).astype(np.int16)
    one = Volume(array, np.diag([2.0, 1, 1, 1]))
    found = resample(one, with_spacing(one.grid, (1, 1, 1)), "cubic")
    assert found.array.shape == (10, 6, 7, 2) and found.array.dtype == np.int16
    for channel in range(2):
        single = resample(Volume(array[..., channel], one.affine), found.grid, "cubic")
        assert np.array_equal(single.array, found.array[..., channel])


@pytest.mark.parametrize("spacing", [1000.0, 50.0])
def test_what_no_memory_holds_is_refused_with_its_spacing(tmp_path, spacing):
    scan = Volume(
        np.zeros((32, 32, 32), np.int16), np.diag([spacing] * 3 + [1.0]), source=Source("nifti", tmp_path / "s.nii")
    )
    grid = with_spacing(scan.grid, (0.1, 0.1, 0.1))
    with pytest.raises(MaskwrightError) as caught:
        require_fits(scan, grid)
    text = str(caught.value)
    assert "s.nii" in text and f"{spacing:g} x {spacing:g} x {spacing:g} mm" in text and str(grid.shape[0]) in text
    require_fits(scan, scan.grid)

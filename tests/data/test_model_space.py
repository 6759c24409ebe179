import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scans import affines, volume
from scipy import ndimage

from maskwright.data.model_space import labels_to_model, model_grid, scan_classes, to_model
from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.inference.decision import Decision
from maskwright.inference.restored import restored
from maskwright.labels.rule import LabelRule
from maskwright.volumes import Volume
from maskwright.volumes.orient import reorient


@settings(max_examples=40, deadline=None)
@given(affines, st.floats(0.6, 1.7), st.integers(0, 99))
def test_to_model_space_and_back_a_structure_is_the_same(affine, ratio, seed):
    """Read, to the network's grid, back: equal but for voxels on the rim, and none where the grids are the same."""
    shape = (12, 14, 13)
    inside = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 2.2) > 0.5
    scan = Volume(inside.astype(np.uint8), affine)
    turned = reorient(scan, "SPL")
    for factor in (1.0, ratio):
        rule = InputRule(8, 8, 1, depth=8, orientation="SPL", spacing=tuple(s * factor for s in turned.grid.spacing))
        there = labels_to_model(scan, rule)
        assert there.grid.same_as(model_grid(turned.grid, rule), 1e-6)
        chance = there.array[..., None].astype(np.float32)
        back = np.zeros(turned.array.shape, np.uint8)
        for rows, found in restored(chance, there.grid, turned.grid):
            back[rows] = Decision()(found)
        again = reorient(turned.with_array(back), scan.grid.orientation)
        wrong = again.array != scan.array
        if factor == 1.0:
            assert not wrong.any()
        rim = ndimage.binary_dilation(inside, iterations=2) & ~ndimage.binary_erosion(
            inside, iterations=2, border_value=1
        )
        assert not wrong[~rim].any()


@given(affines)
def test_levels(affine):
    scan = volume((6, 7, 8), affine, kind=np.int16)
    found = to_model(scan, InputRule(8, 8, 1, depth=8)).array
    assert found.dtype == np.float32 and abs(found.mean()) < 1e-4 and found.std() == pytest.approx(1, abs=1e-3)
    windowed = to_model(scan, InputRule(8, 8, 1, depth=8, window="100/200")).array[..., 0]
    expected = np.clip(reorient(scan, "SPL").array / 200.0, 0, 1)
    assert np.allclose(windowed, expected, atol=1e-6)


def test_channels_are_refused():
    with pytest.raises(MaskwrightError, match="2 channels"):
        to_model(volume((3, 3, 3, 2), np.eye(4)), InputRule(8, 8, 1, depth=8))


def test_what_numbers_mean():
    array = np.array([[[0, 1, 2, 7, 9]]], np.uint16)
    assert scan_classes(array, LabelRule("binary"), "x").tolist() == [[[0, 1, 1, 1, 1]]]
    assert scan_classes(array, LabelRule("binary", ignore=9), "x").tolist() == [[[0, 1, 1, 1, 255]]]
    grey = LabelRule("grey", 5, levels=(0, 7, 9, 1, 2))
    assert scan_classes(array, grey, "x").tolist() == [[[0, 3, 4, 1, 2]]]
    assert scan_classes(array[..., :3], LabelRule("index", 3), "x").tolist() == [[[0, 1, 2]]]
    with pytest.raises(MaskwrightError, match="labels that no class describes: 7, 9"):
        scan_classes(array, LabelRule("index", 3), "labels.nii")

"""Distances against brute force, SciPy, scikit-image, surface-distance and (with the backends' tests) MONAI."""

import math

import numpy as np
import pytest
import surface_distance
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.distance import cdist, directed_hausdorff
from skimage.metrics import hausdorff_distance

from maskwright.evaluation.distances import NAMES, surface, surface_scores

SHAPES = [(17, 23), (9, 14, 11)]
SPACINGS = {2: [(1.0, 1.0), (0.7, 2.5)], 3: [(1.0, 1.0, 1.0), (5.0, 0.8, 0.9)]}


def blobs(shape, seed, level=0.5, sigma=1.5):
    """Smooth parts, some at the border."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.random(shape), sigma)
    return field > np.quantile(field, level)


def degenerate(shape):
    """Masks that trip people: one pixel, a corner, a plane, everything, a line at the border."""
    masks = {name: np.zeros(shape, bool) for name in ("pixel", "corner", "plane", "border")}
    masks["pixel"][tuple(edge // 2 for edge in shape)] = True
    masks["corner"][(-1,) * len(shape)] = True
    masks["plane"][shape[0] // 3] = True
    masks["border"][..., 0] = True
    return masks | {"all": np.ones(shape, bool)}


def pairs():
    for shape in SHAPES:
        for spacing in SPACINGS[len(shape)]:
            for seed in range(4):
                yield blobs(shape, seed, 0.7), blobs(shape, seed + 50, 0.8), spacing
            masks = degenerate(shape)
            for one in masks.values():
                for other in masks.values():
                    yield one, other, spacing


@pytest.mark.parametrize("shape", SHAPES)
def test_the_surface_is_what_erosion_takes_away(shape):
    for mask in (*degenerate(shape).values(), blobs(shape, 0), blobs(shape, 1, 0.2)):
        assert np.array_equal(surface(mask), mask & ~ndimage.binary_erosion(mask))


def test_against_every_distance_of_every_pair():
    for one, other, spacing in pairs():
        points = [np.argwhere(surface(mask)) * spacing for mask in (one, other)]
        table = cdist(*points)
        there, back = table.min(axis=1), table.min(axis=0)
        found = surface_scores(one, other, spacing, 1.3)
        both = np.concatenate([there, back])
        assert found["hausdorff"] == pytest.approx(both.max(), abs=1e-9)
        assert found["hausdorff"] == pytest.approx(
            max(directed_hausdorff(*points)[0], directed_hausdorff(*points[::-1])[0]), abs=1e-9
        )
        assert found["hausdorff95"] == pytest.approx(max(np.quantile(there, 0.95), np.quantile(back, 0.95)), abs=1e-9)
        assert found["surface_distance"] == pytest.approx(both.mean(), abs=1e-9)
        assert found["surface_dice"] == pytest.approx((both <= 1.3).mean(), abs=1e-9)


@given(st.integers(0, 10_000), st.sampled_from(SHAPES))
def test_against_scikit_image(seed, shape):
    one, other = blobs(shape, seed, 0.7), blobs(shape, seed + 1, 0.6)
    found = surface_scores(one, other, (1.0,) * len(shape), 1.0)["hausdorff"]
    assert found == pytest.approx(hausdorff_distance(surface(one), surface(other)), abs=1e-6)


@pytest.mark.parametrize("spacing", SPACINGS[3])
def test_near_surface_distance_which_lays_its_surface_between_the_voxels(spacing):
    """The same surfaces half a voxel further out, weighted by area: near, not equal."""
    shape = (24, 30, 28)
    z, y, x = (np.indices(shape) - np.array([12, 15, 14])[:, None, None, None]) * np.array(spacing)[:, None, None, None]
    one, other = (np.sqrt((z - d) ** 2 + y**2 + x**2) < 9 for d in (0, 2.0))
    theirs = surface_distance.compute_surface_distances(one, other, spacing)
    found = surface_scores(one, other, spacing, 2.0)
    longest = max(spacing)
    assert found["hausdorff"] == pytest.approx(surface_distance.compute_robust_hausdorff(theirs, 100), abs=longest)
    both = np.mean(surface_distance.compute_average_surface_distance(theirs))
    assert found["surface_distance"] == pytest.approx(both, abs=longest / 2)


@pytest.mark.parametrize("spacing", SPACINGS[3])
@pytest.mark.parametrize(("axis", "far"), [(0, 1), (1, 3), (2, 2)])
def test_as_surface_distance_where_both_surfaces_are_as_far_apart(spacing, axis, far):
    """A box and the same box further along: the Hausdorff distance is how far, wherever a surface is laid."""
    one = np.zeros((24, 26, 28), bool)
    one[6:16, 7:17, 8:18] = True
    other = np.roll(one, far, axis)
    theirs = surface_distance.compute_surface_distances(one, other, spacing)
    found = surface_scores(one, other, spacing, 1.0)
    assert found["hausdorff"] == pytest.approx(surface_distance.compute_robust_hausdorff(theirs, 100), abs=1e-6)
    same = surface_distance.compute_surface_distances(one, one, spacing)
    assert (
        surface_distance.compute_surface_dice_at_tolerance(same, 0)
        == 1
        == surface_scores(one, one, spacing, 0)["surface_dice"]
    )


@pytest.mark.backends
def test_against_monai():
    import torch
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice

    for one, other, spacing in pairs():
        tensors = [torch.from_numpy(mask.astype(np.float32))[None, None] for mask in (one, other)]
        options = {"include_background": True, "spacing": list(spacing)}
        found = surface_scores(one, other, spacing, 1.3)
        theirs = {
            "hausdorff": compute_hausdorff_distance(*tensors, **options),
            "hausdorff95": compute_hausdorff_distance(*tensors, percentile=95, **options),
            "surface_distance": compute_average_surface_distance(*tensors, symmetric=True, **options),
            "surface_dice": compute_surface_dice(*tensors, class_thresholds=[1.3], **options),
        }
        for name, value in theirs.items():
            assert found[name] == pytest.approx(float(value), rel=1e-6, abs=1e-6), name


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_against_nothing_and_against_something(shape):
    nothing, something = np.zeros(shape, bool), degenerate(shape)["pixel"]
    spacing = (1.0,) * len(shape)
    assert all(math.isnan(value) for value in surface_scores(nothing, nothing, spacing, 1).values())
    for pair in ((nothing, something), (something, nothing)):
        found = surface_scores(*pair, spacing, 1)
        assert found["surface_dice"] == 0 and all(math.isnan(found[name]) for name in NAMES[:3])


@given(st.integers(0, 1000), st.floats(0.1, 10))
def test_millimetres_scale_and_the_order_does_not_matter(seed, factor):
    one, other = blobs((9, 14, 11), seed, 0.7), blobs((9, 14, 11), seed + 1, 0.7)
    plain = surface_scores(one, other, (2.0, 1.0, 1.0), 1.0)
    scaled = surface_scores(other, one, tuple(factor * s for s in (2.0, 1.0, 1.0)), factor * (1 + 1e-9))
    for name in NAMES[:3]:
        assert scaled[name] == pytest.approx(factor * plain[name], rel=1e-9, abs=1e-9)
    assert scaled["surface_dice"] == pytest.approx(plain["surface_dice"])

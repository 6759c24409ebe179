import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage.measure import label

from maskwright.evaluation.components import NAMES, component_scores


def blobs(shape, seed, level=0.8):
    field = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 1.0)
    return field > np.quantile(field, level)


@given(st.integers(0, 10_000), st.sampled_from([(30, 34), (10, 12, 14)]))
def test_against_scikit_images_components_one_by_one(seed, shape):
    prediction = blobs(shape, seed)
    truth = np.roll(prediction, 1, axis=-1) & blobs(shape, seed + 1, 0.3)
    found, true = label(prediction, connectivity=len(shape)), label(truth, connectivity=len(shape))
    parts_found = [found == number for number in range(1, found.max() + 1)]
    parts_true = [true == number for number in range(1, true.max() + 1)]
    hit = sum((part & prediction).any() for part in parts_true)
    wrong = sum(not (part & truth).any() for part in parts_found)
    ious = [(t & p).sum() / (t | p).sum() for t in parts_true for p in parts_found]
    matched = [iou for iou in ious if iou > 0.5]
    scores = component_scores(prediction, truth)
    assert scores["component_f1"] == pytest.approx(2 * hit / (hit + len(parts_true) + wrong))
    missed, extra = len(parts_true) - len(matched), len(parts_found) - len(matched)
    assert scores["panoptic_quality"] == pytest.approx(sum(matched) / (len(matched) + missed / 2 + extra / 2))


def test_empty_ones_and_one_pixel():
    nothing, pixel = np.zeros((5, 5), bool), np.zeros((5, 5), bool)
    pixel[0, 0] = True
    assert component_scores(nothing, nothing) == dict.fromkeys(NAMES, 1.0) == component_scores(pixel, pixel)
    assert component_scores(nothing, pixel) == dict.fromkeys(NAMES, 0.0) == component_scores(pixel, nothing)


def test_corners_connect():
    one = np.zeros((6, 6), bool)
    one[0, 0] = one[1, 1] = one[4, 4] = True
    other = np.zeros((6, 6), bool)
    other[1, 1] = True
    assert component_scores(other, one)["component_f1"] == pytest.approx(2 / 3)


@pytest.mark.backends
@pytest.mark.parametrize("seed", range(5))
def test_panoptic_quality_against_monai(seed):
    import torch
    from monai.metrics import compute_panoptic_quality

    prediction = blobs((40, 44), seed)
    truth = np.roll(prediction, 1, axis=0) & blobs((40, 44), seed + 9, 0.3)
    maps = [torch.from_numpy(label(mask, connectivity=2).astype(np.int64)) for mask in (prediction, truth)]
    theirs = float(compute_panoptic_quality(*maps, remap=True, match_iou_threshold=0.5))
    assert component_scores(prediction, truth)["panoptic_quality"] == pytest.approx(theirs, abs=1e-6)

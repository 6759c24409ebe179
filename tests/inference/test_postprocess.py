import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from maskwright.config.schema import PostprocessSection
from maskwright.errors import MaskwrightError
from maskwright.inference.postprocess import Cleaning, filled, kept, smoothed, steps_of

NAMES = ("one", "two")


def clean(label, options, spacing=None, regions=()):
    return Cleaning(steps_of(options, NAMES), regions)(label, spacing)


def blobs(shape, seed):
    return ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 1.2) > 0.53


@given(st.sampled_from([(24, 30), (8, 16, 14)]), st.integers(0, 99), st.integers(0, 40))
def test_small_parts_go_and_large_ones_stay(shape, seed, smallest):
    inside = blobs(shape, seed)
    found = kept(inside, largest=False, smallest=smallest)
    parts, count = ndimage.label(inside, np.ones((3,) * inside.ndim))
    expected = np.zeros(shape, bool)
    for number in range(1, count + 1):
        if (parts == number).sum() >= smallest:
            expected |= parts == number
    assert np.array_equal(found, expected)


def test_the_largest_part_of_each_class():
    label = np.zeros((20, 20), np.uint8)
    label[1:6, 1:6], label[10:12, 10:12], label[1:4, 12:18], label[15:19, 1:3] = 1, 1, 2, 2
    found = clean(label, PostprocessSection(largest=True))
    assert (found == 1).sum() == 25 and (found == 2).sum() == 18


def test_sizes_are_millilitres_where_spacing_is_known():
    label = np.zeros((10, 10, 10), np.uint8)
    label[1:3, 1:3, 1:3], label[5:9, 5:9, 5:9] = 1, 1
    spacing = (2.0, 5.0, 5.0)  # 0.05 ml a voxel
    assert (clean(label, PostprocessSection(smallest=0.41), spacing) > 0).sum() == 64
    assert (clean(label, PostprocessSection(smallest=0.4), spacing) > 0).sum() == 72
    assert (clean(label, PostprocessSection(smallest=9)) > 0).sum() == 64


def test_holes_are_filled_but_not_with_another_class():
    label = np.zeros((12, 12), np.uint8)
    label[2:10, 2:10] = 1
    label[4:6, 4:6], label[7, 7] = 0, 2
    found = clean(label, PostprocessSection(fill_holes=True))
    assert (found == 1).sum() == 63 and found[7, 7] == 2
    volume = np.zeros((5, 9, 9), bool)
    volume[1:4, 2:7, 2:7] = True
    volume[2, 4, 4] = False
    assert filled(volume)[2, 4, 4]


def test_smoothing_keeps_area_and_place():
    y, x = np.mgrid[:80, :80]
    disc = (y - 40) ** 2 + (x - 38) ** 2 < 25**2
    rough = disc ^ ((np.random.default_rng(0).random(disc.shape) < 0.05) & (np.abs(np.hypot(y - 40, x - 38) - 25) < 3))
    found = smoothed(rough, 2.0, None)
    assert found.sum() == pytest.approx(disc.sum(), rel=0.02) and (found != disc).sum() < (rough != disc).sum()
    single = np.zeros((9, 9), bool)
    single[4, 4] = True
    assert np.array_equal(smoothed(single, 2.0, None), single)


def test_nothing_asked_nothing_changed():
    label = blobs((20, 20), 0).astype(np.uint8)
    assert clean(label, PostprocessSection()) is label
    assert not clean(np.zeros((4, 4), np.uint8), PostprocessSection(largest=True)).any()


def test_a_step_may_be_for_some_classes_only():
    label = np.zeros((20, 20), np.uint8)
    label[1:6, 1:6], label[10:12, 10:12], label[1:4, 12:18], label[15:19, 1:3] = 1, 1, 2, 2
    found = clean(label, PostprocessSection(largest=["two"], smallest={"one": 3}))
    assert (found == 1).sum() == 29 and (found == 2).sum() == 18
    with pytest.raises(MaskwrightError, match=r"no class 'three'"):
        clean(label, PostprocessSection(smooth={"three": 1.0}))


def test_regions_are_cleaned_as_wholes_and_painted_again():
    label = np.zeros((20, 20), np.uint8)
    label[2:12, 2:12], label[4:6, 4:6], label[15:17, 15:17], label[9:11, 4:6] = 2, 1, 2, 1
    regions = ((1, 2), (1,))
    found = clean(label, PostprocessSection(largest=["one"]), regions=regions)
    assert (found > 0).sum() == 100 and (found == 1).sum() == 8  # the whole keeps its largest part, the core both

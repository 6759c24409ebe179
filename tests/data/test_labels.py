import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwright.data.labels import make_label
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule


def blob(seed, classes=1, size=128):
    """Class numbers of some overlapping ellipses."""
    rng = np.random.default_rng(seed)
    label = np.zeros((size, size), np.uint8)
    for number in range(1, classes + 1):
        centre = tuple(int(v) for v in rng.integers(35, size - 35, 2))
        axes = tuple(int(v) for v in rng.integers(12, 30, 2))
        cv2.ellipse(label, centre, axes, float(rng.integers(180)), 0, 360, number, -1)
    return label


def area(label, number=1):
    return int((label == number).sum())


def jpeg(picture, quality):
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_UNCHANGED)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([30, 50, 75, 95]), st.sampled_from([0, 3, 5, 7]))
def test_compression_and_blur_do_not_inflate(seed, quality, blur):
    truth = blob(seed)
    mask = truth * 255
    mask = cv2.blur(mask, (blur, blur)) if blur else mask
    found = make_label(jpeg(mask, quality), LabelRule(), lossy=True)
    assert area(found) == pytest.approx(area(truth), rel=0.03)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([(3, 3), (5, 5)]))
def test_smoothing_keeps_the_area(seed, size):
    truth = blob(seed)
    assert area(make_label(truth * 255, LabelRule(smooth=size))) == pytest.approx(area(truth), rel=0.03)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([50, 75, 95]))
def test_grey_levels_of_a_compressed_mask(seed, quality):
    truth = blob(seed, classes=3)
    levels = (0, 85, 170, 255)
    found = make_label(
        jpeg(np.array(levels, np.uint8)[truth], quality), LabelRule("grey", 4, levels=levels), lossy=True
    )
    assert (found != truth).mean() < 0.01
    for number in range(4):
        # What another organ leaves of one may be a sliver without a certain pixel; whatever has a core is kept, and
        # its outline lies within three quarters of a pixel on average.
        core = cv2.erode((truth == number).astype(np.uint8), np.ones((7, 7)))
        if core.sum() > 20:
            outline = (
                area(cv2.morphologyEx((truth == number).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3)))) / 2
            )
            assert abs(area(found, number) - area(truth, number)) <= 0.75 * outline


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_colours_of_a_compressed_mask(seed):
    truth = blob(seed, classes=2)
    colours = ((0, 0, 0), (0, 255, 0), (255, 0, 255))
    picture = jpeg(np.array(colours, np.uint8)[truth][..., ::-1], 90)[..., ::-1]
    found = make_label(picture, LabelRule("color", 3, colors=colours), lossy=True)
    assert (found != truth).mean() < 0.02


def test_lossless_colours_and_levels_are_exact():
    truth = blob(4, classes=2)
    colours = ((0, 0, 0), (10, 20, 30), (11, 20, 30))
    assert np.array_equal(make_label(np.array(colours, np.uint8)[truth], LabelRule("color", 3, colors=colours)), truth)
    levels = (7, 8, 200)
    assert np.array_equal(make_label(np.array(levels, np.uint8)[truth], LabelRule("grey", 3, levels=levels)), truth)


def test_values_that_no_class_describes_are_refused_with_their_counts():
    mask = blob(1, classes=2)
    mask[0, :3] = 9
    with pytest.raises(MaskwrightError, match=r"9 \(3 px\); classes are 0 to 2"):
        make_label(mask, LabelRule("index", 3))
    with pytest.raises(MaskwrightError, match="no class describes"):
        make_label(mask, LabelRule("grey", 3, levels=(0, 1, 2)))
    with pytest.raises(MaskwrightError, match="no class describes"):
        make_label(np.full((4, 4, 3), 77, np.uint8), LabelRule("color", 2, colors=((0, 0, 0), (255, 255, 255))))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_half_the_range_of_any_depth(dtype):
    top = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[dtype]
    mask = (np.array([[0, 0.4, 0.6, 1]]) * top).astype(dtype)
    assert make_label(mask, LabelRule()).tolist() == [[0, 0, 1, 1]]


def test_a_red_structure_is_as_good_as_a_white_one():
    mask = np.zeros((2, 2, 3), np.uint8)
    mask[0, 0] = (255, 0, 0)
    assert make_label(mask, LabelRule()).sum() == 1


def test_several_colours_may_be_one_structure():
    colours = ((0, 0, 0), (255, 0, 0), (0, 255, 0))
    mask = np.array(colours, np.uint8)[None]
    assert make_label(mask, LabelRule("color", 2, colors=colours)).tolist() == [[0, 1, 1]]


def test_otsu_finds_a_low_contrast_mask():
    mask = np.where(blob(2), 100, 30).astype(np.uint8)
    assert np.array_equal(make_label(mask, LabelRule(algorithm="otsu")), blob(2))


@pytest.mark.parametrize(
    ("rule", "mask", "expected"),
    [
        (LabelRule("index", 3, ignore=255), [[0, 1, 2, 255]], [[0, 1, 2, 255]]),
        (LabelRule("index", 2, ignore=7), [[0, 1, 7, 7]], [[0, 1, 255, 255]]),
        (LabelRule("binary", 2, ignore=100), [[0, 255, 100, 99]], [[0, 1, 255, 0]]),
        (LabelRule("grey", 3, levels=(0, 50, 90), ignore=200), [[0, 90, 200, 50]], [[0, 2, 255, 1]]),
        (
            LabelRule("color", 2, colors=((0, 0, 0), (0, 255, 0)), ignore=(255, 0, 0)),
            [[[0, 0, 0], [0, 255, 0], [255, 0, 0], [0, 0, 0]]],
            [[0, 1, 255, 0]],
        ),
    ],
)
def test_what_is_ignored_is_a_number_of_its_own(rule, mask, expected):
    assert make_label(np.array(mask, np.uint8), rule).tolist() == expected


def test_ignored_levels_survive_compression():
    mask = np.zeros((64, 64), np.uint8)
    mask[8:30, 8:56], mask[34:56, 8:56] = 255, 128
    found = make_label(jpeg(mask, 90), LabelRule("grey", 2, levels=(0, 255), ignore=128), lossy=True)
    assert abs(int((found == 255).sum()) - 22 * 48) < 40 and abs(int((found == 1).sum()) - 22 * 48) < 120

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.data.preprocess import (
    InputRule,
    adjust,
    level_range,
    network_input,
    resize_label,
    to_depth,
    to_floats,
)
from maskwright.errors import MaskwrightError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 255, (12, 20), np.uint8)
COLOUR = RNG.integers(0, 255, (12, 20, 3), np.uint8)


@pytest.mark.parametrize("image", [GREY, COLOUR])
@pytest.mark.parametrize("channels", [1, 3])
def test_size_and_channels(image, channels):
    found = network_input(image, InputRule(8, 10, channels))
    assert found.shape == (8, 10, channels) and found.dtype == np.uint8


def test_nothing_changes_where_nothing_must():
    assert np.array_equal(network_input(COLOUR, InputRule(12, 20, 3)), COLOUR)


@pytest.mark.parametrize("intensity", ["unit", "raw", "zscore"])
def test_normalisation(intensity):
    values = to_floats(GREY[None, ..., None], InputRule(12, 20, 1, intensity=intensity))
    assert values.dtype == np.float32
    expected = {"unit": GREY / 255, "raw": GREY, "zscore": (GREY - GREY.mean()) / GREY.std()}[intensity]
    assert np.allclose(values[0, ..., 0], expected, atol=1e-4)


def test_the_range_of_levels():
    assert level_range("uint8", 3, 9) == (0, 255)
    for high, white in ((100, 255), (256, 4095), (1800, 4095), (2200, 4095), (4095, 4095), (4096, 65535)):
        assert level_range("uint16", 0, high) == (0, white)
    assert level_range("float32", -1000, 500) == (-1000, 500)
    assert level_range("float32", 2, 2) == (2, 3)


@given(st.integers(1800, 2200))
def test_one_bright_pixel_does_not_change_the_brightness_of_the_others(brightest):
    image = np.full((8, 8), 1024, np.uint16)
    image[0, 0] = brightest
    assert to_depth(image, "uint8")[4, 4] == 64


depths = st.sampled_from(["uint8", "uint16", "float32"])


@given(depths, depths, st.floats(0, 50), st.floats(60, 4000), st.floats(0, 90), st.floats(100, 250), st.integers(0, 99))
def test_black_becomes_black_white_becomes_white_and_the_rest_is_linear(one, other, black, white, low, high, seed):
    levels, target = (round(black), round(min(white, 250 if one == "uint8" else 4000))), (round(low), round(high))
    span = levels[1] - levels[0]
    inside = np.random.default_rng(seed).uniform(*levels, (5, 7)).round()
    image = np.concatenate([inside.ravel(), levels]).astype(one).reshape(-1, 1)
    found = to_depth(image, other, levels, target)
    expected = (image.astype(float) - levels[0]) / span * (target[1] - target[0]) + target[0]
    assert found.dtype == other
    assert np.abs(found - expected).max() <= (0.5 + 1e-9 if other != "float32" else 1e-3)
    assert (found[-2, 0], found[-1, 0]) == target
    outside = np.array([[levels[0] - 1 if levels[0] else 0, levels[1] + 1]]).astype(one)
    if one != other or levels != target:
        assert target[0] <= to_depth(outside, other, levels, target).min()
        assert to_depth(outside, other, levels, target).max() <= target[1]


def test_a_picture_of_another_depth_is_brought_to_the_range_of_the_training():
    twelve = InputRule(12, 20, 1, "uint16", high=4095.0, levels=(("uint8", 0.0, 255.0),))
    assert np.array_equal(adjust(GREY, twelve)[..., 0], np.rint(GREY * (4095 / 255)))
    wide = GREY.astype(np.uint16) * 257
    assert adjust(wide, twelve)[..., 0] is not None and np.array_equal(adjust(wide, twelve)[..., 0], wide)
    eight = InputRule(12, 20, 1)
    assert np.array_equal(adjust(wide, eight)[..., 0], GREY)  # a set by itself
    taken = InputRule(12, 20, 1, levels=(("uint16", 0.0, 4095.0),))
    assert np.abs(adjust(GREY.astype(np.uint16) * 16, taken)[..., 0] - GREY.astype(int)).max() <= 1
    assert adjust(wide, taken).max() == 255  # beyond white: clipped
    assert np.array_equal(adjust(GREY, InputRule(12, 20, 1, "float32"))[..., 0], GREY.astype(np.float32))


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("wanted", [1, 2, 3, 4, 5, 9])
def test_channels_are_the_networks_or_grey_or_repeated_or_refused(channels, wanted):
    image = RNG.integers(0, 255, (12, 20, channels), np.uint8)
    rule = InputRule(8, 10, wanted)
    if channels != wanted and {channels, wanted} != {1, 3}:
        with pytest.raises(
            MaskwrightError, match=rf"a\.tif: has {channels} channels?, and the network takes {wanted}"
        ) as raised:
            network_input(image, rule, "a.tif")
        assert "model.image_channels" in str(raised.value) and "data.channel_patterns" in str(raised.value)
        return
    found = network_input(image, rule)
    assert found.shape == (8, 10, wanted)
    if channels == wanted:
        for band in range(channels):
            alone = network_input(image[..., band], InputRule(8, 10, 1))[..., 0]
            assert np.abs(found[..., band].astype(int) - alone).max() <= 1


@pytest.mark.parametrize("channels", [2, 5])
def test_gamma_and_sharpening_take_any_channels_and_colours_only_three(channels):
    image = RNG.integers(0, 255, (12, 20, channels), np.uint8)
    found = adjust(image, InputRule(12, 20, channels, gamma=0.5, sharpening=0.1))
    for band in range(channels):
        alone = adjust(np.ascontiguousarray(image[..., band]), InputRule(12, 20, 1, gamma=0.5, sharpening=0.1))
        assert np.array_equal(found[..., band], alone[..., 0])
    with pytest.raises(MaskwrightError, match=f"the picture has {channels} channels"):
        adjust(image, InputRule(12, 20, channels, color_conversion="BGR2HSV"))


def test_gamma_and_sharpening_follow_their_formulas():
    found = adjust(GREY, InputRule(12, 20, 1, gamma=0.5))[..., 0]
    assert np.abs(found - 255 * np.sqrt(GREY / 255)).max() <= 0.51
    k = 0.5
    kernel = np.full((3, 3), -k)
    kernel[1, 1] = 1 + 8 * k
    assert np.array_equal(adjust(GREY, InputRule(12, 20, 1, sharpening=k))[..., 0], cv2.filter2D(GREY, -1, kernel))


def test_colour_conversion_is_from_blue_green_red():
    found = adjust(COLOUR, InputRule(12, 20, 3, color_conversion="BGR2HSV"))
    assert np.array_equal(found, cv2.cvtColor(COLOUR[..., ::-1].copy(), cv2.COLOR_BGR2HSV))
    with pytest.raises(MaskwrightError, match="BGR2NONE"):
        adjust(COLOUR, InputRule(12, 20, 3, color_conversion="BGR2NONE"))
    with pytest.raises(MaskwrightError, match="8-bit"):
        adjust(COLOUR.astype(np.uint16), InputRule(12, 20, 3, "uint16", color_conversion="BGR2HSV"))


def test_a_resized_label_has_no_new_number():
    label = RNG.choice(np.array([0, 3, 200], np.uint8), (17, 23))
    assert set(np.unique(resize_label(label, 64, 9))) <= {0, 3, 200}

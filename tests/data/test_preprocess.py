import cv2
import numpy as np
import pytest

from maskwright.data.preprocess import InputRule, adjust, level_range, network_input, normalize, resize_label
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
    values = normalize(GREY[None, ..., None], InputRule(12, 20, 1, intensity=intensity))
    assert values.dtype == np.float32
    expected = {"unit": GREY / 255, "raw": GREY, "zscore": (GREY - GREY.mean()) / GREY.std()}[intensity]
    assert np.allclose(values[0, ..., 0], expected, atol=1e-4)


def test_the_range_of_levels():
    assert level_range("uint8", 3, 9) == (0, 255)
    assert level_range("uint16", 0, 4000) == (0, 4095)
    assert level_range("uint16", 0, 100) == (0, 255)
    assert level_range("float32", -1000, 500) == (-1000, 500)
    assert level_range("float32", 2, 2) == (2, 3)


def test_a_picture_of_another_depth_is_brought_to_that_of_the_training():
    wide = GREY.astype(np.uint16) * 257
    assert np.array_equal(adjust(GREY, InputRule(12, 20, 1, "uint16"))[..., 0], wide)
    assert np.array_equal(adjust(wide, InputRule(12, 20, 1, "uint8"))[..., 0], GREY)
    twelve = GREY.astype(np.uint16) * 16
    assert np.abs(adjust(twelve, InputRule(12, 20, 1, "uint8"))[..., 0] - GREY.astype(int)).max() <= 1
    floats = (GREY.astype(np.float32) - GREY.min()) / np.ptp(GREY) * 3 - 1
    found = adjust(floats, InputRule(12, 20, 1, "uint8"))[..., 0]
    assert (found.min(), found.max()) == (0, 255)
    assert np.array_equal(adjust(GREY, InputRule(12, 20, 1, "float32"))[..., 0], GREY.astype(np.float32))


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

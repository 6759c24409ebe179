import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.data.filters import INTERPOLATION, gaussian, resize, sharpened

DTYPES = [np.uint8, np.uint16, np.float32]
edges = st.integers(3, 40)


def picture(seed, shape, dtype):
    levels = np.random.default_rng(seed).random(shape)
    return levels.astype(dtype) if dtype is np.float32 else (levels * np.iinfo(dtype).max).astype(dtype)


def near(found, expected):
    """Equal up to the last digit: OpenCV rounds one channel and several in other ways."""
    assert found.dtype == expected.dtype and found.shape == expected.shape
    last = 1 if found.dtype.kind == "u" else 1e-4
    assert np.abs(found.astype(np.float64) - expected.astype(np.float64)).max() <= last


def by_channel(work, image):
    return np.stack([work(np.ascontiguousarray(image[..., c])) for c in range(image.shape[2])], axis=2)


@given(
    st.integers(1, 15), st.sampled_from(DTYPES), st.sampled_from(sorted(INTERPOLATION)), edges, edges, edges, edges,
    st.integers(0, 99),
)  # fmt: skip
def test_any_number_of_channels_is_resized_as_each_by_itself(channels, dtype, how, height, width, tall, wide, seed):
    image = picture(seed, (height, width, channels), dtype)
    found = resize(image, tall, wide, how)
    near(found, by_channel(lambda one: cv2.resize(one, (wide, tall), interpolation=INTERPOLATION[how]), image))


@given(st.integers(1, 15), st.sampled_from(DTYPES), edges, edges, st.floats(0.4, 3), st.integers(0, 99))
def test_any_number_of_channels_is_filtered_as_each_by_itself(channels, dtype, height, width, amount, seed):
    image = picture(seed, (height, width, channels), dtype)
    for border in (cv2.BORDER_REFLECT_101, cv2.BORDER_CONSTANT):
        found = gaussian(image, (5, 7), amount, amount / 2, border)
        blurred = by_channel(
            lambda one, border=border: cv2.GaussianBlur(one, (5, 7), amount, sigmaY=amount / 2, borderType=border),
            image,
        )
        near(found, blurred)
    kernel = np.full((3, 3), -amount)
    kernel[1, 1] = 1 + 8 * amount
    near(sharpened(image, amount), by_channel(lambda one: cv2.filter2D(one, -1, kernel), image))


@pytest.mark.parametrize("channels", [1, 4, 5])
def test_nothing_is_copied_where_nothing_changes(channels):
    image = picture(0, (8, 9, channels), np.uint8)
    assert resize(image, 8, 9, "area") is image


def test_a_plane_stays_a_plane():
    assert resize(picture(0, (8, 9), np.float32), 4, 20, "linear").shape == (4, 20)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from maskwright.augment.texture import Blur, Cutout, LowResolution, Noise, Sharpen

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 255, (40, 48, 3), np.uint8)
SMOOTH = ndimage.gaussian_filter(RNG.random((40, 48, 1)) * 2000, (2, 2, 0)).astype(np.float32)


def test_sharpening_follows_its_kernel():
    floats = IMAGE.astype(np.float32)
    kernel = np.array([[-1, -1, -1], [-1, 9, -1], [-1, -1, -1]])
    for channel in range(3):
        expected = ndimage.correlate(floats[..., channel], kernel, mode="mirror")
        assert np.abs(Sharpen(1.0).change(floats)[..., channel] - expected).max() < 1e-2


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.5])
def test_blur_agrees_with_scipy(sigma):
    expected = ndimage.gaussian_filter(SMOOTH[..., 0], sigma, mode="mirror")
    assert np.abs(Blur(sigma, (1.0, 1.0)).change(SMOOTH)[..., 0] - expected).max() < 1e-2
    volume = np.stack([SMOOTH * k for k in (1, 2, 5, 3, 2, 1, 4, 2)])
    expected = ndimage.gaussian_filter(volume[..., 0], (sigma / 2, sigma, sigma), mode="mirror")
    assert np.abs(Blur(sigma, (2.0, 1.0, 1.0)).change(volume)[..., 0] - expected).max() < 0.1


def test_noise_has_the_deviation_that_was_asked():
    image = np.full((200, 200, 1), 100, np.uint8)
    image[0, 0], image[0, 1] = 0, 200
    found = Noise(0.05, 3).change(image).astype(float) - image
    assert found.std() == pytest.approx(10, rel=0.03) and abs(found.mean()) < 0.2
    assert not np.array_equal(Noise(0.05, 3).change(image), Noise(0.05, 4).change(image))


def test_low_resolution_keeps_means_and_loses_detail():
    image = IMAGE.astype(np.float32)
    found = LowResolution(0.5).change(image)
    halves = image.reshape(20, 2, 24, 2, 3).mean((1, 3))
    expected = ndimage.zoom(halves, (2, 2, 1), order=1, grid_mode=True, mode="nearest")
    assert np.abs(found - expected).max() < 1e-2
    assert found.mean() == pytest.approx(image.mean(), rel=0.01) and found.std() < 0.7 * image.std()


def test_cutout_hides_its_boxes_and_nothing_else():
    found = Cutout((((5, 10), (20, 8)),)).change(IMAGE)
    hidden = np.zeros(IMAGE.shape[:2], bool)
    hidden[5:15, 20:28] = True
    assert (found[hidden] == np.rint(IMAGE.mean((0, 1)))).all()
    assert np.array_equal(found[~hidden], IMAGE[~hidden])


@pytest.mark.parametrize("same", [Sharpen(0.0), Blur(0.0, (1.0, 1.0)), Noise(0.0, 1), LowResolution(1.0), Cutout(())])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_identity_parameters_give_identical_bytes(same, dtype):
    image = IMAGE.astype(dtype)
    assert same.change(image).tobytes() == image.tobytes()


@given(
    st.one_of(
        st.builds(Sharpen, st.floats(0, 2)),
        st.builds(lambda sigma: Blur(sigma, ()), st.floats(0, 3)),
        st.builds(Noise, st.floats(0, 0.5), st.integers(0, 9)),
        st.builds(LowResolution, st.floats(0.05, 1)),
    ),
    st.sampled_from([np.uint8, np.uint16, np.int16, np.float32]),
    st.integers(1, 4),
    st.booleans(),
)
def test_any_change_keeps_shape_type_and_source(change, dtype, channels, volume):
    shape = (3, 11, 9, channels) if volume else (11, 9, channels)
    if isinstance(change, Blur):
        change = Blur(change.sigma, (1.0,) * (len(shape) - 1))
    image = np.random.default_rng(channels).integers(0, 250, shape).astype(dtype)
    before = image.copy()
    found = change.change(image)
    assert found.shape == shape and found.dtype == dtype
    assert np.array_equal(image, before) and np.isfinite(found.astype(float)).all()


@given(st.integers(1, 15), st.sampled_from([np.uint8, np.uint16, np.float32]), st.booleans(), st.integers(0, 99))
def test_pictures_and_volumes_of_any_number_of_channels(channels, dtype, volume, seed):
    shape = (3, 16, 20, channels) if volume else (16, 20, channels)
    image = (np.random.default_rng(seed).random(shape) * 250).astype(dtype)
    aspect = (2.0, 1.0, 1.0) if volume else (1.0, 1.0)
    for change in (LowResolution(0.5), LowResolution(1.7), Sharpen(0.1), Blur(1.2, aspect)):
        found = change.change(image)
        alone = [change.change(np.ascontiguousarray(image[..., c : c + 1])) for c in range(channels)]
        assert found.shape == image.shape and found.dtype == dtype
        difference = np.abs(found.astype(np.float64) - np.concatenate(alone, axis=-1))
        assert difference.max() <= (3 if dtype is not np.float32 else 1e-2)  # a level at each of two roundings
    for change in (Noise(0.1, 3), Cutout((((1, 2),) * (3 if volume else 2),))):
        assert change.change(image).shape == image.shape

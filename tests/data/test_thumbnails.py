import numpy as np
import pytest
from tests.conftest import draw_pair

from maskwright.data.thumbnails import thumbnail, volume_thumbnail


@pytest.fixture
def image():
    return draw_pair(np.random.default_rng(0), (150, 200))[0]


def test_depth_and_brightness_do_not_matter(image):
    expected = thumbnail(image)
    assert expected.shape == (128, 128) and expected.dtype == np.uint8 and expected.max() > 250
    for same in (image.astype(np.uint16) * 257, image / 1000 - 3, image.astype(np.int16) * 8 - 1024):
        assert np.abs(thumbnail(same).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 9])
def test_channels_are_averaged(image, channels):
    assert np.array_equal(thumbnail(np.repeat(image[..., None], channels, axis=2)), thumbnail(image))


@pytest.mark.parametrize("size", [(20, 300), (300, 20), (40, 50), (128, 128), (1, 1)])
def test_any_size_fits(size):
    ramp = np.add.outer(np.arange(size[0]), np.arange(size[1])).astype(np.float32)
    assert thumbnail(ramp).shape == (128, 128)
    assert volume_thumbnail(np.stack([ramp, ramp + 1])).shape == (4, 64, 64)


def test_one_hot_pixel_does_not_make_the_rest_flat(image):
    hot = image.astype(np.float32)
    hot[3, 4] = 1e6
    assert np.abs(thumbnail(hot).astype(int) - thumbnail(image)).mean() < 2


def test_the_order_of_levels_is_kept():
    levels = np.sort(np.random.default_rng(0).gamma(1, size=128 * 128)).reshape(128, 128)
    assert (np.diff(thumbnail(levels).ravel().astype(int)) >= 0).all()


def test_flat_pictures_are_black():
    assert not thumbnail(np.full((30, 40), 7, np.uint8)).any()
    assert not volume_thumbnail(np.full((5, 30, 40), -1000, np.int16)).any()


def test_slabs_are_means_of_slices():
    scan = np.repeat(np.arange(24.0)[:, None, None], 32, axis=1).repeat(32, axis=2)
    means = volume_thumbnail(scan)[:, 0, 0].astype(int)
    assert means[0] == 0 and means[-1] == 255 and (np.diff(means) > 0).all()
    assert np.array_equal(volume_thumbnail(scan[..., None]), volume_thumbnail(scan))

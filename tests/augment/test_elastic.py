import numpy as np
import pytest
from scipy import ndimage

from maskwright.augment.base import Drawn
from maskwright.augment.elastic import Distortion, Elastic
from maskwright.augment.grid import Grid
from maskwright.augment.pipeline import apply, coordinates

FLAT = (1.0, 1.0)


def displacement(transform, shape):
    """Of every pixel, `(N, *shape)` px."""
    here = np.stack(np.meshgrid(*[np.arange(size) for size in shape], indexing="ij"))
    return np.stack(coordinates([transform], shape)) - here


def fields(alpha, sigma, size=320, seeds=range(4)):
    reach = int(3 * sigma)
    inner = np.s_[:, reach:-reach, reach:-reach]
    return np.stack([displacement(Elastic(alpha, sigma, seed, FLAT), (size, size))[inner] for seed in seeds])


@pytest.mark.parametrize(("alpha", "sigma"), [(1300, 8), (700, 5), (60, 2), (3000, 12), (9000, 20)])
def test_the_amplitude_is_what_alpha_and_sigma_say(alpha, sigma):
    rms = np.sqrt(np.mean(fields(alpha, sigma, seeds=range(8)) ** 2))
    # The reference's way, by SciPy: uniform noise of three channels, smoothed over all axes, with zeros around.
    noise = np.random.default_rng(0).uniform(-1, 1, (8, 320, 320, 3))
    smooth = [ndimage.gaussian_filter(one, sigma, mode="constant")[..., 1] * alpha for one in noise]
    reach = int(3 * sigma)
    theirs = np.sqrt(np.mean(np.square(smooth)[:, reach:-reach, reach:-reach]))
    assert rms == pytest.approx(theirs, rel=0.1)
    assert rms == pytest.approx(Elastic(alpha, sigma, 0, FLAT).rms, rel=0.1)
    assert rms == pytest.approx(0.1125 * alpha / sigma**2, rel=0.12)


@pytest.mark.parametrize("sigma", [2, 5, 8, 12])
def test_the_smoothness_is_what_sigma_says(sigma):
    """The correlation of white noise after a Gaussian falls as exp(-d²/(4 sigma²)) with the distance d."""
    found = fields(1000, sigma, seeds=range(8))
    for distance in (sigma, 2 * sigma):
        near, far = found[..., :-distance], found[..., distance:]
        correlation = (near * far).mean() / (found**2).mean()
        assert correlation == pytest.approx(np.exp(-(distance**2) / (4 * sigma**2)), abs=0.06)


def test_axes_and_seeds_are_independent_of_each_other():
    one, other = (displacement(Elastic(1300, 8, seed, FLAT), (256, 256)) for seed in (1, 2))
    for a, b in ((one[0], one[1]), (one[0], other[0])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.2


def test_the_same_seed_gives_the_same_bytes():
    first, second = (displacement(Elastic(1300, 8, 5, FLAT), (64, 64)) for _ in range(2))
    assert np.array_equal(first, second)


def test_image_and_label_agree_with_map_coordinates_on_the_same_field():
    rng = np.random.default_rng(0)
    image, label = rng.random((120, 90, 2), dtype=np.float32) * 255, rng.integers(0, 4, (120, 90), np.uint8)
    transform = Elastic(1300, 8, 3, FLAT)
    found, marks = apply(image, label, Drawn(spatial=(transform,)))
    where = np.stack(coordinates([transform], label.shape))
    inside = np.all([(w > 0) & (w < size - 1) for w, size in zip(where, label.shape, strict=True)], axis=0)
    for channel in range(2):
        expected = ndimage.map_coordinates(image[..., channel], where, order=1)
        # Older OpenCV rounds places to 1/32 px.
        assert np.abs(found[..., channel] - expected)[inside].max() < 255 / 16
    assert (marks != ndimage.map_coordinates(label, where, order=0))[inside].mean() < 0.001


def test_nothing_to_move_gives_identical_bytes():
    rng = np.random.default_rng(0)
    image, label = rng.integers(0, 255, (40, 56, 3), np.uint8), rng.integers(0, 3, (40, 56), np.uint8)
    for still in (Elastic(0, 8, 1, FLAT), Distortion(0, 10, 1)):
        found, marks = apply(image, label, Drawn(spatial=(still,)))
        assert found.tobytes() == image.tobytes() and marks.tobytes() == label.tobytes()


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (5.0, 1.0, 1.0)])
def test_volumes_get_the_same_amplitude_and_less_of_it_across_distant_slices(spacing):
    cut = np.s_[:, 2:-2, 12:-12, 12:-12] if spacing[0] > 1 else np.s_[:, 12:-12, 12:-12, 12:-12]
    moved = [displacement(Elastic(600, 4, seed, spacing), (40, 72, 72))[cut] for seed in range(6)]
    rms = np.sqrt(np.mean(np.square(moved), axis=(0, 2, 3, 4))) * spacing
    assert rms == pytest.approx(0.1125 * 600 / 16, rel=0.15)


def test_a_field_does_not_depend_on_the_grid_that_other_transforms_ask_for():
    transform = Elastic(1300, 8, 7, FLAT)
    own = Grid((100, 120), transform.steps(2))
    fine = Grid((100, 120), (1, 1))
    for one, other in zip(own.enlarge(transform.field(own)), fine.enlarge(transform.field(fine)), strict=True):
        assert np.abs(one - other).max() < 1e-3


@pytest.mark.parametrize("shape", [(256, 320), (16, 96, 96)])
def test_distortion_is_as_large_as_asked_and_no_larger(shape):
    moved = displacement(Distortion(6.0, 20, 3), shape)
    peaks = np.abs(moved).reshape(len(shape), -1).max(axis=1)
    assert peaks == pytest.approx(6.0, rel=1e-3)

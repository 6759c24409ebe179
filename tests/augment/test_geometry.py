import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from maskwright.augment import geometry as g

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 255, (40, 56, 3), np.uint8)
LABEL = RNG.integers(0, 3, (40, 56), np.uint8)


def moved(image, label, *transforms):
    return g.sample(image, label, g.sum_map(list(transforms), *label.shape))


@pytest.mark.parametrize(("axes", "options"), [((1,), {"horizontal": True}), ((0,), {"vertical": True}),
                                               ((0, 1), {"horizontal": True, "vertical": True})])  # fmt: skip
def test_flips_are_exact(axes, options):
    image, label = moved(IMAGE, LABEL, g.flip(40, 56, **options))
    assert np.array_equal(image, np.flip(IMAGE, axes)) and np.array_equal(label, np.flip(LABEL, axes))


def test_identity_parameters_give_identical_bytes():
    for transform in (g.rotate(40, 56, 0), g.scale(40, 56, 1), g.shear(40, 56, 0), g.Elastic(0, 8, 1)):
        image, label = moved(IMAGE, LABEL, transform)
        assert np.array_equal(image, IMAGE) and np.array_equal(label, LABEL)


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_quarter_turns_are_counter_clockwise(angle):
    square, label = IMAGE[:, :40], LABEL[:, :40]
    image, turned = moved(square, label, g.rotate(40, 40, angle))
    assert np.abs(image.astype(int) - np.rot90(square, angle // 90)).max() <= 1
    assert np.array_equal(turned, np.rot90(label, angle // 90))


@pytest.mark.parametrize("angle", [5, 30, -77])
def test_rotation_agrees_with_scipy(angle):
    smooth = ndimage.gaussian_filter(RNG.random((81, 81)), 4)
    smooth = ((smooth - smooth.min()) / np.ptp(smooth) * 255).astype(np.float32)
    image, _ = moved(smooth[..., None], np.zeros((81, 81), np.uint8), g.rotate(81, 81, angle))
    expected = ndimage.rotate(smooth, angle, reshape=False, order=1)
    middle = np.s_[20:-20, 20:-20]
    assert np.abs(image[..., 0] - expected)[middle].max() < 1


def test_shrinking_and_shearing_move_points_where_they_should():
    label = np.zeros((101, 101), np.uint8)
    label[20, 80] = 1
    image = label[..., None] * np.uint8(255)
    for transform, target in ((g.scale(101, 101, 0.5), (35, 65)), (g.shear(101, 101, 0.2), (26, 80))):
        x, y = g.sum_map([transform], 101, 101)
        assert (y[target], x[target]) == pytest.approx((20, 80), abs=1e-3)
    assert moved(image, label, g.shear(101, 101, 0.2))[1][26, 80] == 1


@pytest.mark.parametrize(("alpha", "sigma"), [(1300, 8), (700, 5), (3000, 12)])
def test_elastic_displacement_has_the_amplitude_that_alpha_and_sigma_say(alpha, sigma):
    x, y = np.meshgrid(*[np.arange(256, dtype=np.float32)] * 2)
    fields = [
        m - at for seed in range(4) for m, at in zip(g.Elastic(alpha, sigma, seed).move(x, y), (x, y), strict=True)
    ]
    rms = np.sqrt(np.mean(np.square(fields)))
    # The same by SciPy on noise with three channels, as the reference does it.
    noise = RNG.uniform(-1, 1, (256, 256, 3))
    theirs = ndimage.gaussian_filter(noise, sigma, mode="constant")[..., 1] * alpha
    assert rms == pytest.approx(np.sqrt(np.mean(theirs**2)), rel=0.2)
    assert rms == pytest.approx(0.1125 * alpha / sigma**2, rel=0.1)


def test_sampling_agrees_with_scipys_map_coordinates():
    x, y = g.sum_map([g.Elastic(1300, 8, 3), g.rotate(40, 56, 7)], 40, 56)
    floats = IMAGE.astype(np.float32)
    image, label = g.sample(floats, LABEL, (x, y))
    inside = (x > 0) & (x < 55) & (y > 0) & (y < 39)
    for channel in range(3):
        expected = ndimage.map_coordinates(floats[..., channel], [y, x], order=1)
        assert np.abs(image[..., channel] - expected)[inside].max() < 5  # OpenCV rounds coordinates to 1/32 px
    nearest = ndimage.map_coordinates(LABEL, [y, x], order=0)
    assert (label != nearest)[inside].mean() < 0.02


TRANSFORMS = st.lists(
    st.one_of(
        st.builds(lambda a: g.rotate(64, 64, a), st.floats(-180, 180)),
        st.builds(lambda r: g.scale(64, 64, r), st.floats(0.7, 1.3)),
        st.builds(lambda s: g.shear(64, 64, s), st.floats(-0.3, 0.3)),
        st.builds(lambda s: g.Elastic(1000, 8, s), st.integers(0, 99)),
        st.builds(lambda s: g.Distortion(0.03, 10, s), st.integers(0, 99)),
        st.builds(lambda a: g.Bulge(30, 34, 25, a), st.floats(-0.4, 0.5)),
    ),
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(TRANSFORMS, st.sampled_from([np.uint8, np.uint16, np.float32]), st.sampled_from([1, 3]), st.integers(0, 99))
def test_image_and_label_move_together_and_labels_get_no_new_value(transforms, dtype, channels, seed):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64]
    label = ((x - rng.integers(20, 44)) ** 2 + (y - rng.integers(20, 44)) ** 2 < 144).astype(np.uint8) * 2
    image = np.repeat((label[..., None] > 0) * 200, channels, axis=2).astype(dtype)
    before = image.copy(), label.copy()
    image_, label_ = moved(image, label, *transforms)
    assert image_.shape == image.shape and image_.dtype == dtype
    assert set(np.unique(label_)) <= {0, 2}
    assert np.array_equal(image, before[0]) and np.array_equal(label, before[1])
    # The nearest pixel has a weight of a quarter at least, so where the two are sampled at the same point (to under half
    # a pixel) the image has at least a quarter of the level inside the label, and at most three quarters outside.
    # OpenCV rounds coordinates to 1/32 px, which moves the quarter to 0.22.
    level = image_[..., 0].astype(float) / 200
    assert (level[label_ > 0] > 0.21).all() and (level[label_ == 0] < 0.79).all()

import numpy as np
import pytest
from scipy import ndimage

from maskwright.augment import affine as a
from maskwright.augment.base import Drawn
from maskwright.augment.pipeline import apply, coordinates

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 255, (40, 56, 3), np.uint8)
LABEL = RNG.integers(0, 3, (40, 56), np.uint8)
VOLUME = RNG.integers(0, 255, (8, 24, 24, 1), np.uint8)
MARKS = RNG.integers(0, 3, (8, 24, 24), np.uint8)


def moved(image, label, *transforms, **options):
    return apply(image, label, Drawn(spatial=transforms), **options)


@pytest.mark.parametrize("axes", [(-1,), (-2,), (-2, -1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_flips_are_exact(axes, dtype):
    image, label = moved(IMAGE.astype(dtype) / dtype(3), LABEL, a.mirror(2, *axes))
    places = [axis + 2 for axis in axes]
    assert np.array_equal(image, np.flip(IMAGE.astype(dtype) / dtype(3), places))
    assert np.array_equal(label, np.flip(LABEL, places))


@pytest.mark.parametrize("axes", [(-3,), (-2,), (-1, -3)])
def test_volumes_flip_alike(axes):
    image, label = moved(VOLUME, MARKS, a.mirror(3, *axes))
    places = [axis + 3 for axis in axes]
    assert np.array_equal(image, np.flip(VOLUME, places)) and np.array_equal(label, np.flip(MARKS, places))


@pytest.mark.parametrize(
    "transform", [a.rotate(0, (1, 1)), a.scale(1, 2), a.shear(0, 2), a.crop(1, (0.3, 1), (40, 56))]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_identity_parameters_give_identical_bytes(transform, dtype):
    source = (IMAGE / 7).astype(dtype)
    image, label = moved(source, LABEL, transform)
    assert image.tobytes() == source.tobytes() and label.tobytes() == LABEL.tobytes()


@pytest.mark.parametrize("angle", [90, 180, 270, -90])
def test_quarter_turns_are_counter_clockwise_and_exact(angle):
    square, label = IMAGE[:, :40], LABEL[:, :40]
    image, turned = moved(square, label, a.rotate(angle, (1, 1)))
    assert np.array_equal(image, np.rot90(square, angle // 90)) and np.array_equal(turned, np.rot90(label, angle // 90))


def test_a_quarter_turn_of_what_is_not_square_keeps_the_size():
    image, label = moved(IMAGE, LABEL, a.rotate(90, (1, 1)))
    assert image.shape == IMAGE.shape and label.shape == LABEL.shape
    assert np.array_equal(label[:, 8:48], np.rot90(LABEL[:, 8:48]))
    assert not label[:, :8].any() and not label[:, 48:].any()


@pytest.mark.parametrize("angle", [5, 30, -77])
def test_rotation_agrees_with_scipy(angle):
    smooth = ndimage.gaussian_filter(RNG.random((81, 81)), 4)
    smooth = ((smooth - smooth.min()) / np.ptp(smooth) * 255).astype(np.float32)
    image, _ = moved(smooth[..., None], np.zeros((81, 81), np.uint8), a.rotate(angle, (1, 1)))
    expected = ndimage.rotate(smooth, angle, reshape=False, order=1)
    middle = np.s_[20:-20, 20:-20]
    assert np.abs(image[..., 0] - expected)[middle].max() < 1


@pytest.mark.parametrize(("axes", "turns"), [((-2, -1), (1, 2)), ((-3, -2), (0, 1)), ((-3, -1), (0, 2))])
def test_volumes_rotate_in_any_plane_as_scipy_does(axes, turns):
    smooth = ndimage.gaussian_filter(RNG.random((41, 41, 41)), 3).astype(np.float32) * 1000
    image, _ = moved(smooth[..., None], np.zeros(smooth.shape, np.uint8), a.rotate(12, (1, 1, 1), axes))
    expected = ndimage.rotate(smooth, 12, axes=(turns[1], turns[0]), reshape=False, order=1)
    middle = np.s_[8:-8, 8:-8, 8:-8]
    errors = [np.abs(image[..., 0] - other)[middle].max() for other in (expected,)]
    assert min(errors) < 0.05 * np.ptp(smooth)


def test_rotation_is_right_in_mm_where_slices_are_far_apart():
    turned = a.rotate(90, (5.0, 1.0, 1.0), (-3, -2))
    # A quarter turn in mm: a step of 5 mm along z comes from 5 pixels along y.
    assert np.allclose(np.array(turned.matrix)[:2, :2], [[0, 0.2], [-5, 0]], atol=1e-12)


def test_shrinking_shearing_and_cropping_move_points_where_they_should():
    label = np.zeros((101, 101), np.uint8)
    label[20, 80] = 1
    image = label[..., None] * np.uint8(255)
    for transform, target in ((a.scale(0.5, 2), (35, 65)), (a.shear(0.2, 2), (26, 80))):
        y, x = coordinates([transform], (101, 101))
        assert (y[target], x[target]) == pytest.approx((20, 80), abs=1e-3)
    assert moved(image, label, a.shear(0.2, 2))[1][26, 80] == 1
    y, x = coordinates([a.crop(0.5, (-1, 1), (100, 100))], (100, 100))
    assert (y[0, 0], x[0, 0]) == pytest.approx((-0.25, 49.75), abs=1e-3)  # the upper right quarter fills the picture
    assert (y[-1, -1], x[-1, -1]) == pytest.approx((49.25, 99.25), abs=1e-3)


def test_a_chain_is_its_transforms_one_after_the_other():
    parts = [a.rotate(20, (1, 1)), a.scale(1.3, 2), a.shear(0.2, 2), a.crop(0.8, (0.5, -0.2), (64, 64))]
    whole, single = coordinates([a.chain(parts)], (64, 64)), coordinates(parts, (64, 64))
    assert all(np.allclose(one, other, atol=1e-3) for one, other in zip(whole, single, strict=True))


@pytest.mark.parametrize("order", ["nearest", "area"])
@pytest.mark.parametrize("angle", [3, 17, 45, 60, 111, -160])
def test_rotation_keeps_the_foreground_area(angle, order):
    y, x = np.mgrid[:256, :256]
    label = (((x - 120) / 60) ** 2 + ((y - 135) / 35) ** 2 < 1).astype(np.uint8)
    label[100:140, 60:90] = 2
    _, turned = moved(np.zeros((256, 256, 1), np.uint8), label, a.rotate(angle, (1, 1)), label_order=order)
    for number in (1, 2):
        assert (turned == number).sum() == pytest.approx((label == number).sum(), rel=0.01)

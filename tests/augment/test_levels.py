import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.augment.levels import Brighten, Brightness, Contrast, Gamma, Window

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(20, 220, (32, 40, 3), np.uint8)
SHARE = st.floats(0.2, 3)
curves = st.one_of(
    st.builds(Brighten, SHARE, st.floats(-60, 60)),
    st.builds(Brightness, st.floats(-0.5, 0.5)),
    st.builds(Contrast, SHARE),
    st.builds(Gamma, SHARE, st.booleans()),
    st.builds(lambda low, width: Window(low, low + width), st.floats(0, 0.5), st.floats(0.1, 0.5)),
)


def test_brightening_follows_its_formula():
    assert np.array_equal(Brighten(1.2, 10).change(IMAGE), np.clip(np.rint(IMAGE * 1.2 + 10), 0, 255))


def test_brightness_is_a_share_of_the_range():
    moved = Brightness(0.1).change(IMAGE)
    assert np.array_equal(moved, np.clip(np.rint(IMAGE + 0.1 * (int(IMAGE.max()) - int(IMAGE.min()))), 0, 255))


def test_contrast_keeps_the_mean_and_the_range():
    stretched = Contrast(1.2).change(IMAGE.astype(np.float32))
    clipped = np.clip((IMAGE - IMAGE.mean()) * 1.2 + IMAGE.mean(), IMAGE.min(), IMAGE.max())
    assert np.abs(stretched - clipped).max() < 1e-3
    assert Contrast(0.5).change(IMAGE).std() == pytest.approx(IMAGE.std() / 2, rel=0.01)


def test_gamma_bends_from_either_end():
    low, high = IMAGE.min(), IMAGE.max()
    share = (IMAGE - float(low)) / (high - low)
    for inverted, expected in ((False, share**1.5), (True, 1 - (1 - share) ** 1.5)):
        found = Gamma(1.5, inverted).change(IMAGE)
        assert np.abs(found - (expected * (high - low) + low)).max() <= 0.51
    assert Gamma(1.5).change(IMAGE).mean() < IMAGE.mean() < Gamma(1.5, inverted=True).change(IMAGE).mean()


def test_a_window_spreads_its_part_and_saturates_the_rest():
    ramp = np.linspace(0, 200, 201, dtype=np.float32).reshape(1, -1, 1)
    found = Window(0.25, 0.75).change(ramp)[0, :, 0]
    assert np.allclose(found, np.clip((ramp[0, :, 0] - 50) / 100, 0, 1) * 200, atol=1e-3)


@pytest.mark.parametrize("curve", [Brighten(1, 0), Brightness(0), Contrast(1), Gamma(1), Gamma(1, True), Window(0, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_identity_parameters_give_identical_bytes(curve, dtype):
    image = (IMAGE.astype(np.float32) * np.iinfo(dtype).max / 255).astype(dtype)
    assert curve.change(image).tobytes() == image.tobytes()


@given(curves, st.sampled_from([np.uint8, np.uint16, np.int16, np.float32]), st.integers(1, 6), st.booleans())
def test_any_curve_keeps_shape_type_order_and_source(curve, dtype, channels, volume):
    shape = (3, 8, 9, channels) if volume else (8, 9, channels)
    image = np.random.default_rng(channels).integers(0, 250, shape).astype(dtype)
    before = image.copy()
    found = curve.change(image)
    assert found.shape == shape and found.dtype == dtype
    assert np.array_equal(image, before)
    order = np.argsort(image, axis=None, kind="stable")
    assert (np.diff(found.ravel()[order].astype(float)) >= -1e-3).all()


@given(curves, st.sampled_from([np.uint8, np.uint16, np.float32]), st.integers(0, 200))
def test_a_flat_picture_breaks_nothing(curve, dtype, level):
    found = curve.change(np.full((5, 5, 1), level, dtype))
    assert np.isfinite(found.astype(float)).all() and len(np.unique(found)) == 1

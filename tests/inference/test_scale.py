"""Prediction at a picture's own scale: windows that nobody sees, whatever the picture's size."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scans import affines, volume
from test_engines import Fake

from maskwright.config.schema import PredictSection
from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.inference.engines import Ensemble
from maskwright.inference.slices import picture, predict_image, segment_picture, windowed
from maskwright.inference.volumes import predict_scan
from maskwright.volumes.orient import reorient

OPTIONS = PredictSection(batch_size=3)
edges = st.tuples(st.integers(1, 60), st.integers(1, 60))


def pointwise(rule, at=0.5):
    """A network that looks at each pixel by itself, so that windows can change nothing."""
    return Fake(lambda x: (x[..., :1] > at).astype(np.float32), rule)


def grey(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 1)).astype(np.uint8)


@settings(max_examples=60, deadline=None)
@given(edges, st.sampled_from([(16, 24), (8, 8), (17, 31)]))
def test_windows_give_back_what_the_network_says_of_each_pixel(shape, size):
    image = grey(shape)
    rule = InputRule(*size, 1, fit="patch")
    engine = Fake(lambda x: x, rule)
    found = windowed(engine, picture(image[..., 0], image, rule), 3)
    assert found.shape == (*shape, 1) and np.allclose(found, image / np.float32(255), atol=1e-5)
    mask = segment_picture(pointwise(rule), picture(image[..., 0], image, rule), OPTIONS)
    assert np.array_equal(mask > 0, image[..., 0] / 255 > 0.5)


@settings(max_examples=30, deadline=None)
@given(st.tuples(st.integers(20, 60), st.integers(20, 60)), st.sampled_from([0.5, 1.0, 2.0, 3.0]))
def test_the_mask_has_the_pictures_own_size_at_any_scale(shape, pixel_size):
    """A disc stays a disc, where resizing to the network would make an ellipse of it."""
    image = np.zeros(shape, np.uint8)
    cv2.circle(image, (shape[1] // 2, shape[0] // 2), 8, 255, -1)
    rule = InputRule(16, 24, 1, fit="patch", pixel_size=pixel_size)
    mask = segment_picture(pointwise(rule), picture(image, image[..., None], rule), OPTIONS)
    assert mask.shape == shape
    assert abs(int((mask > 0).sum()) - int((image > 0).sum())) < 0.2 * (image > 0).sum()


@pytest.mark.parametrize("fit", ["resize", "pad", "patch"])
def test_a_picture_of_the_networks_size_is_the_same_however_it_is_fitted(fit):
    image = grey((16, 24))
    rule = InputRule(16, 24, 1, fit=fit)
    engine = Fake(lambda x: x * np.linspace(0, 1, 24, dtype=np.float32)[:, None], rule)
    found = segment_picture(engine, picture(image[..., 0], image, rule), OPTIONS)
    assert np.array_equal(found > 0, image[..., 0] / 255 * np.linspace(0, 1, 24) >= 0.5)


@pytest.mark.parametrize("tiled", [False, True])
def test_tiles_need_not_be_asked_for(tmp_path, tiled):
    cv2.imwrite(str(tmp_path / "a.png"), grey((50, 70)))
    rule = InputRule(16, 24, 1, fit="patch")
    found = predict_image(pointwise(rule), tmp_path / "a.png", OPTIONS, tiled=tiled)
    assert np.array_equal(found > 0, grey((50, 70))[..., 0] / 255 > 0.5)
    other = PredictSection(tiles={"size": 64})
    if tiled:
        with pytest.raises(MaskwrightError, match=r"\[predict.tiles\] size: is given, and this model sees"):
            predict_image(pointwise(rule), tmp_path / "a.png", other, tiled=True)


def test_a_picture_that_must_be_seen_whole_and_is_too_large_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), grey((50, 70)))
    with pytest.raises(MaskwrightError, match=r"a\.png: is 70 x 50 px, and the network's input is 24 x 16 px"):
        predict_image(pointwise(InputRule(16, 24, 1, fit="pad")), tmp_path / "a.png", OPTIONS)


def test_members_of_an_ensemble_have_one_scale():
    with pytest.raises(MaskwrightError, match="in other ways"):
        Ensemble([pointwise(InputRule(8, 8, 1, fit="patch", pixel_size=size)) for size in (1.0, 2.0)])


@settings(max_examples=20, deadline=None)
@given(affines, st.tuples(st.integers(2, 5), st.integers(9, 40), st.integers(9, 40)), st.booleans())
def test_slices_of_a_scan_are_seen_at_that_scale_too(affine, shape, tiled):
    one = volume(shape, affine)
    hu = ((one.array % 7) * 60 - 160).astype(np.int16)
    rule = InputRule(16, 12, 1, window="40/400", orientation="SPL", fit="patch")
    found = predict_scan(pointwise(rule, 0.6), one.with_array(hu), OPTIONS, tiled=tiled)
    turned = reorient(one.with_array(hu), "SPL").array
    expected = np.rint((turned + 160.0) / 400 * 255).clip(0, 255) / 255 > 0.6
    assert np.array_equal(reorient(found.labels, "SPL").array > 0, expected)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.data.preprocess import InputRule
from maskwright.inference.tiles import gaussian_weights, predict_tiles, starts
from maskwright.labels.rule import LabelRule
from maskwright.models.metadata import Metadata


class Echo:
    """An engine whose probability is its input, so that what comes out can be compared with what went in."""

    metadata = Metadata("unet", {}, 1, ["a", "b"], InputRule(32, 32, 1), LabelRule())

    def probabilities(self, inputs, batch_size=None):
        assert len(inputs) <= batch_size
        return inputs[..., :1]


@given(st.integers(1, 400), st.integers(1, 128), st.integers(0, 200))
def test_tiles_cover_the_picture_and_overlap(length, tile, overlap):
    found = starts(length, tile, overlap)
    assert found[0] == 0 and found[-1] == max(0, length - tile)
    steps = np.diff(found)
    assert (steps > 0).all()
    assert (steps <= max(1, tile - min(overlap, 3 * tile // 4))).all()


@pytest.mark.parametrize("size", [(32, 32), (100, 75), (20, 90), (7, 9)])
@pytest.mark.parametrize("overlap", [0, 8, None])
def test_blending_gives_back_what_the_network_said(size, overlap):
    image = np.random.default_rng(0).integers(0, 255, (*size, 1), np.uint8)
    found = predict_tiles(Echo(), image, None, overlap, 3)
    assert found.shape == (*size, 1)
    assert np.abs(found - image / 255).max() < 1e-5


def test_a_tile_of_another_size_is_resized_and_back():
    y, x = np.mgrid[:128, :128]
    image = ((np.sin(x / 20) + np.cos(y / 25) + 2) * 60).astype(np.uint8)[..., None]
    assert np.abs(predict_tiles(Echo(), image, 64, 16, 4) - image / 255).mean() < 0.01


def test_weights_are_a_bell_that_is_never_zero():
    weights = gaussian_weights(32, 48)[..., 0]
    assert weights.min() > 0 and weights.argmax() in (15 * 48 + 23, 15 * 48 + 24, 16 * 48 + 23, 16 * 48 + 24)

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from maskwright.config import Configuration
from maskwright.errors import MaskwrightError
from maskwright.inference.masks import mask_bytes, mask_picture, mask_suffix, restore
from maskwright.inference.overlay import overlay, viewable

OPTIONS = Configuration().predict


def test_probabilities_come_back_at_the_pictures_size():
    small = np.random.default_rng(0).random((8, 10, 3), dtype=np.float32)
    assert restore(small, 8, 10) is small
    assert restore(small, 17, 23).shape == (17, 23, 3)
    assert restore(small[..., :1], 17, 23).shape == (17, 23, 1)
    assert restore(small[..., :1], 8, 10, (5, 5)).std() < small[..., :1].std()


def test_the_file_of_several_classes_keeps_their_numbers_and_has_colours():
    label = np.random.default_rng(0).integers(0, 4, (9, 7), np.uint8)
    picture = Image.open(BytesIO(mask_bytes(label, OPTIONS, 4)))
    assert picture.mode == "P" and np.array_equal(np.asarray(picture), label)
    assert mask_suffix(OPTIONS.model_copy(update={"format": "jpg"}), 4) == ".png"


def test_one_structure_is_black_and_white_or_in_two_colours():
    label = np.array([[0, 1]], np.uint8)
    assert mask_picture(label, OPTIONS, 2).tolist() == [[0, 255]]
    coloured = OPTIONS.model_copy(update={"colorize": True, "white": "green"})
    assert mask_picture(label, coloured, 2).tolist() == [[[0, 0, 0], [0, 128, 0]]]
    with pytest.raises(MaskwrightError, match="no colour: 'grean'"):
        mask_picture(label, coloured.model_copy(update={"white": "grean"}), 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [None, 3])
def test_under_the_outline_the_organ_can_be_seen(dtype, channels):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (64, 64) if channels is None else (64, 64, 3)).astype(dtype)
    before = image.copy()
    label = np.zeros((64, 64), np.uint8)
    label[20:44, 10:50] = 1
    drawn = overlay(image, label, (255, 220, 0))
    assert drawn.shape == (64, 64, 3) and drawn.dtype == np.uint8
    assert np.array_equal(image, before)
    inside = np.s_[24:40, 14:46]
    plain = viewable(image)[inside].astype(float)
    assert np.corrcoef(drawn[inside].astype(float).ravel(), plain.ravel())[0, 1] > 0.9
    assert np.abs(drawn[20, 10:50].astype(int) - (255, 220, 0)).mean() < 60
    assert np.array_equal(drawn[:8], viewable(image)[:8])


@pytest.mark.parametrize("classes", [1, 2, 5, 11])
def test_probabilities_of_many_classes_come_back_at_any_size(classes):
    small = np.random.default_rng(0).random((12, 10, classes), np.float32)
    for size in ((12, 10), (40, 33), (5, 7)):
        found = restore(small, *size, blur=(3, 3))
        alone = [restore(np.ascontiguousarray(small[..., c : c + 1]), *size, blur=(3, 3)) for c in range(classes)]
        assert found.shape == (*size, classes)
        assert np.abs(found - np.concatenate(alone, axis=2)).max() < 1e-5


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_picture_of_any_number_of_channels_can_be_looked_at(channels, dtype):
    image = (np.random.default_rng(0).random((8, 9, channels)) * 250).astype(dtype)
    found = viewable(image)
    assert found.shape == (8, 9, 3) and found.dtype == np.uint8
    shown = image[..., :3] if channels > 2 else np.repeat(image.mean(axis=2).astype(dtype)[..., None], 3, axis=2)
    if dtype is np.uint8:
        assert np.array_equal(found, shown)
    else:
        assert found.min() == 0 and found.max() == 255
        assert np.abs(found - (shown - shown.min()) * (255.0 / np.ptp(shown))).max() < 1
    drawn = overlay(image, (image[..., 0] > 100).astype(np.uint8), (255, 220, 0))
    assert drawn.shape == (8, 9, 3)

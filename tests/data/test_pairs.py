import numpy as np
import pytest
from PIL import Image

from maskwright.data.pairs import list_images, match_pairs, shorten
from maskwright.errors import MaskwrightError


def touch(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.fromarray(np.zeros((2, 2), np.uint8)).save(folder / name, format="PNG")
    return folder


def test_pairs_are_matched_by_name_never_by_position(tmp_path):
    images = touch(tmp_path / "i", "b.PNG", "a.jpg", "c.tif", ".hidden.png", "notes.txt")
    masks = touch(tmp_path / "m", "c.png", "a_mask.bmp", "b.jpeg", "z.png")
    pairs, extra = match_pairs(images, masks)
    assert [(pair.name, pair.mask.name) for pair in pairs] == [("a", "a_mask.bmp"), ("b", "b.jpeg"), ("c", "c.png")]
    assert [path.name for path in extra] == ["z.png"]


def test_every_image_without_a_mask_is_counted(tmp_path):
    images, masks = touch(tmp_path / "i", *(f"{n}.png" for n in range(9))), touch(tmp_path / "m", "0.png")
    with pytest.raises(MaskwrightError, match=r"8 of 9 images have no mask .*: 1\.png, .* and 3 more"):
        match_pairs(images, masks)


def test_two_files_of_one_name_are_refused(tmp_path):
    images = touch(tmp_path / "i", "a.png", "a.jpg")
    with pytest.raises(MaskwrightError, match="the same name"):
        match_pairs(images, images)


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(MaskwrightError, match="no such folder") as error:
        list_images(tmp_path / "x" / "y")
    assert str(tmp_path) in error.value.fix
    (tmp_path / "empty").mkdir()
    with pytest.raises(MaskwrightError, match="holds no images"):
        list_images(tmp_path / "empty")


def test_long_lists_are_shortened():
    assert shorten(list(range(7)), 3) == "0, 1, 2 and 4 more"

import cv2
import numpy as np
import pytest

from maskwright.advice.layouts import find_layout
from maskwright.errors import MaskwrightError
from maskwright.volumes import Volume
from maskwright.volumes.nifti import write_nifti


def pictures(folder, names=("a", "b")):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        cv2.imwrite(str(folder / f"{name}.png"), np.zeros((8, 8), np.uint8))


@pytest.mark.parametrize(
    ("images", "masks"),
    [("images", "masks"), ("Images", "Ground Truth"), ("imgs", "labels"), ("JPEGImages", "SegmentationClass"),
     ("imagesTr", "labelsTr"), ("x", "y")],
)  # fmt: skip
def test_one_folder_of_each(tmp_path, images, masks):
    pictures(tmp_path / images)
    pictures(tmp_path / masks)
    found = find_layout(tmp_path)
    assert found.parts == {"all": (tmp_path / images, tmp_path / masks)} and not found.scans
    assert found.keys() == {"data.images": tmp_path / images, "data.masks": tmp_path / masks}


@pytest.mark.parametrize("pattern", ["{part}/{kind}", "{kind}/{part}"])
@pytest.mark.parametrize("names", [("train", "valid", "test"), ("Training", "val", "testing"), ("train",)])
def test_parts_that_are_given(tmp_path, pattern, names):
    for part in names:
        for kind in ("images", "masks"):
            pictures(tmp_path / pattern.format(part=part, kind=kind))
    parts = find_layout(tmp_path).parts
    assert list(parts) == ["train", "valid", "test"][: len(names)]
    for (part, (images, masks)), name in zip(parts.items(), names, strict=True):
        assert images == tmp_path / pattern.format(part=name, kind="images"), part
        assert masks == tmp_path / pattern.format(part=name, kind="masks")


def test_masks_beside_their_images_and_a_folder_around_all(tmp_path):
    pictures(tmp_path / "data set", ("a", "a_mask", "b", "b_mask"))
    assert find_layout(tmp_path).parts == {"all": (tmp_path,) * 2}  # sub-folders are read


def test_scans(tmp_path):
    for kind in ("imagesTr", "labelsTr"):
        (tmp_path / kind).mkdir()
        write_nifti(Volume(np.zeros((4, 4, 4), np.int16), np.eye(4)), tmp_path / kind / "P1.nii.gz")
    assert find_layout(tmp_path).scans


def test_what_lies_there_instead_is_said(tmp_path):
    pictures(tmp_path / "images")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(MaskwrightError, match=r"holds images/, notes\.txt, and no images with masks.*\n.*data\.masks"):
        find_layout(tmp_path)
    with pytest.raises(MaskwrightError, match="is no folder"):
        find_layout(tmp_path / "gone")

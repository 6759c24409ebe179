import unicodedata

import numpy as np
import pytest
from PIL import Image

from maskwright.config.schema import DataSection
from maskwright.data.pairs import list_images, match_pairs, require_masks_apart, shorten
from maskwright.data.records import read_pair
from maskwright.data.remarks import remarks, turned
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule


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


def named(folder, *names):
    return [f"{pair.name}: {pair.image.relative_to(folder)} {pair.mask.relative_to(folder)}" for pair in names]


@pytest.mark.parametrize(
    "ending", ["_mask", "_segmentation", "_gt", "_seg", "_label", "_masks", "_labels", "_labelIds"]
)
def test_one_folder_may_hold_both(tmp_path, ending):
    touch(tmp_path, "a.png", f"a{ending}.png", "b.png", f"b{ending}.bmp", "c_mask.tif", f"c_mask{ending}.png")
    pairs, extra = match_pairs(tmp_path, tmp_path)
    assert named(tmp_path, *pairs) == [
        f"a: a.png a{ending}.png", f"b: b.png b{ending}.bmp", f"c_mask: c_mask.tif c_mask{ending}.png",
    ] and not extra  # fmt: skip


def test_letters_with_marks_are_one_however_they_are_written(tmp_path):
    names = ["cellule_é", "Präparat", "ångström", "한국"]
    touch(tmp_path / "i", *(unicodedata.normalize("NFC", name) + ".png" for name in names))
    touch(tmp_path / "m", *(unicodedata.normalize("NFD", name) + "_mask.png" for name in names))
    pairs, _ = match_pairs(tmp_path / "i", tmp_path / "m")
    assert [pair.name for pair in pairs] == sorted(unicodedata.normalize("NFC", name) for name in names)


def test_sub_folders_are_read_where_the_folder_holds_no_picture(tmp_path):
    """As Cityscapes lies on disk: cities, and endings of images and of several kinds of masks."""
    images, masks = tmp_path / "leftImg8bit", tmp_path / "gtFine"
    for city in ("aachen", "bochum"):
        touch(images / city, *(f"{city}_{n}_leftImg8bit.png" for n in range(2)), "same_leftImg8bit.png")
        for kind in ("labelIds", "color", "instanceIds"):
            touch(masks / city, *(f"{city}_{n}_gtFine_{kind}.png" for n in range(2)), f"same_gtFine_{kind}.png")
    pairs, extra = match_pairs(images, masks)
    assert len(pairs) == 6 and len(extra) == 12
    for pair in pairs:
        assert pair.mask.name == pair.image.name.replace("leftImg8bit", "gtFine_labelIds")
        assert pair.mask.parent.name == pair.image.parent.name
    assert len({pair.name for pair in pairs}) == 6 and "aachen_same_leftImg8bit" in {pair.name for pair in pairs}
    touch(tmp_path / "flat", *(f"{city}_{n}_leftImg8bit.png" for city in ("aachen", "bochum") for n in range(2)))
    for city in ("aachen", "bochum"):
        (images / city / "same_leftImg8bit.png").unlink()
    assert len(match_pairs(images, tmp_path / "flat")[0]) == 4
    touch(images, "top.png")
    assert [path.name for path in list_images(images)] == ["top.png"]


@pytest.mark.parametrize(
    ("pattern", "images", "masks"),
    [
        ("*_manual1.gif", ["21_training.tif", "22_training.tif"], ["21_manual1.gif", "22_manual1.gif"]),
        ("truth-*.png", ["a.png", "b.png"], ["truth-a.png", "truth-b.png"]),
        ("*.ah.ppm", ["im0001.ppm", "im0002.ppm"], ["im0001.ah.ppm", "im0002.ah.ppm", "im0001.vk.ppm"]),
        ("*_seg?.png", ["x.jpg", "y.jpg"], ["x_seg1.png", "y_seg2.png"]),
    ],
)
@pytest.mark.parametrize("together", [False, True])
def test_masks_are_found_by_a_pattern(tmp_path, pattern, images, masks, together):
    folder = tmp_path / ("all" if together else "i")
    touch(folder, *images)
    other = touch(tmp_path / ("all" if together else "m"), *masks)
    if together and len(masks) > len(images):
        (other / masks[-1]).unlink()  # it would be an image without a mask
    pairs, _ = match_pairs(folder, other, pattern=pattern)
    assert [(pair.image.name, pair.mask.name) for pair in pairs] == list(zip(images, masks, strict=False))


def test_images_are_never_their_own_masks(tmp_path):
    touch(tmp_path / "i", "a.png", "b.png")
    with pytest.raises(MaskwrightError, match=r"2 images are their own masks: a\.png, b\.png"):
        require_masks_apart(match_pairs(tmp_path / "i", tmp_path / "i")[0])


def test_a_data_set_is_never_shorter_than_its_folder_without_a_word(tmp_path):
    images = touch(tmp_path / "i", "a.png", "b.png", ".hidden.png")
    masks = touch(tmp_path / "m", "a.png", "b.png", "spare.png")
    for folder, name in ((images, "c.heic"), (images, "d.HEIC"), (images, "notes.txt"), (images, "scan.nii.gz"),
                         (masks, "e.svg"), (images, "Thumbs.db"), (images, ".DS_Store")):  # fmt: skip
        (folder / name).write_bytes(b"x")
    touch(images / "more", "f.png", "g.png")
    section = DataSection(images=images, masks=masks)
    found = list(remarks(section, {"train": match_pairs(images, masks)[0]}))
    assert [text.replace(str(tmp_path), "") for text in found] == [
        "3 files of /i are not read (2 .heic, 1 .gz): c.heic, d.HEIC, scan.nii.gz",
        "pictures in sub-folders of /i are not read, because it holds some itself: more (2)",
        "1 files of /m are not read (1 .svg): e.svg",
        "1 masks of /m belong to no image: spare.png",
    ]


@pytest.mark.parametrize(("orientation", "how"), [(2, "mirrored"), (3, "turned by 180°"), (6, "turned by 90°")])
def test_a_rotation_that_only_the_image_has_is_named(tmp_path, orientation, how):
    for kind in ("i", "m"):
        (tmp_path / kind).mkdir()
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(np.zeros((6, 9), np.uint8)).save(tmp_path / "i" / "a.jpg", exif=exif)
    Image.fromarray(np.zeros((6, 9), np.uint8)).save(tmp_path / "m" / "a.png")
    pairs, _ = match_pairs(tmp_path / "i", tmp_path / "m")
    (text,) = turned(pairs)
    assert f"1 pictures are {how}" in text and "a.jpg" in text
    if orientation == 6:
        with pytest.raises(MaskwrightError, match="after the rotation that its camera noted"):
            read_pair(pairs[0], LabelRule())
    Image.fromarray(np.zeros((6, 9), np.uint8)).save(tmp_path / "m" / "a.png", exif=exif)
    assert not list(turned(pairs))


def test_scans_of_nnunet_and_segmentations_that_were_predicted_find_their_label_maps(tmp_path):
    for folder, names in (("imagesTr", ["a_0000.nii.gz", "b_0000.nii.gz"]), ("pred", ["a_seg.nii.gz", "b_seg.nii.gz"]),
                          ("labelsTr", ["a.nii.gz", "b.nii.gz"])):  # fmt: skip
        (tmp_path / folder).mkdir()
        for number, name in enumerate(names):
            (tmp_path / folder / name).write_bytes(bytes([number]) * 200)
    for folder in ("imagesTr", "pred"):
        pairs, extra = match_pairs(tmp_path / folder, tmp_path / "labelsTr", scans=True)
        assert [pair.mask.name for pair in pairs] == ["a.nii.gz", "b.nii.gz"] and not extra
    (tmp_path / "imagesTr" / "a.nii.gz").write_bytes(b"x")
    with pytest.raises(MaskwrightError, match=r"belongs to .*and to another image(.|\n)*channel_patterns"):
        match_pairs(tmp_path / "imagesTr", tmp_path / "labelsTr", scans=True)


def test_ome_tiff_has_the_name_that_comes_before_both_endings(tmp_path):
    for folder, name in (
        ("images", "cells.ome.tif"),
        ("masks", "cells.png"),
        ("images", "b.svs"),
        ("masks", "b_mask.tif"),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).touch()
    pairs, left = match_pairs(tmp_path / "images", tmp_path / "masks")
    assert [pair.name for pair in pairs] == ["b", "cells"] and not left

"""Picture files as people have them: every format, depth, layout and direction is one array, or said to be unreadable."""

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from maskwright.data.images import SUFFIXES, UnreadableImage, read_header, read_image
from maskwright.data.mask_files import read_mask

seeds = st.integers(0, 10**6).map(np.random.default_rng)


def levels(rng, size, channels, top, dtype):
    array = rng.integers(0, top + 1, (*size, channels)).astype(dtype)
    return array[..., 0] if channels == 1 else array


def opened(path):
    """An array that is as its header says."""
    found, header = read_image(path), read_header(path)
    assert (header.height, header.width) == found.shape[:2] and header.dtype == found.dtype
    return found


@settings(max_examples=60)
@given(
    seeds, st.tuples(st.integers(3, 40), st.integers(3, 40)), st.sampled_from([1, 3]),
    st.sampled_from(["png", "bmp", "webp", "gif", "jp2", "pgm", "tif"]),
)  # fmt: skip
def test_eight_bits_without_losses(tmp_path_factory, rng, size, channels, ending):
    if ending == "gif":
        channels = 1
    ending = {"pgm": "ppm"}.get(ending, ending) if channels == 3 else ending
    path = tmp_path_factory.mktemp("formats") / f"a.{ending.upper()}"
    array = levels(rng, size, channels, 255, np.uint8)
    how = {"webp": {"lossless": True}, "jp2": {"irreversible": False}}.get(ending, {})
    Image.fromarray(array).save(path, **how)
    found, mask = opened(path), read_mask(path)
    if ending in ("gif", "webp") and channels == 1:  # these keep no grey as such
        found = found if found.ndim == 2 else found[..., 0]
    assert np.array_equal(found, array) and not mask.lossy
    assert np.array_equal(mask.array if mask.array.ndim == array.ndim else mask.array[..., 0], array)


@settings(max_examples=40)
@given(
    seeds, st.tuples(st.integers(16, 40), st.integers(16, 40)), st.sampled_from([1, 3]),
    st.sampled_from(["png", "jp2", "pgm", "tif"]), st.sampled_from([1000, 4095, 65535]),
)  # fmt: skip
def test_sixteen_bits_are_kept(tmp_path_factory, rng, size, channels, ending, top):
    ending = {"pgm": "ppm"}.get(ending, ending) if channels == 3 else ending
    path = tmp_path_factory.mktemp("formats") / f"a.{ending}"
    if ending == "jp2" and channels == 3:
        size = (64, 48)  # smaller ones OpenCV writes in a way that Pillow takes for cut short
    array = levels(rng, size, channels, top, np.uint16)
    if ending == "jp2" and channels == 1:
        Image.fromarray(array).save(path, irreversible=False)
    else:
        more = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000] if ending == "jp2" else []
        cv2.imwrite(str(path), array if channels == 1 else array[..., ::-1], more)
    assert np.array_equal(opened(path), array)


@settings(max_examples=40)
@given(seeds, st.integers(2, 254), st.booleans(), st.sampled_from(["", "# made by\n# somebody\n"]))
def test_numbers_of_a_pgm_are_not_stretched(tmp_path_factory, rng, top, plain, comment):
    path = tmp_path_factory.mktemp("pgm") / "a.pgm"
    array = levels(rng, (7, 9), 1, top, np.uint8)
    head = f"P{2 if plain else 5}\n{comment}9 7\n{top}\n".encode()
    path.write_bytes(head + (" ".join(map(str, array.ravel())).encode() if plain else array.tobytes()))
    assert np.array_equal(opened(path), array) and np.array_equal(read_mask(path).array, array)


@pytest.mark.parametrize("head", [b"P1\n3 2\n0 1 0\n1 1 0\n", b"P4\n3 2\n" + bytes([0b01000000, 0b11000000])])
def test_a_bitmap_is_black_and_white(tmp_path, head):
    (tmp_path / "a.pbm").write_bytes(head)
    assert opened(tmp_path / "a.pbm").tolist() == [[255, 0, 255], [0, 0, 255]]  # 1 is black (PBM)


def test_a_camera_s_picture_is_the_first_and_a_film_is_none(tmp_path):
    picture = levels(np.random.default_rng(0), (40, 60), 3, 255, np.uint8)
    one = Image.fromarray(cv2.GaussianBlur(picture, (9, 9), 4))
    one.save(tmp_path / "DJI_1.jpg", "MPO", save_all=True, append_images=[one.resize((15, 10))], quality=95)
    found = opened(tmp_path / "DJI_1.jpg")
    assert found.shape == (40, 60, 3) and np.abs(found.astype(int) - np.asarray(one)).max() < 40
    assert read_mask(tmp_path / "DJI_1.jpg").lossy
    frames = [Image.fromarray(levels(np.random.default_rng(n), (8, 8), 1, 255, np.uint8)) for n in range(3)]
    for name in ("film.gif", "stack.tif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        with pytest.raises(UnreadableImage, match=r"(?s)holds 3 pages.*a stack that is a scan as NIfTI") as caught:
            read_image(tmp_path / name)
        assert name in str(caught.value)


@pytest.mark.parametrize(("ending", "how"), [("jpg", {}), ("webp", {"quality": 80}), ("jp2", {"irreversible": True})])
def test_what_loses_is_told_by_the_content(tmp_path, ending, how):
    picture = Image.fromarray(levels(np.random.default_rng(0), (20, 20), 3, 255, np.uint8))
    picture.save(tmp_path / f"a.{ending}", **how)
    (tmp_path / f"a.{ending}").rename(tmp_path / "a.png")
    assert read_mask(tmp_path / "a.png").lossy and opened(tmp_path / "a.png").shape == (20, 20, 3)


@settings(max_examples=80)
@given(
    seeds, st.sampled_from([np.uint8, np.uint16, np.int8, np.int16, np.float32]), st.sampled_from([1, 3]),
    st.integers(1, 8), st.sampled_from([None, "zlib", "lzw by opencv"]), st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
def test_a_tiff_of_any_depth_layout_and_direction(
    tmp_path_factory, rng, dtype, channels, turned, packed, planes, white_is_zero, big
):
    path = tmp_path_factory.mktemp("tiff") / "a.tif"
    if dtype is np.float32:
        array = rng.random((13, 17, channels), np.float32) * 300
    else:
        info = np.iinfo(dtype)
        array = rng.integers(info.min, info.max + 1, (13, 17, channels)).astype(dtype)
    array = array[..., 0] if channels == 1 else array
    white_is_zero = white_is_zero and channels == 1 and np.dtype(dtype).kind == "u"
    planes, by_opencv = planes and channels == 3, packed == "lzw by opencv"
    if by_opencv:
        if dtype in (np.int8, np.int16):
            return  # which it does not write
        turned, white_is_zero = 1, False
        cv2.imwrite(str(path), array if channels == 1 else array[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    else:
        stored = np.iinfo(dtype).max - array if white_is_zero else array
        tifffile.imwrite(
            path, np.moveaxis(stored, 2, 0) if planes else stored, bigtiff=big, compression=packed,
            photometric="rgb" if channels == 3 else "miniswhite" if white_is_zero else "minisblack",
            planarconfig=("separate" if planes else "contig") if channels == 3 else None,
            extratags=[(274, "H", 1, turned, True)],
        )  # fmt: skip
    expected = array.astype(np.float32) if np.dtype(dtype).kind == "i" else array
    places = np.arange(13 * 17, dtype=np.int32).reshape(13, 17)
    picture = Image.fromarray(places)
    picture.getexif()[274] = turned
    order = np.asarray(ImageOps.exif_transpose(picture))  # where each pixel goes, by Pillow
    assert np.array_equal(opened(path), expected.reshape(13 * 17, -1)[order].reshape(*order.shape, *array.shape[2:]))


def test_every_ending_is_one_that_a_test_reads_or_another_name_of_it():
    read = {".png", ".bmp", ".webp", ".gif", ".jp2", ".pgm", ".ppm", ".tif", ".pbm", ".jpg", ".svs"}
    others = {".jpeg", ".jpe", ".jfif", ".mpo", ".tiff", ".btf", ".j2k", ".pnm"}
    assert set(SUFFIXES) == read | others

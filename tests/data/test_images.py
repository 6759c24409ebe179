import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from maskwright.data.images import UnreadableImage, read_header, read_image

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=2)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff", ".PNG", ".Tif"])
@pytest.mark.parametrize("picture", [GREY, COLOUR], ids=["grey", "colour"])
def test_lossless_formats_in_any_case(tmp_path, suffix, picture):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(picture).save(path)
    assert np.array_equal(read_image(path), picture)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".JPG"])
def test_jpeg(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(np.full((16, 16), 90, np.uint8)).save(path)
    assert np.abs(read_image(path).astype(int) - 90).max() <= 1


def test_alpha_is_dropped_and_bits_become_levels(tmp_path):
    Image.fromarray(np.dstack([COLOUR, GREY])).save(tmp_path / "rgba.png")
    assert np.array_equal(read_image(tmp_path / "rgba.png"), COLOUR)
    Image.fromarray(GREY > 100).save(tmp_path / "bits.png")
    assert np.array_equal(read_image(tmp_path / "bits.png"), (GREY > 100) * np.uint8(255))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_are_kept(tmp_path, suffix, channels):
    deep = (GREY.astype(np.uint16) * 257 + 3) if channels == 1 else (COLOUR.astype(np.uint16) * 257)
    path = tmp_path / f"deep{suffix}"
    cv2.imwrite(str(path), deep if channels == 1 else deep[..., ::-1])
    found = read_image(path)
    assert found.dtype == np.uint16 and np.array_equal(found, deep)
    assert read_header(path).dtype == "uint16"


@pytest.mark.parametrize("channels", [1, 3])
def test_floats_are_kept(tmp_path, channels):
    levels = np.linspace(-1000, 2000, 48 * channels, dtype=np.float32).reshape(6, 8, channels).squeeze()
    cv2.imwrite(str(tmp_path / "f.tif"), levels if channels == 1 else levels[..., ::-1])
    found = read_image(tmp_path / "f.tif")
    assert found.dtype == np.float32 and np.array_equal(found, levels)


def test_palette_numbers_or_colours(tmp_path):
    numbers = GREY % 3
    picture = Image.fromarray(numbers)
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    picture.save(tmp_path / "p.png")
    assert np.array_equal(read_image(tmp_path / "p.png", palette=True), numbers)
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], np.uint8)
    assert np.array_equal(read_image(tmp_path / "p.png"), colours[numbers])


def test_the_cameras_rotation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "turned.png"), np.rot90(GREY, -1))
    header = read_header(tmp_path / "turned.png")
    assert (header.height, header.width) == (8, 6)


def png_header(width, height):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def bmp_header(width, height):
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + head


@pytest.mark.parametrize(("name", "header"), [("bomb.png", png_header), ("bomb.bmp", bmp_header)])
@pytest.mark.parametrize("edge", [100_000, 17_000])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, name, header, edge):
    (tmp_path / name).write_bytes(header(edge, edge) + b"\0" * 50)
    with pytest.raises(UnreadableImage, match=f"{name}: declares too large"):
        read_image(tmp_path / name)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_truncated_file_is_refused(tmp_path, suffix, share):
    rng = np.random.default_rng(0)
    whole = tmp_path / f"whole{suffix}"
    Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)).save(whole)
    data = whole.read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UnreadableImage, match=f"cut{suffix}"):
        read_image(tmp_path / f"cut{suffix}")


@pytest.mark.parametrize("data", [b"", b"hello, I am text", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_what_is_no_picture_is_refused(tmp_path, data, suffix):
    (tmp_path / f"no{suffix}").write_bytes(data)
    with pytest.raises(UnreadableImage, match=f"no{suffix}"):
        read_image(tmp_path / f"no{suffix}")


def test_missing_file_and_several_pages_and_nan(tmp_path):
    with pytest.raises(UnreadableImage, match="no such file"):
        read_image(tmp_path / "none.png")
    pages = [Image.fromarray(GREY), Image.fromarray(GREY)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(UnreadableImage, match="2 pages"):
        read_image(tmp_path / "pages.tif")
    cv2.imwrite(str(tmp_path / "nan.tif"), np.full((4, 4), np.nan, np.float32))
    with pytest.raises(UnreadableImage, match="not finite"):
        read_image(tmp_path / "nan.tif")

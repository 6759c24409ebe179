import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwright.data.images import MAX_PIXELS, UnreadableImage, read_header, read_image, read_images

RNG = np.random.default_rng(0)


def levels(channels, dtype, size=(13, 17)):
    values = RNG.random((*size, channels))
    return values.astype(dtype) if dtype is np.float32 else (values * np.iinfo(dtype).max).astype(dtype)


@settings(max_examples=60)
@given(
    st.sampled_from([2, 4, 5, 9, 15]), st.sampled_from([np.uint8, np.uint16, np.float32]),
    st.sampled_from(["contig", "separate"]), st.sampled_from([None, "zlib"]), st.booleans(), st.sampled_from("<>"),
)  # fmt: skip
def test_bands_of_any_layout(tmp_path_factory, channels, dtype, planes, packed, tiled, order):
    path = tmp_path_factory.mktemp("bands") / "a.tif"
    bands = levels(channels, dtype)
    tifffile.imwrite(
        path, bands if planes == "contig" else np.moveaxis(bands, 2, 0), planarconfig=planes, photometric="minisblack",
        compression=packed, tile=(16, 16) if tiled else None, byteorder=order,
    )  # fmt: skip
    found, header = read_image(path), read_header(path)
    assert found.dtype == dtype and np.array_equal(found, bands)
    assert (header.height, header.width, header.dtype) == (13, 17, np.dtype(dtype).name)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("extra", "kept"), [("unassalpha", 3), ("unspecified", 4)])
def test_alpha_is_dropped_and_an_unspecified_band_is_a_band(tmp_path, dtype, extra, kept):
    bands = levels(4, dtype)
    tifffile.imwrite(tmp_path / "a.tif", bands, photometric="rgb", extrasamples=[extra])
    assert np.array_equal(read_image(tmp_path / "a.tif"), bands[..., :kept])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_grey_with_alpha_is_grey_and_colours_with_a_band_and_alpha_have_four(tmp_path, dtype):
    grey, five = levels(2, dtype), levels(5, dtype)
    tifffile.imwrite(tmp_path / "grey.tif", grey, photometric="minisblack", extrasamples=["unassalpha"])
    assert np.array_equal(read_image(tmp_path / "grey.tif"), grey[..., 0])
    tifffile.imwrite(tmp_path / "five.tif", five, photometric="rgb", extrasamples=["unspecified", "unassalpha"])
    assert np.array_equal(read_image(tmp_path / "five.tif"), five[..., :4])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_rotation_is_applied(tmp_path, orientation):
    from PIL import Image, ImageOps

    bands = levels(5, np.uint8)
    tifffile.imwrite(
        tmp_path / "a.tif",
        bands,
        photometric="minisblack",
        planarconfig="contig",
        extratags=[(274, "H", 1, orientation, True)],
    )
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(bands[..., 0]).save(tmp_path / "one.png", exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "one.png")))
    found, header = read_image(tmp_path / "a.tif"), read_header(tmp_path / "a.tif")
    assert np.array_equal(found[..., 0], expected) and (header.height, header.width) == expected.shape


@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
@pytest.mark.parametrize("packed", [None, "zlib"])
def test_a_truncated_file_is_refused(tmp_path, share, packed):
    tifffile.imwrite(
        tmp_path / "whole.tif", levels(6, np.uint8, (40, 50)), photometric="minisblack", compression=packed
    )
    data = (tmp_path / "whole.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UnreadableImage, match=r"cut\.tif"):
        read_image(tmp_path / "cut.tif")


def test_too_many_pixels_of_bands_pages_and_what_is_not_finite_are_refused(tmp_path):
    tifffile.imwrite(
        tmp_path / "pages.tif", np.zeros((3, 8, 9, 5), np.uint8), photometric="minisblack", planarconfig="contig"
    )
    with pytest.raises(UnreadableImage, match="3 pages"):
        read_image(tmp_path / "pages.tif")
    tifffile.imwrite(
        tmp_path / "nan.tif", np.full((8, 9, 5), np.nan, np.float32), photometric="minisblack", planarconfig="contig"
    )
    with pytest.raises(UnreadableImage, match="not finite"):
        read_image(tmp_path / "nan.tif")
    with tifffile.TiffWriter(tmp_path / "huge.tif") as file:
        tile = np.zeros((256, 256, 64), np.uint8)
        rows = MAX_PIXELS // 16 // 4096 + 256
        tiles = [tile] + [None] * (rows // 256 * 16 - 1)
        file.write(
            iter(tiles), shape=(rows // 256 * 256, 4096, 64), dtype=np.uint8, tile=(256, 256), photometric="minisblack",
            compression="zlib", planarconfig="contig",
        )  # fmt: skip
    with pytest.raises(UnreadableImage, match="too large"):
        read_header(tmp_path / "huge.tif")


def test_a_mask_of_bands_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "m.tif", levels(4, np.uint8), photometric="rgb", extrasamples=["unspecified"])
    with pytest.raises(UnreadableImage, match="4 bands, and a mask"):
        read_image(tmp_path / "m.tif", palette=True)


def test_files_of_one_picture_are_its_channels_in_their_order(tmp_path):
    colours, near = levels(3, np.uint16), levels(1, np.uint16)[..., 0]
    tifffile.imwrite(tmp_path / "rgb.tif", colours, photometric="rgb")
    tifffile.imwrite(tmp_path / "nir.tif", near)
    found = read_images([tmp_path / "nir.tif", tmp_path / "rgb.tif"])
    assert np.array_equal(found, np.dstack([near, colours]))
    tifffile.imwrite(tmp_path / "byte.tif", near.astype(np.uint8))
    with pytest.raises(UnreadableImage, match=r"byte\.tif: is 17 x 13 px of uint8, and the first channel nir\.tif"):
        read_images([tmp_path / "nir.tif", tmp_path / "byte.tif"])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [3, 4])
def test_planes_of_colours_are_not_mixed_up(tmp_path, dtype, channels):
    colours = levels(channels, dtype)
    alpha = ["unassalpha"] if channels == 4 else None
    tifffile.imwrite(
        tmp_path / "a.tif", np.moveaxis(colours, 2, 0), photometric="rgb", planarconfig="separate", extrasamples=alpha
    )
    assert np.array_equal(read_image(tmp_path / "a.tif"), colours[..., :3])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_levels_that_count_from_white_are_turned(tmp_path, dtype):
    grey = levels(1, dtype)[..., 0]
    tifffile.imwrite(tmp_path / "a.tif", np.iinfo(dtype).max - grey, photometric="miniswhite")
    assert np.array_equal(read_image(tmp_path / "a.tif"), grey)

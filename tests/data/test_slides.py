"""Large TIFFs by windows; `LARGE` is made small here, so that a picture of a few pixels counts as one."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from maskwright.data import slides
from maskwright.data.images import read_header, read_image
from maskwright.data.resolution import pixel_spacing
from maskwright.data.slides import open_slide, pieces
from maskwright.data.tiff import UnreadableImage

RNG = np.random.default_rng(3)
COLOURS = RNG.integers(0, 256, (150, 210, 3), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (5, 150, 210), dtype=np.uint16)
WINDOWS = [(0, 0, 150, 210), (3, 5, 1, 1), (60, 61, 40, 100), (149, 0, 1, 210), (0, 209, 150, 1), (16, 16, 16, 16)]

LAYOUTS = {
    "tiles": {"tile": (64, 48), "photometric": "rgb"},
    "deflate, predictor": {"tile": (64, 48), "photometric": "rgb", "compression": "zlib", "predictor": True},
    "strips": {"rowsperstrip": 13, "photometric": "rgb"},
    "one strip": {"rowsperstrip": 150, "photometric": "rgb"},
    "strips, deflate": {"rowsperstrip": 7, "photometric": "rgb", "compression": "zlib"},
    "planes, big": {"planarconfig": "separate", "tile": (32, 32), "photometric": "rgb", "bigtiff": True},
    "planes in strips": {"planarconfig": "separate", "rowsperstrip": 50, "photometric": "rgb", "byteorder": ">"},
}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(slides, "LARGE", 1000)
    monkeypatch.setattr(slides, "MAX_PIXELS", 1000)
    slides._opened.cache_clear()
    yield
    slides._opened.cache_clear()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_window_of_any_layout(layout, tmp_path):
    path, options = tmp_path / "slide.tif", LAYOUTS[layout]
    stored = np.moveaxis(COLOURS, -1, 0) if "planarconfig" in options else COLOURS
    tifffile.imwrite(path, stored, **options)
    slide = open_slide(path)
    assert slide.shape == COLOURS.shape and slide.dtype == "uint8"
    for top, left, height, width in WINDOWS:
        assert np.array_equal(slide.read((top, left, height, width)), COLOURS[top : top + height, left : left + width])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "int16"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_any_depth(dtype, byteorder, tmp_path):
    array = DEEP[0].astype(dtype)
    for number, options in enumerate(({"tile": (32, 32)}, {"rowsperstrip": 11}, {"compression": "zlib"})):
        path = tmp_path / f"{number}.tif"
        tifffile.imwrite(path, array, photometric="minisblack", byteorder=byteorder, **options)
        slide = open_slide(path)
        assert slide.shape == (150, 210) and np.array_equal(slide.read((40, 7, 90, 88)), array[40:130, 7:95])


def test_channels_of_ome_tiff_whole_and_by_windows(tmp_path, monkeypatch):
    path = tmp_path / "cells.ome.tif"
    tifffile.imwrite(path, DEEP, tile=(64, 64), photometric="minisblack", metadata={"axes": "CYX"})
    slide = open_slide(path)
    assert slide.channels == 5 and slide.dtype == "uint16"
    found = slide.read((10, 20, 100, 90))
    assert np.array_equal(found, np.moveaxis(DEEP, 0, -1)[10:110, 20:110])
    assert np.array_equal(read_image(path), np.moveaxis(DEEP, 0, -1))


@pytest.mark.parametrize("below", [True, False])
def test_of_a_pyramid_the_largest(below, tmp_path):
    """Smaller versions lie below the first page (OME-TIFF), or are pages of their own, which say so."""
    path = tmp_path / "pyramid.tif"
    with tifffile.TiffWriter(path, ome=below) as file:
        file.write(COLOURS, tile=(64, 64), photometric="rgb", **({"subifds": 2} if below else {}))
        for step in (2, 4):
            file.write(COLOURS[::step, ::step], tile=(64, 64), photometric="rgb", subfiletype=1)
    assert np.array_equal(open_slide(path).read((1, 2, 140, 200)), COLOURS[1:141, 2:202])
    assert np.array_equal(read_image(path), COLOURS)


def without_tables(stream):
    """A JPEG stream, and its tables: as scanners keep them, once for all tiles, and without a word on colours."""
    tables, rest, place = b"", b"", 2
    while stream[place + 1] != 0xDA:  # start of scan
        end = place + 2 + int.from_bytes(stream[place + 2 : place + 4], "big")
        if stream[place + 1] in (0xDB, 0xC4):
            tables += stream[place:end]
        elif not 0xE0 <= stream[place + 1] <= 0xEF:
            rest += stream[place:end]
        place = end
    return b"\xff\xd8" + rest + stream[place:], b"\xff\xd8" + tables + b"\xff\xd9"


def jpeg_tiles(path, array, photometric, mode):
    """A TIFF of JPEG tiles, as scanners write: each tile a stream of its own, here by Pillow."""
    tile = 64
    padded = np.pad(array, ((0, -array.shape[0] % tile), (0, -array.shape[1] % tile), (0, 0)), mode="edge")
    streams = []
    for top in range(0, padded.shape[0], tile):
        for left in range(0, padded.shape[1], tile):
            out = io.BytesIO()
            Image.fromarray(padded[top : top + tile, left : left + tile]).save(out, "JPEG", quality=95, **mode)
            stream, tables = without_tables(out.getvalue())
            streams.append(stream)
    # tifffile writes JPEG with imagecodecs only: so as deflate, whose name in the file is changed.
    tifffile.imwrite(path, iter(streams), shape=array.shape, dtype=np.uint8, tile=(tile, tile), compression="zlib",
                     photometric="rgb", extratags=[(347, "B", len(tables), tables, True)])  # fmt: skip
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags["Compression"].overwrite(7)
        file.pages[0].tags["PhotometricInterpretation"].overwrite(photometric)


@pytest.mark.parametrize(("photometric", "mode"), [(6, {}), (2, {"keep_rgb": True})])
def test_tiles_that_are_jpeg(photometric, mode, tmp_path):
    down, across = np.mgrid[0:150, 0:210]
    smooth = np.dstack([across, 200 - down, np.full_like(down, 80)])
    path = tmp_path / "scanner.tif"
    jpeg_tiles(path, smooth.astype(np.uint8), photometric, mode)
    found = open_slide(path).read((0, 0, 150, 210)).astype(int)
    assert np.abs(found - smooth.astype(int)).max() <= 6


def test_small_pictures_and_other_files_are_left_to_others(tmp_path, monkeypatch):
    monkeypatch.setattr(slides, "LARGE", 1 << 26)
    tifffile.imwrite(tmp_path / "small.tif", COLOURS, photometric="rgb")
    (tmp_path / "other.tif").write_bytes(b"II*\0 nothing")
    Image.fromarray(COLOURS).save(tmp_path / "picture.png")
    assert [open_slide(tmp_path / name) for name in ("small.tif", "other.tif", "picture.png")] == [None] * 3


@pytest.mark.parametrize(
    ("change", "words"),
    [("cut", "cut short"), ("lzw", "imagecodecs"), ("palette", "palette"), ("turned", "rotation"),
     ("pages", "2 pages"), ("vast", "more than any picture"), ("strip", "strips of 210 x 150 px")],
)  # fmt: skip
def test_what_cannot_be_read_says_why(change, words, tmp_path, monkeypatch):
    path = tmp_path / "slide.tif"
    if change == "lzw":
        Image.fromarray(COLOURS).save(path, compression="tiff_lzw")
    elif change == "palette":
        tifffile.imwrite(path, COLOURS[..., 0], photometric="palette", colormap=np.zeros((3, 256), np.uint16))
    elif change == "turned":
        tifffile.imwrite(path, COLOURS, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    elif change == "strip":
        monkeypatch.setattr(slides, "_SEGMENT", 5000)
        tifffile.imwrite(path, COLOURS, photometric="rgb", compression="zlib", rowsperstrip=150)
    elif change == "pages":
        tifffile.imwrite(path, np.stack([COLOURS, COLOURS]), photometric="rgb")
    else:
        tifffile.imwrite(path, COLOURS, photometric="rgb", tile=(64, 64))
    if change == "cut":
        path.write_bytes(path.read_bytes()[:-5000])
    if change == "vast":
        monkeypatch.setattr(slides, "MOST", 5000)
    with pytest.raises(UnreadableImage, match=words):
        open_slide(path).read((0, 0, 10, 10))


def test_pieces_cover_a_picture_once():
    seen = np.zeros((101, 57), int)
    for top, left, height, width in pieces(101, 57, 20):
        assert height <= 20 and width <= 20
        seen[top : top + height, left : left + width] += 1
    assert (seen == 1).all()


def test_what_cannot_be_read_by_windows_may_be_read_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(slides, "MAX_PIXELS", COLOURS[..., 0].size)
    path = tmp_path / "lzw.tif"
    Image.fromarray(COLOURS).save(path, compression="tiff_lzw", tiffinfo={278: 150})
    monkeypatch.setattr(slides, "_SEGMENT", 5000)
    assert open_slide(path) is None and np.array_equal(read_image(path), COLOURS)


def test_a_small_scan_of_aperio_has_a_label_that_is_no_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(slides, "LARGE", 1 << 26)
    path = tmp_path / "small.svs"
    with tifffile.TiffWriter(path) as file:
        file.write(
            COLOURS,
            tile=(64, 64),
            photometric="rgb",
            description="Aperio Image Library v11\n210x150|MPP = 0.5",
            metadata=None,
        )
        file.write(COLOURS[::4, ::4], rowsperstrip=16, photometric="rgb", metadata=None)
        file.write(
            255 - COLOURS[::2, ::2], rowsperstrip=16, photometric="rgb", description="Aperio label 1", metadata=None
        )
    assert np.array_equal(read_image(path), COLOURS) and pixel_spacing(path) == pytest.approx((0.0005, 0.0005))


def test_a_pyramid_that_begins_with_a_small_version(tmp_path, monkeypatch):
    path = tmp_path / "upside.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(COLOURS[::4, ::4], tile=(64, 64), photometric="rgb", subfiletype=1, metadata=None)
        file.write(COLOURS, tile=(64, 64), photometric="rgb", metadata=None)
    assert np.array_equal(open_slide(path).read((1, 2, 140, 200)), COLOURS[1:141, 2:202])
    assert np.array_equal(read_image(path), COLOURS)


def test_a_damaged_tile_of_jpeg_is_not_filled_with_grey(tmp_path):
    """One that is cut short, and one that is smaller than its place."""
    out = io.BytesIO()
    Image.fromarray(COLOURS[:64, :64]).save(out, "JPEG")
    with pytest.raises(OSError, match="truncated"):
        slides._jpeg(out.getvalue()[: len(out.getvalue()) // 2], None, 6)
    path = tmp_path / "scanner.tif"
    jpeg_tiles(path, COLOURS, 6, {})
    with tifffile.TiffFile(path) as file:
        place = file.pages[0].dataoffsets[3]
    data = bytearray(path.read_bytes())
    at = data.index(b"\xff\xc0", place) + 5  # height and width in the frame's header
    data[at : at + 2] = (8).to_bytes(2, "big")
    path.write_bytes(data)
    with pytest.raises(UnreadableImage, match="damaged"):
        open_slide(path).read((0, 0, 150, 210))


def test_masks_of_jpeg_are_known_to_lose_some(tmp_path, monkeypatch):
    monkeypatch.setattr("maskwright.data.images.MAX_PIXELS", 1000)
    path = tmp_path / "mask.tif"
    jpeg_tiles(path, COLOURS, 6, {})
    assert read_header(path).lossy

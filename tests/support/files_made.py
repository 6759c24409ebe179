"""A picture, mask or folder of names of each kind that people have, for `docs/reference/files.md`."""

import io
from functools import partial

import cv2
import numpy as np
import tifffile
from PIL import Image

RAMP = np.arange(12 * 16, dtype=np.uint8).reshape(12, 16)
COLOUR = np.dstack([RAMP, RAMP[::-1], 255 - RAMP])
DEEP = RAMP.astype(np.uint16) * 21
MEANING = """Decided by all masks of all parts together, before the first step; `stats`, `plan`, `train` and the report say
what was decided and why. One structure is looked for unless `model.num_classes` says otherwise."""
TAIL = """## Other tools' data sets

A folder of images beside `dataset.json` (nnU-Net, Medical Segmentation Decathlon) is read as it is: `train` takes the
classes, numbers, regions, the label that is ignored and the channels from it where the configuration says nothing of
them, `prepare` the structures, `score` the names; a number of cases other than `numTraining` is told.
"""


def saved(array, name, **how):
    def make(folder):
        Image.fromarray(array).save(folder / name, **how)
        return folder / name

    return make


def tiff(array, name="a.tif", **how):
    def make(folder):
        tifffile.imwrite(folder / name, array, **how)
        return folder / name

    return make


def raw(name, data):
    def make(folder):
        (folder / name).write_bytes(data)
        return folder / name

    return make


def written(name, array):
    def make(folder):
        assert cv2.imwrite(str(folder / name), array)
        return folder / name

    return make


def encoded(array, kind, **how):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **how)
    return buffer.getvalue()


def camera(folder):
    large, small = Image.fromarray(COLOUR), Image.fromarray(COLOUR[:6, :8])
    large.save(folder / "a.jpg", "MPO", save_all=True, append_images=[small])
    return folder / "a.jpg"


def turned(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(COLOUR).save(folder / "a.jpg", exif=exif)
    return folder / "a.jpg"


def palette(folder):
    picture = Image.fromarray(RAMP % 3)
    picture.putpalette([0, 0, 0, 230, 159, 0, 86, 180, 233])
    picture.save(folder / "a.png")
    return folder / "a.png"


PICTURES = [
    ("PNG, 8 bits, grey", saved(RAMP, "a.png")),
    ("PNG, 8 bits, colour", saved(COLOUR, "a.png")),
    ("PNG, 8 bits, with transparency (which is left out)", saved(np.dstack([COLOUR, RAMP]), "a.png")),
    ("PNG, 16 bits", written("a.png", DEEP)),
    ("PNG with a palette of colours", palette),
    ("JPEG", saved(COLOUR, "a.jpg")),
    ("JPEG called .png", raw("a.png", encoded(RAMP, "JPEG"))),
    ("JPEG of a camera with a preview (MPO)", camera),
    ("JPEG with a direction (EXIF)", turned),
    ("WebP without losses", saved(COLOUR, "a.webp", lossless=True)),
    ("WebP", saved(COLOUR, "a.webp")),
    ("GIF", saved(RAMP, "a.gif")),
    ("BMP", saved(COLOUR, "a.bmp")),
    ("JPEG 2000 without losses", saved(np.tile(RAMP, (4, 4)), "a.jp2", irreversible=False)),
    ("PGM with numbers up to 20", raw("a.pgm", b"P5\n4 3\n20\n" + bytes(range(9, 21)))),
    ("PBM", raw("a.pbm", b"P1\n3 2\n0 1 0\n1 1 0\n")),
    ("TIFF, 16 bits, interleaved", tiff(np.dstack([DEEP] * 3), photometric="rgb")),
    ("TIFF, 16 bits, planes", tiff(np.stack([DEEP] * 3), photometric="rgb", planarconfig="separate")),
    ("TIFF, signed 8 bits", tiff((RAMP.astype(int) - 100).clip(-128, 127).astype(np.int8))),
    ("TIFF, float", tiff(RAMP.astype(np.float32) / 7)),
    ("TIFF, white is zero, 16 bits", tiff(DEEP, photometric="miniswhite")),
    ("TIFF, turned, 16 bits", tiff(DEEP, extratags=[(274, "H", 1, 8, True)])),
    ("TIFF, nine bands", tiff(np.dstack([RAMP] * 9), photometric="minisblack", planarconfig="contig")),
    ("TIFF, compressed (LZW or Deflate)", tiff(DEEP, compression="zlib", predictor=True)),
    ("BigTIFF", tiff(DEEP, bigtiff=True)),
    ("TIFF of several pages (a stack)", tiff(np.stack([RAMP] * 3), photometric="minisblack")),
    ("TIFF with values that are no numbers", tiff(np.where(RAMP > 9, np.nan, 1).astype(np.float32))),
    ("an empty file", raw("a.png", b"")),
    ("a PNG that was cut", raw("a.png", encoded(COLOUR, "PNG")[:-40])),
    ("text called .png", raw("a.png", b"not a picture")),
]  # fmt: skip


def several(*arrays, ending="png"):
    def make(folder):
        for number, array in enumerate(arrays):
            Image.fromarray(np.asarray(array, np.uint8)).save(folder / f"{number}.{ending}")

    return make


def area(*numbers, last=0):
    """Areas of numbers side by side in a picture of one number."""
    array = np.full((40, 40), last, np.uint8)
    for place, number in enumerate(numbers):
        array[4:30, 2 + 9 * place : 9 + 9 * place] = number
    return array


def objects(count):
    array = np.zeros((60, 60), np.uint8)
    for number in range(count):
        row, column = divmod(number, 5)
        array[2 + 11 * row : 10 + 11 * row, 2 + 11 * column : 10 + 11 * column] = number + 1
    return array


def smooth(array):
    return cv2.GaussianBlur(np.asarray(array, np.uint8), (5, 5), 1.5)


def masks(tell):
    """Folders of masks, and how each is told."""
    three, four = partial(tell, count=3), partial(tell, count=4)
    ignoring = lambda folder: tell(folder, 1, "mask.ignore=255")  # noqa: E731
    hues = lambda folder: tell(folder, 1, "mask.colors=[[0,0,0],[230,159,0]]")  # noqa: E731
    green = np.dstack([area(0), area(255), area(0)])
    return [
        ("0 and 255", several(area(255)), tell),
        ("0 and 1", several(area(1)), tell),
        ("0, 1 and 255", several(area(1, 255)), tell),
        ("0, 15 and 255", several(area(15, 255)), tell),
        ("the same with `mask.ignore = 255`", several(area(15, 255)), ignoring),
        ("0 to 3 and 255, four classes", several(area(1, 2, 3, 255)), four),
        ("0, 1, 3 and 255, four classes", several(area(1, 3, 255)), four),
        ("0, 1 and 2, one structure", several(area(1, 2)), tell),
        ("1, 2 and 3 (a trimap), three classes", several(area(2, 3, last=1)), three),
        ("twenty-five numbered objects", several(objects(25)), tell),
        ("black and white, smoothed", several(smooth(area(255)), smooth(area(0, 255))), tell),
        ("0/255 and 0/1", several(area(255), area(1)), tell),
        ("one colour", several(green), tell),
        ("two colours", several(np.where(area(1)[..., None] > 0, green, [255, 0, 0])), tell),
        ("the numbers of a palette of colours, by `mask.colors`", several(np.dstack([area(v) for v in (230, 159, 0)])), hues),
        ("JPEG, black and white", several(area(255), ending="jpg"), tell),
        ("JPEG, three classes", several(area(1, 2), ending="jpg"), three),
        ("nothing but 0", several(area()), tell),
        ("one of three is inverted", several(area(255), area(0, 255), 255 - area(255)), tell),
    ]  # fmt: skip


def named(*names):
    def make(folder):
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(RAMP).save(path)

    return make


NAMES = [
    ("the same name, another ending", named("images/a.jpg", "masks/a.png")),
    ("with an ending", named("images/a.png", "masks/a_mask.png")),
    ("ISIC", named("images/ISIC_1.jpg", "masks/ISIC_1_segmentation.png")),
    ("Cityscapes", named("images/ulm/u_1_leftImg8bit.png", "masks/ulm/u_1_gtFine_labelIds.png")),
    ("DRIVE", named("images/21_training.tif", "masks/21_manual1.gif")),
    ("one folder for both", named("a.png", "a_mask.png", "b.png", "b_mask.png")),
    ("letters with marks, written in two ways", named("images/\u00e4.png", "masks/a\u0308.png")),
    ("a mask that no image asks for", named("images/a.png", "masks/a.png", "masks/b.png")),
    ("an image without a mask", named("images/a.png", "images/b.png", "masks/a.png")),
    ("two images for one mask", named("images/a.png", "images/a.jpg", "masks/a.png")),
]

"""What files say of the size of their pixels, and pictures of different sizes brought to one scale of µm."""

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from said import Said

import maskwright as mw
from conftest import CONFIG
from maskwright.config import load
from maskwright.data.dataset import input_rule
from maskwright.data.preprocess import InputRule
from maskwright.data.resolution import pixel_spacing, spacing_for
from maskwright.data.scale import require_fitting, seen_size
from maskwright.errors import MaskwrightError

GREY = np.zeros((20, 30), np.uint8)
UM = 1e-3


def tiff(path, **how):
    tifffile.imwrite(path, GREY, **how)
    return path


def pillow(path, **how):
    Image.fromarray(GREY).save(path, **how)
    return path


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiffs(tmp_path, dtype):
    array = np.zeros((20, 30), dtype)

    def said(**how):
        tifffile.imwrite(tmp_path / "x.tif", array, **how)
        return pixel_spacing(tmp_path / "x.tif")

    assert said(resolution=(254, 508), resolutionunit="INCH") == pytest.approx((0.05, 0.1))
    assert said(resolution=(20000, 20000), resolutionunit="CENTIMETER") == pytest.approx((0.5 * UM, 0.5 * UM))
    assert said(resolution=(20000, 20000), resolutionunit="NONE") is None
    assert said(resolution=(72, 72), resolutionunit="INCH") is None
    assert said() is None


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("µm", 0.25 * UM),
        ("nm", 0.25e-6),
        ("mm", 0.25),
        ("cm", 2.5),
        ("Å", None),
        ("pixel", None),
        ("reference frame", None),
    ],
)
def test_ome(tmp_path, unit, expected):
    sizes = {"PhysicalSizeX": 0.25, "PhysicalSizeXUnit": unit, "PhysicalSizeY": 0.5, "PhysicalSizeYUnit": unit}
    tifffile.imwrite(tmp_path / "x.ome.tif", GREY, ome=True, metadata={"axes": "YX", **sizes})
    found = pixel_spacing(tmp_path / "x.ome.tif")
    assert found is None if expected is None else found == pytest.approx((2 * expected, expected))


@pytest.mark.parametrize(
    ("unit", "mm"), [("um", UM), ("micron", UM), ("\\u00B5m", UM), ("mm", 1), ("inch", 25.4), ("pixel", None)]
)
def test_imagej(tmp_path, unit, mm):
    path = tiff(tmp_path / "x.tif", imagej=True, resolution=(4, 4), metadata={"unit": unit})
    assert pixel_spacing(path) == (None if mm is None else pytest.approx((mm / 4, mm / 4)))


def test_aperio(tmp_path):
    path = tiff(
        tmp_path / "x.tif", description="Aperio Image Library v10\n46920x33014 |AppMag = 40|MPP = 0.2520", metadata=None
    )
    assert pixel_spacing(path) == pytest.approx((0.252 * UM, 0.252 * UM))
    assert pixel_spacing(tiff(tmp_path / "y.tif", description="MPP = 0.2520", metadata=None)) is None


def test_what_is_no_number_says_nothing(tmp_path):
    for text in ('PhysicalSizeX="1.2.3"', 'PhysicalSizeX="big"', 'PhysicalSizeX="-1"', 'PhysicalSizeX="0"'):
        ome = f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Pixels {text} PhysicalSizeY="1"/></OME>'
        assert pixel_spacing(tiff(tmp_path / "x.tif", description=ome, metadata=None)) is None


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp"])
def test_dots_an_inch(tmp_path, ending):
    assert pixel_spacing(pillow(tmp_path / f"x.{ending}", dpi=(254, 508))) == pytest.approx((0.05, 0.1), rel=0.01)
    assert pixel_spacing(pillow(tmp_path / f"x.{ending}", dpi=(96, 96))) is None
    cv2.imwrite(str(tmp_path / f"y.{ending}"), GREY)
    assert pixel_spacing(tmp_path / f"y.{ending}") is None


def test_a_turned_picture_is_measured_as_it_is_shown(tmp_path):
    turned = Image.Exif()
    turned[274] = 6
    path = pillow(tmp_path / "x.jpg", dpi=(254, 508), exif=turned)
    assert pixel_spacing(path) == pytest.approx((0.1, 0.05), rel=0.01)


def rule(**more):
    return InputRule(16, 24, 1, **{"fit": "patch", "pixel_size": 2.0, "pixel_unit": "um"} | more)


def test_a_file_that_does_not_say_is_refused_only_where_it_matters(tmp_path):
    path = pillow(tmp_path / "x.png")
    with pytest.raises(MaskwrightError, match="does not say how large its pixels are") as caught:
        spacing_for(path, rule())
    assert 'data.pixel_unit = "px"' in str(caught.value) and "x.png" in str(caught.value)
    assert spacing_for(path, rule(pixel_unit="px")) is None
    damaged = tmp_path / "y.tif"
    damaged.write_bytes(b"II*\0abc")
    with pytest.raises(MaskwrightError):
        spacing_for(damaged, rule())


@given(st.floats(0.1, 10), st.floats(0.1, 10), st.integers(20, 400), st.integers(20, 400))
def test_what_lies_on_the_slide_is_as_large_whatever_the_camera(down, across, tall, wide):
    """A rectangle of `tall` x `wide` µm."""
    shape = (round(tall / down), round(wide / across))
    if min(shape) < 1:
        return
    for unit, size in (("um", 2.0), ("mm", 0.002)):
        seen = seen_size(shape, rule(pixel_size=size, pixel_unit=unit), (down * UM, across * UM))
        assert abs(seen[0] - shape[0] * down / 2) <= 0.5 + 1e-6 or seen[0] == 1
        assert abs(seen[1] - shape[1] * across / 2) <= 0.5 + 1e-6 or seen[1] == 1


def test_a_size_that_cannot_be_meant_is_refused():
    with pytest.raises(MaskwrightError, match=r"which would be 500000 x 500000 px at data.pixel_size = 2 um"):
        require_fitting((1000, 1000), rule(), "x.tif", (1.0, 1.0))
    with pytest.raises(MaskwrightError, match=r"is 100 x 100 px, 50 x 50 px at data.pixel_size = 2 um"):
        require_fitting((100, 100), rule(fit="pad"), "x.tif", (UM, UM))


@pytest.fixture
def slides(tmp_path):
    """Discs of 12 µm, photographed at 0.5, 1 and 2 µm a pixel."""
    rng = np.random.default_rng(0)
    for part in ("images", "masks"):
        (tmp_path / "dataset" / part).mkdir(parents=True)
    for number in range(12):
        step = (0.5, 1.0, 2.0)[number % 3]
        edge = round(64 / step)
        mask = np.zeros((edge, edge), np.uint8)
        centre = tuple(int(one / step) for one in rng.integers(16, 48, 2))
        cv2.circle(mask, centre, round(12 / step), 255, -1)
        image = np.clip(60 + 120 * (mask > 0) + rng.normal(0, 10, mask.shape), 0, 255).astype(np.uint8)
        tifffile.imwrite(tmp_path / "dataset" / "images" / f"P{number:02d}.tif", image,
                         resolution=(10000 / step, 10000 / step), resolutionunit="CENTIMETER")  # fmt: skip
        cv2.imwrite(str(tmp_path / "dataset" / "masks" / f"P{number:02d}.png"), mask)
    config = tmp_path / "config.toml"
    config.write_text(
        CONFIG.replace("[data]", '[data]\nfit = "patch"\npixel_size = 2\npixel_unit = "um"'), encoding="utf-8"
    )
    return config


def test_pictures_of_different_cameras_are_learnt_and_found_at_one_scale(slides, quiet, tmp_path):
    sets = ["train.epochs=12", "train.learning_rate=0.01", "train.patience=0", "augmentation.mode=off",
            "train.learning_rate_reducer=false"]  # fmt: skip
    run = mw.train(slides, overrides=sets, run_dir=tmp_path / "run", reporter=quiet)
    dice = mw.evaluate(run, reporter=quiet).summary["per_patient"]["dice"]["mean"]
    assert dice > 0.8
    images = sorted((tmp_path / "dataset" / "images").iterdir())
    found = mw.predict(run.model_file, images, output=tmp_path / "found", reporter=quiet)
    areas = []
    for number, path in enumerate(images):
        mask = cv2.imread(str(tmp_path / "found" / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE)
        step = (0.5, 1.0, 2.0)[number % 3]
        assert mask.shape == (round(64 / step),) * 2
        areas.append((mask > 0).sum() * step**2)
    assert not found.failed and np.ptp([np.mean(areas[place::3]) for place in range(3)]) < 0.2 * np.pi * 12**2
    cv2.imwrite(str(tmp_path / "unknown.png"), np.zeros((64, 64), np.uint8))
    said = Said()
    more = mw.predict(run.model_file, [images[0], tmp_path / "unknown.png"], output=tmp_path / "more", reporter=said)
    assert len(more.masks) == 1 and [path for path in more.failed if "unknown.png" in str(path)]
    assert "does not say how large its pixels are" in str(said.lines)


@pytest.mark.parametrize(
    ("size", "unit", "right"),
    [(0.01, "px", False), (0.05, "px", True), (101, "px", False), (0.01, "um", True), (500, "um", True), (0.0005, "um", False),
     (1e-4, "mm", True), (101, "mm", False)],
)  # fmt: skip
@pytest.mark.parametrize("unit_first", [True, False])
def test_bounds_go_by_the_unit(tmp_path, size, unit, right, unit_first):
    lines = [f'pixel_unit = "{unit}"', f"pixel_size = {size}"]
    text = "\n".join(["[data]", 'fit = "patch"', *(lines if unit_first else lines[::-1])])
    (tmp_path / "config.toml").write_text(CONFIG.replace("[data]", text), encoding="utf-8")
    if right:
        assert load(tmp_path / "config.toml").config.data.pixel_size == size
        return
    with pytest.raises(MaskwrightError, match=f"is not .* {unit}") as caught:
        load(tmp_path / "config.toml")
    assert "pixel_size" in str(caught.value)


@pytest.mark.parametrize("more", ["pixel_size = 2", 'pixel_unit = "um"'])
def test_a_scale_without_a_meaning_is_refused(tmp_path, more):
    (tmp_path / "config.toml").write_text(CONFIG.replace("[data]", f"[data]\n{more}"), encoding="utf-8")
    with pytest.raises(MaskwrightError, match="has no meaning where pictures are squeezed"):
        input_rule(load(tmp_path / "config.toml").config, "uint8")

"""Copies are recognised, pictures that look alike are not; on pictures drawn here (real ones: test_real_duplicates)."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from maskwright.data.duplicates import NEAR, agreement, find_duplicates
from maskwright.data.model_space import to_model
from maskwright.data.pairs import Pair
from maskwright.data.preprocess import InputRule
from maskwright.data.records import Record, describe_volume
from maskwright.data.thumbnails import thumbnail
from maskwright.labels.rule import LabelRule
from maskwright.volumes import Volume
from maskwright.volumes.orient import reorient


def picture(seed):
    rng = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(rng.integers(0, 255, (96, 128)).astype(np.float32), (0, 0), 6)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def record(name, image):
    return Record(name, name, *image.shape, "uint8", 0, 255, [1, 1], f"{hash(image.tobytes())}", "m", thumbnail(image))


def bend(picture, gamma):
    return np.rint(255 * (picture / 255) ** gamma).astype(np.uint8)


def window(picture, low, high):
    return np.rint(255 * np.clip((picture.astype(float) - low) / (high - low), 0, 1)).astype(np.uint8)


BANK = [record(f"t{seed}", picture(seed)) for seed in range(20)]
CHANGES = {
    "re-encoded": lambda p: cv2.imdecode(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], 0),
    "enlarged": lambda p: cv2.resize(p, (200, 150)),
    "halved": lambda p: cv2.resize(p, (p.shape[1] // 2, p.shape[0] // 2), interpolation=cv2.INTER_AREA),
    "brightened": lambda p: cv2.convertScaleAbs(p, alpha=0.8, beta=20),
    "darkened": lambda p: bend(p, 2.2),
    "lightened": lambda p: bend(p, 0.5),
    "through a window": lambda p: window(p, 80, 180),
    "of 12 bits": lambda p: p.astype(np.uint16) * 16 + 7,
    "of floats": lambda p: p.astype(np.float32) / 255 - 0.5,
    "noisy": lambda p: np.clip(p + np.random.default_rng(0).normal(0, 5, p.shape), 0, 255).astype(np.uint8),
    "inverted": lambda p: 255 - p,
    "mirrored": lambda p: p[:, ::-1].copy(),
    "upside down": lambda p: p[::-1].copy(),
    "turned left": lambda p: np.rot90(p).copy(),
    "turned right": lambda p: np.rot90(p, -1).copy(),
    "transposed": lambda p: p.T.copy(),
    "turned, halved, darkened and re-encoded": lambda p: CHANGES["re-encoded"](
        bend(CHANGES["halved"](np.rot90(p).copy()), 1.7)
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found(change):
    (found,) = find_duplicates([record("x", CHANGES[change](picture(7)))], BANK)
    assert (found.one, found.other, found.identical) == ("x", "t7", False)
    assert NEAR <= found.similarity <= 1 + 1e-6


def test_identical_files_are_told_apart_from_near_ones():
    (found,) = find_duplicates([record("x", picture(3))], BANK)
    assert found.other == "t3" and found.identical


def test_the_order_is_that_of_what_was_asked_for():
    asked = [record("near", CHANGES["mirrored"](picture(3))), record("other", picture(99)), record("same", picture(5))]
    found = find_duplicates(asked, BANK)
    assert [(d.one, d.other, d.identical) for d in found] == [("near", "t3", False), ("same", "t5", True)]


def test_other_pictures_and_flat_ones_are_not_found():
    others = [record(f"o{seed}", picture(seed)) for seed in range(100, 140)]
    flat = [record("flat", np.full((96, 128), 9, np.uint8))]
    assert find_duplicates(others + flat, [*BANK, record("grey", np.full((96, 128), 8, np.uint8))]) == []
    assert find_duplicates([], BANK) == find_duplicates(others, []) == []


def disc(seed):
    """Like a retina: a bright disc on black with thin dark lines, which alone differ."""
    rng = np.random.default_rng(seed)
    image = np.zeros((256, 256), np.uint8)
    cv2.circle(image, (128, 128), 115, 170, -1)
    for _ in range(25):
        line = np.cumsum(rng.normal(0, 8, (30, 2)), axis=0) + rng.uniform(60, 196, 2)
        cv2.polylines(image, [line.astype(np.int32)], False, 120, 2)
    image[np.hypot(*np.mgrid[-128:128, -128:128]) > 115] = 0
    return image


def test_pictures_that_look_alike_are_not_copies():
    looks = [disc(seed) for seed in range(6)]
    coarse = np.corrcoef([cv2.resize(one, (32, 32), interpolation=cv2.INTER_AREA).ravel() for one in looks])
    assert coarse.min() > 0.95  # correlation of small versions hardly tells them apart
    records = [record(f"d{number}", one) for number, one in enumerate(looks)]
    assert find_duplicates(records[:3], records[3:]) == []
    copies = [record("x", bend(CHANGES["halved"](np.rot90(one).copy()), 1.7)) for one in looks]
    assert [d.other for d in find_duplicates(copies, records)] == [r.name for r in records]


def test_agreement_does_not_ask_which_picture_is_first():
    one, other = thumbnail(picture(1)), thumbnail(window(picture(1), 100, 160))
    assert agreement(one, other) == agreement(other, one) > 0.95
    assert agreement(one, one) == pytest.approx(1, abs=0.01)  # what has no contrast counts as unlike
    assert agreement(one, np.zeros_like(one)) == 0


def test_a_picture_with_next_to_no_structure_is_not_a_copy_of_whatever_holds_it():
    full, spot = disc(0), np.zeros((256, 256), np.uint8)
    spot[120:136, 120:136] = full[120:136, 120:136]
    assert agreement(thumbnail(full), thumbnail(spot)) < NEAR


Z, Y, X = np.mgrid[:40, :96, :96]
DOWN = np.array([[0, 0, -1.0, 0], [0, -1.0, 0, 0], [1.0, 0, 0, 0], [0, 0, 0, 1]])


def scan(seed):
    """A patient in Hounsfield units, 1 mm voxels: soft tissue with organs, bone and a lung, none quite where others are."""
    rng = np.random.default_rng(seed)

    def ellipse(y, x, height, width):
        y, x, height, width = (value + rng.uniform(-0.1, 0.1) * height for value in (y, x, height, width))
        return ((Y - y) / height) ** 2 + ((X - x) / width) ** 2 < 1

    hu = np.full(Z.shape, -1000.0, np.float32)
    body = ellipse(48, 48, 36, 43)
    organs = ndimage.gaussian_filter(rng.normal(size=Z.shape), 5)
    hu[body] = 40 + 60 * np.sign(organs[body])
    hu[ellipse(74, 48, 5, 6)] = 900
    hu[ellipse(38, 24, 14, 9)] = -800
    return Volume((hu + rng.normal(0, 10, Z.shape)).astype(np.int16), DOWN, "CT")


@pytest.fixture
def describe(tmp_path):
    """Makes records of scans whose files differ in every byte."""
    label = LabelRule()

    def one(name, array):
        for kind in ("image", "mask"):
            (tmp_path / f"{name}-{kind}").write_text(f"{name} {kind}")
        pair = Pair(name, tmp_path / f"{name}-image", tmp_path / f"{name}-mask")
        return describe_volume(pair, array, np.zeros(array.shape[:3], np.uint8), label)

    return one


@pytest.mark.parametrize("spacing", [(1, 1, 1), (2.5, 1.5, 1.5), (1.3, 1.6, 0.7)])
@pytest.mark.parametrize("levels", ["", "abdomen", "400/1800", "40/300", "full"])
def test_a_scan_is_recognised_as_the_network_sees_it(describe, levels, spacing):
    """Training describes scans resampled, windowed and normalised; evaluation as they are."""
    rule = InputRule(64, 64, 1, "float32", window=levels, depth=16, spacing=spacing)
    trained = [describe(f"t{seed}", to_model(scan(seed), rule).array) for seed in range(3)]
    scored = [describe(f"s{seed}", reorient(scan(seed), rule.orientation).array) for seed in (1, 7)]
    (found,) = find_duplicates(scored, trained)
    assert (found.one, found.other, found.identical) == ("s1", "t1", False)
    assert trained[0].thumbnail.shape == (4, 64, 64)


def test_scans_are_not_compared_with_pictures(describe):
    volume = describe("v", scan(0).array)
    assert find_duplicates([volume], BANK) == find_duplicates(BANK, [volume]) == []
    assert [d.other for d in find_duplicates([volume, record("x", CHANGES["mirrored"](picture(2)))], BANK)] == ["t2"]

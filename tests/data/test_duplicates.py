import cv2
import numpy as np
import pytest

from maskwright.data.duplicates import find_duplicates
from maskwright.data.records import Record, thumbnail


def picture(seed):
    rng = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(rng.integers(0, 255, (96, 128)).astype(np.float32), (0, 0), 6)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def record(name, image):
    return Record(name, name, *image.shape, "uint8", 0, 255, [1, 1], f"{hash(image.tobytes())}", "m", thumbnail(image))


BANK = [record(f"t{seed}", picture(seed)) for seed in range(20)]
CHANGES = {
    "re-encoded": lambda p: cv2.imdecode(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 0),
    "resized": lambda p: cv2.resize(p, (200, 150)),
    "brightened": lambda p: cv2.convertScaleAbs(p, alpha=0.8, beta=20),
    "mirrored": lambda p: p[:, ::-1].copy(),
    "upside down": lambda p: p[::-1].copy(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found(change):
    (found,) = find_duplicates([record("x", CHANGES[change](picture(7)))], BANK)
    assert (found.one, found.other, found.identical) == ("x", "t7", False)


def test_identical_files_are_told_apart_from_near_ones():
    (found,) = find_duplicates([record("x", picture(3))], BANK)
    assert found.other == "t3" and found.identical


def test_other_pictures_and_flat_ones_are_not_found():
    others = [record(f"o{seed}", picture(seed)) for seed in range(100, 140)]
    flat = [record("flat", np.full((96, 128), 9, np.uint8))]
    assert find_duplicates(others + flat, [*BANK, record("grey", np.full((96, 128), 8, np.uint8))]) == []
    assert find_duplicates([], BANK) == find_duplicates(others, []) == []

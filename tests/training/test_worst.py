import cv2
import numpy as np

from maskwright.labels.regions import IGNORED
from maskwright.training.worst import Worst

YELLOW = (255, 255, 0)


def square(size, low, high):
    mask = np.zeros((size, size), np.uint8)
    mask[low:high, low:high] = 1
    return mask


def shown(worst, case):
    return cv2.imdecode(np.frombuffer(worst.picture(case), np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)


def test_of_a_case_the_slice_with_the_most_wrong_pixels_is_shown():
    worst, image = Worst(YELLOW), np.full((64, 64, 1), 0.5, np.float32)
    image[0, 0] = 1  # so that levels can be told apart
    worst.add("A", image * 0.4, square(64, 8, 24), square(64, 8, 25))
    worst.add("A", image, square(64, 30, 60), square(64, 0, 0))
    worst.add("B", image, square(64, 8, 24), square(64, 8, 24))
    picture = shown(worst, "A")
    inside = picture[45, 45]
    assert inside[0] - inside[2] > 20, "what was found is tinted yellow"
    assert np.ptp(picture[12, 12]) < 12, "the better slice is not shown"
    assert worst.picture("C") is None
    worst.begin()
    assert worst.picture("A") is None


def test_unknown_pixels_are_not_wrong_and_volumes_go_slice_by_slice():
    worst = Worst(YELLOW)
    truth = np.stack([np.full((16, 16), IGNORED, np.uint8), square(16, 0, 4)])
    mask = np.stack([square(16, 0, 16), square(16, 10, 12)])
    image = np.random.default_rng(0).random((2, 16, 16, 1), np.float32)
    worst.add("scan", image, mask, truth)
    picture = shown(worst, "scan")
    assert picture.shape == (16, 16, 3)
    assert worst._shown["scan"][0] == 20


def test_of_many_cases_the_worst_are_kept():
    """Thousands of pictures that are a patient each do not fill the memory."""
    worst, image = Worst(YELLOW), np.zeros((32, 32, 1), np.float32)
    for number in range(300):
        right = 31 if number in (7, 250) else 3
        worst.add(f"{number}", image, square(32, 0, 30), square(32, 0, 33 - right))
    assert len(worst.cases) <= 64 and {"7", "250"} <= worst.cases


def test_large_pictures_are_shown_small():
    worst = Worst(YELLOW)
    worst.add(
        "A", np.zeros((3000, 1200, 3), np.uint8), np.ones((3000, 1200), np.uint8), np.zeros((3000, 1200), np.uint8)
    )
    assert shown(worst, "A").shape == (1000, 400, 3)

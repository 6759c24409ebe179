"""What counts for nothing in the truth, and what the same number is in predictions."""

import numpy as np
import pytest
from two_folders import CLASSES, dice, score, write


def test_void_of_a_prediction_counts_as_background(tmp_path, capsys):
    found = np.where(np.arange(30) < 6, 255, CLASSES)
    truth = np.where(np.arange(30) < 3, 255, CLASSES)
    code, summary, err = score(capsys, write(tmp_path / "a", found), write(tmp_path / "b", truth))
    assert code == 0 and "1 predictions hold 255 (void) in 72 pixels that the truth knows" in err
    assert summary["values"]["predicted_void_pixels"] == 72
    shared, all_true = 8 * 24, 8 * 27
    assert summary["per_image"]["class 1"]["dice"]["mean"] == pytest.approx(2 * shared / (shared + all_true))


@pytest.mark.parametrize("kind", ["png", "jpg", "nii.gz"])
@pytest.mark.parametrize("number", [1, 200])
def test_white_predictions_are_no_void(tmp_path, capsys, kind, number):
    """What `predict` writes of one structure, beside a truth in which 255 counts for nothing (retinas outside the view)."""
    found = np.zeros((24, 30)) if kind != "nii.gz" else np.zeros((6, 24, 30))
    truth = found.copy()
    found[..., 8:24, :12], truth[..., 8:16, :12], truth[..., :, 20:] = 255, number, 255
    truth[..., 20:, :4] = 255
    suffix = "png" if kind == "jpg" else kind
    a, b = write(tmp_path / "a", found, suffix=kind), write(tmp_path / "b", truth, suffix=suffix)
    code, summary, err = score(capsys, a, b, "--set", "mask.ignore=255")
    known, true = truth != 255, truth == number
    assert code == 0 and summary["per_image"]["dice"]["mean"] == pytest.approx(dice(found == 255, true, known))
    assert "in predictions 255 foreground" in summary["rule"] and "void" not in err
    if kind == "png" and number == 1:  # nobody says what 255 is: asked, with the key
        code, _, err = score(capsys, a, b)
        assert code == 2 and "mask.ignore = 255" in err


def test_void_in_jpeg_is_refused_and_so_are_dark_predictions(tmp_path, capsys):
    white, one = (CLASSES == 1) * 255, (CLASSES == 1) * 1
    a, b = write(tmp_path / "a", white), write(tmp_path / "b", white, suffix="jpg")
    code, _, err = score(capsys, a, b, "--set", "mask.ignore=255")
    assert code == 2 and "Save the truth as PNG" in err
    code, _, err = score(capsys, write(tmp_path / "c", one * 90, suffix="jpg"), write(tmp_path / "d", one), "--set",
                         "mask.ignore=255")  # fmt: skip
    assert code == 2 and "brightest level" in err


def test_white_predictions_of_several_classes_are_refused(tmp_path, capsys):
    a, b = write(tmp_path / "a", (CLASSES == 1) * 255), write(tmp_path / "b", CLASSES % 2)
    code, _, err = score(capsys, a, b, "--set", "mask.ignore=255", "--classes", "3")
    assert code == 2 and "3 classes are asked for" in err

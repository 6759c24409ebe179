"""`score` decides what the masks of two folders mean by one rule, says it, and refuses what can mean two things."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from two_folders import CLASSES, coded, dice, score, write

from maskwright.cli import main
from maskwright.config.loading import from_overrides
from maskwright.errors import MaskwrightError
from maskwright.folders.one_rule import decide_meaning
from maskwright.folders.score import score_folders
from maskwright.folders.values import Values, picture_values
from maskwright.progress import Reporter


def values(tmp_path, *numbers):
    return Values(tmp_path, tuple(frozenset(map(float, {0, *one})) for one in numbers), len(numbers))


def decided(tmp_path, found, true, *overrides, scans=False):
    """The rule of two folders with one file each of these numbers."""
    config = from_overrides(list(overrides))
    return decide_meaning(config, (values(tmp_path / "found", found), values(tmp_path / "true", true)), scans=scans)


@st.composite
def folders(draw):
    """Class numbers of three images in two folders, the codes of the classes, and whether some truth is void."""
    classes = draw(st.integers(2, 5))
    seed, void = draw(st.integers(0, 10_000)), draw(st.booleans())
    codes = range(classes)
    if not void and draw(st.booleans()):
        codes = [0, *sorted(draw(st.sets(st.integers(1, 200), min_size=classes - 1, max_size=classes - 1)))]
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(3):
        true = rng.integers(0, classes, (9, 11))
        found = np.where(rng.random(true.shape) < 0.3, rng.integers(0, classes, true.shape), true)
        pairs.append((found, true))
    pairs[0][0][0, :classes] = pairs[0][1][0, :classes] = np.arange(classes)  # every class is in both folders
    hidden = [(rng.random((9, 11)) < 0.2) & void for _ in pairs]
    for (found, true), mask in zip(pairs, hidden, strict=True):
        mask[0, :classes] = False
        assert found.shape == true.shape
    return classes, list(codes), pairs, hidden


@given(folders(), st.booleans())
@settings(max_examples=25)
def test_every_class_by_itself_as_numpy_counts_it(tmp_path_factory, case, scans):
    classes, codes, pairs, hidden = case
    folder = tmp_path_factory.mktemp("scores")
    found = [coded(one, codes) for one, _ in pairs]
    true = [np.where(mask, 255, coded(one, codes)) for (_, one), mask in zip(pairs, hidden, strict=True)]
    if scans:
        found, true = ([np.stack([one, one]) for one in several] for several in (found, true))
    kind = "nii.gz" if scans else "png"
    a, b = write(folder / "found", *found, suffix=kind), write(folder / "true", *true, suffix=kind)
    result = score_folders(a, b, from_overrides([]), Reporter(quiet=True))
    assert len(result.images[0].counts) == classes - 1
    assert result.meaning.numbers == [str(code) for code in codes[1:]]
    for image, one, other in zip(result.images, found, true, strict=True):
        known = other != 255
        for row, code in zip(image.values(), codes[1:], strict=True):
            expected = dice(one == code, other == code, known)
            assert row["dice"] == pytest.approx(1 if expected is None else expected, nan_ok=True)


@given(st.sampled_from([1, 255]), st.sampled_from([1, 255]), st.integers(0, 1000))
@settings(max_examples=20)
def test_one_structure_however_it_is_written(tmp_path_factory, here, there, seed):
    folder, rng = tmp_path_factory.mktemp("scores"), np.random.default_rng(seed)
    one, other = (rng.random((2, 3, 12, 10)) < 0.4).astype(np.uint8)
    a, b = write(folder / "found", *one * here), write(folder / "true", *other * there)
    result = score_folders(a, b, from_overrides([]), Reporter(quiet=True))
    for image, found, true in zip(result.images, one > 0, other > 0, strict=True):
        assert image.values()[0]["dice"] == pytest.approx(dice(found, true, True))
    written = " and ".join(map(str, sorted({here, there})))
    assert result.meaning.text == f"0 background, {written} foreground" and result.meaning.rule.classes == 2


def test_it_is_said(tmp_path, capsys):
    a = write(tmp_path / "found", CLASSES, CLASSES)
    void = np.where(np.arange(30) < 3, 255, CLASSES)
    b = write(tmp_path / "true", void, void)
    code, summary, _ = score(capsys, a, b, "--names", "background", "liver", "tumour", "--output", tmp_path / "out")
    assert code == 0 and summary["rule"] == "0 background, 1 liver, 2 tumour; 255 left out (void)"
    assert summary["values"]["truth"] == "0, 1, 2, 255" and summary["values"]["looked_at"] == 2
    assert summary["per_patient"]["tumour"]["dice"]["mean"] == 1
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))["rule"] == summary["rule"]
    assert main(["score", str(a), str(b)]) == 0
    assert "Masks             0 background, 1 class 1, 2 class 2; 255 left out (void)" in capsys.readouterr().out


def test_a_class_of_the_predictions_only(tmp_path, capsys):
    truth = np.minimum(CLASSES, 1)
    code, summary, _ = score(capsys, write(tmp_path / "a", CLASSES, truth), write(tmp_path / "b", truth, truth))
    assert code == 0 and summary["absent_classes"] == ["class 2"]
    assert summary["per_image"]["dice"]["mean"] == pytest.approx((2 / 3 + 1) / 2)  # of class 1 alone
    assert summary["per_image"]["class 2"]["dice"] | {"std": 0} == {
        "mean": 0, "std": 0, "median": 0, "min": 0, "max": 0, "n": 1, "undefined": 1,
    }  # fmt: skip


def test_names_of_classes_that_no_mask_holds(tmp_path):
    meaning = decided(tmp_path, {1}, {1}, 'mask.classes=["background", "liver", "tumour"]')
    assert meaning.text == "0 background, 1 liver, 2 tumour" and meaning.rule.classes == 3
    assert decided(tmp_path, {1, 2}, {2}, 'mask.classes=["liver", "tumour"]').text == "0 background, 1 liver, 2 tumour"
    with pytest.raises(MaskwrightError, match=r"mask\] classes: has 1 names, and the masks have 3 classes: 0, 1, 2"):
        decided(tmp_path, {1, 2}, {1}, 'mask.classes=["liver"]')


@pytest.mark.parametrize("kind", ["png", "nii.gz"])
@pytest.mark.parametrize(
    ("found", "true", "keys"),
    [
        ({127, 255}, {1, 2}, ["mask.levels"]),
        ({1, 2}, {127, 255}, ["mask.levels"]),
        ({255}, {1, 2}, ["mask.levels"]),
        ({2}, {1}, ["model.num_classes"]),
        ({128}, {255}, ["mask.levels"]),
        ({1, 255}, {1, 5, 255}, ["mask.ignore", "mask.levels"]),
        ({1, 5}, {1, 5, 255}, ["mask.ignore", "mask.levels"]),
        ({255}, {1, 255}, ["mask.ignore"]),
        ({1, 255}, {255}, ["mask.ignore"]),
    ],
)
def test_what_does_not_fit_is_refused_with_levels_and_keys(tmp_path, capsys, kind, found, true, keys):
    masks = [np.zeros((4, 6), int) for _ in range(2)]
    for mask, numbers in zip(masks, (found, true), strict=True):
        mask.flat[: len(numbers)] = sorted(numbers)
    if kind == "nii.gz":
        masks = [mask[None] for mask in masks]
    a, b = (write(tmp_path / name, mask, suffix=kind) for name, mask in zip("ab", masks, strict=True))
    code, answer, err = score(capsys, a, b)
    assert code == 2 and answer["code"] == 2
    assert f"predictions {', '.join(map(str, [0, *sorted(found)]))}; truth 0, " in err
    assert str(a) in err and str(b) in err and all(key in err for key in keys)
    assert ("mask.threshold" in err) == (kind == "png" and not found & true)


def test_files_of_one_folder_that_are_written_differently(tmp_path):
    """0/1 in some files and 0/255 in others: not void, because no file holds both."""
    config = from_overrides([])
    mixed, plain = values(tmp_path, {1}, {255}), values(tmp_path, {1}, {1})
    for pair in ((mixed, plain), (plain, mixed)):
        with pytest.raises(MaskwrightError, match=r"255 in some files in place of class numbers(.|\n)*mask.ignore"):
            decide_meaning(config, pair, scans=False)
    truth = values(tmp_path, {1, 255}, {255}, {1})
    assert decide_meaning(config, (plain, truth), scans=False).rule.ignore == 255
    with pytest.raises(MaskwrightError, match="in place of class numbers"):
        decide_meaning(config, (values(tmp_path, {1}, {255}), truth), scans=False)


def test_keys_settle_it(tmp_path, capsys):
    a = write(tmp_path / "a", coded(CLASSES, [0, 127, 255]))
    b = write(tmp_path / "b", CLASSES)
    assert score(capsys, a, b)[0] == 2
    code, summary, _ = score(capsys, a, b, "--threshold", "1")
    assert code == 0 and summary["rule"] == "foreground from level 1 on"
    assert summary["per_patient"]["dice"]["mean"] == 1
    assert score(capsys, a, a)[1]["rule"] == "0 background, 127 class 127, 255 class 255"
    assert score(capsys, a, a, "--levels", 0, 127, 255)[1]["rule"] == "0 background, 127 class 127, 255 class 255"
    assert score(capsys, a, a, "--classes", 3)[1]["rule"] == "0 background, 127 class 127, 255 class 255"
    code, summary, _ = score(capsys, a, a, "--set", "mask.ignore=255")
    assert code == 0 and summary["rule"] == "0 background, 127 foreground; 255 left out (void)"
    code, summary, _ = score(capsys, b, b, "--classes", 1)
    assert code == 0 and summary["rule"] == "0 background, 1 and 2 foreground"
    code, _, err = score(capsys, a, a, "--classes", 1)
    assert code == 2 and "mask.threshold" in err
    code, _, err = score(capsys, a, a, "--classes", 4)
    assert code == 2 and "hold 3 levels, and 4 classes are asked for" in err
    code, _, err = score(capsys, a, a, "--set", "mask.format=grey")
    assert code == 2 and "[mask] levels" in err
    code, summary, _ = score(capsys, b, b, "--set", "mask.format=index", "--classes", 5)
    assert code == 0 and summary["absent_classes"] == ["class 3", "class 4"]


def test_a_file_that_was_not_looked_at_is_still_refused_by_name(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("maskwright.folders.values.MOST_PICTURES", 2)
    masks = [np.minimum(CLASSES, 1)] * 5
    b = write(tmp_path / "b", *masks)
    masks[2] = CLASSES
    a = write(tmp_path / "a", *masks)
    assert picture_values(a, sorted(a.iterdir())).looked_at == 2
    code, _, err = score(capsys, a, b)
    assert code == 2 and "P2.png" in err and "2 (240 px)" in err


def test_grey_pictures_ask_for_a_threshold(tmp_path, capsys):
    soft = np.linspace(0, 255, 24 * 30).reshape(24, 30)
    hard = np.where(soft >= 128, 255, 0)
    a, b = write(tmp_path / "a", soft), write(tmp_path / "b", hard)
    for pair in ((a, b), (b, a), (a, a)):
        code, _, err = score(capsys, *pair)
        assert code == 2 and "mask.threshold" in err and "(256 levels)" in err
    code, summary, _ = score(capsys, a, b, "--threshold", "128")
    assert code == 0 and summary["per_image"]["dice"]["mean"] == 1


def test_jpeg_is_one_structure_from_half_the_range_on(tmp_path, capsys):
    one = np.minimum(CLASSES, 1)
    lossy, exact = write(tmp_path / "a", one * 255, suffix="jpg"), write(tmp_path / "b", one)
    for pair in ((lossy, exact), (exact, lossy)):
        code, summary, _ = score(capsys, *pair)
        assert code == 0 and summary["per_image"]["dice"]["mean"] == 1
        assert summary["rule"] == "0 background, 1 foreground; in JPEG files from half the range on"
    code, summary, _ = score(capsys, lossy, lossy)
    assert code == 0 and summary["rule"] == "foreground from half the range on"
    code, _, err = score(capsys, lossy, write(tmp_path / "c", CLASSES))
    assert code == 2 and "JPEG does not keep" in err and "mask.levels" in err
    code, _, err = score(capsys, write(tmp_path / "d", CLASSES, suffix="jpg"), exact)
    assert code == 2 and "brightest level" in err and "mask.threshold" in err
    three = write(tmp_path / "e", coded(CLASSES, [0, 128, 255]), suffix="jpg")
    code, summary, _ = score(
        capsys, three, write(tmp_path / "f", coded(CLASSES, [0, 128, 255])), "--levels", 0, 128, 255
    )
    assert code == 0 and summary["per_image"]["class 128"]["dice"]["mean"] > 0.9


def test_colours(tmp_path, capsys):
    red = np.zeros((*CLASSES.shape, 3), np.uint8)
    red[CLASSES == 1] = (0, 0, 200)
    several = red.copy()
    several[CLASSES == 2] = (0, 200, 0)
    a, white = write(tmp_path / "a", red), write(tmp_path / "b", (CLASSES == 1) * 255)
    code, summary, _ = score(capsys, a, white)
    assert code == 0 and summary["per_image"]["dice"]["mean"] == 1 and "(200, 0, 0)" in summary["rule"]
    b = write(tmp_path / "c", several)
    code, _, err = score(capsys, b, b)
    assert code == 2 and "mask.colors" in err and "(200, 0, 0)" in err
    code, summary, _ = score(capsys, b, b, "--set", "mask.colors=[[0,0,0],[200,0,0],[0,200,0]]")
    assert code == 0 and summary["rule"].startswith("(0, 0, 0) background, (200, 0, 0) class (200, 0, 0)")
    code, summary, _ = score(capsys, b, a, "--set", "mask.ignore=[0,200,0]")
    assert code == 0 and summary["values"]["predicted_void_pixels"] == 240


def test_sixteen_bits(tmp_path, capsys):
    white = write(tmp_path / "a", (CLASSES == 1).astype(np.uint16) * 65535)
    for level in (1, 255):
        code, summary, _ = score(capsys, white, write(tmp_path / f"b{level}", (CLASSES == 1) * level))
        assert code == 0 and summary["per_image"]["dice"]["mean"] == 1
    odd = write(tmp_path / "c", CLASSES.astype(np.uint16) * 300)
    code, summary, _ = score(capsys, odd, odd)
    assert code == 0 and summary["rule"] == "0 background, 300 class 300, 600 class 600"
    code, _, err = score(capsys, odd, write(tmp_path / "d", coded(CLASSES, [0, 1, 2])))
    assert code == 2 and "no number in common" in err


def test_label_maps(tmp_path, capsys):
    volume = np.stack([CLASSES, CLASSES])
    sparse = write(tmp_path / "a", coded(volume, [0, 5, 320]), suffix="nii.gz")
    code, summary, _ = score(capsys, sparse, sparse, "--nnunet", tmp_path / "n.json")
    assert code == 0 and summary["rule"] == "0 background, 5 class 5, 320 class 320"
    assert list(json.loads((tmp_path / "n.json").read_text(encoding="utf-8"))["mean"]) == ["5", "320"]
    code, summary, _ = score(capsys, sparse, sparse, "--classes", 1)
    assert code == 0 and summary["rule"] == "0 background, 5 and 320 foreground"
    assert summary["per_patient"]["dice"]["mean"] == 1
    code, summary, _ = score(capsys, sparse, sparse, "--set", 'mask.regions={"all": [5, 6], "six": [6]}')
    assert code == 2
    code, summary, _ = score(capsys, sparse, sparse, "--threshold", 6)
    assert code == 0 and summary["rule"] == "foreground from level 6 on"
    assert summary["per_patient"]["dice"]["mean"] == 1
    code, _, err = score(capsys, sparse, sparse, "--set", "mask.algorithm=otsu")
    assert code == 2 and "label maps hold numbers" in err


def test_empty_folders_of_masks(tmp_path, capsys):
    nothing = write(tmp_path / "a", np.zeros_like(CLASSES))
    code, summary, _ = score(capsys, nothing, nothing)
    assert code == 0 and summary["per_image"]["dice"]["mean"] is None
    assert summary["rule"] == "0 background, 1 and 255 foreground"
    code, summary, _ = score(capsys, nothing, write(tmp_path / "b", CLASSES))
    assert code == 0 and summary["per_image"]["dice"]["mean"] == 0


def test_what_nobody_set_stays_unset():
    assert "num_classes" not in from_overrides(["evaluate.tolerance=1"], {"model": {}}).model.model_fields_set
    assert "num_classes" in from_overrides(["model.num_classes=1"]).model.model_fields_set

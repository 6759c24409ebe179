"""What masks mean is told by the values of all of them: made here from drawings, stored in the ways people store them."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from maskwright.cli import main
from maskwright.config.schema import MaskSection
from maskwright.data.labels import make_label
from maskwright.data.mask_files import MaskFile, read_label, read_mask
from maskwright.data.mask_meaning import decide
from maskwright.data.mask_values import Seen, look, values_of
from maskwright.errors import MaskwrightError

NAMES = [f"class {number}" for number in range(300)]


def shapes(rng, numbers, size=(60, 80)):
    """A drawing: a disc of each number on 0, none over another."""
    drawn = np.zeros(size, np.int32)
    for place, number in enumerate(numbers):
        column, row = place % 4, place // 4
        centre = (column * 20 + 10 + int(rng.integers(-1, 2)), row * 20 + 10 + int(rng.integers(-1, 2)))
        cv2.circle(drawn, centre, int(rng.integers(4, 8)), int(number), -1)
    return drawn


def seen(*masks, **parts):
    """The values of masks in memory."""
    parts = parts or {"train": masks}
    return Seen(
        {part: [values_of(MaskFile(np.asarray(mask)), Path(f"{part}{i}")) for i, mask in enumerate(several)]
         for part, several in parts.items()}
    )  # fmt: skip


def decided(masks, classes=1, **section):
    found = masks if isinstance(masks, Seen) else seen(*masks)
    return decide(MaskSection.model_validate(section), classes, NAMES[: max(classes, 2)], found)


def label(mask, decision):
    return make_label(np.asarray(mask), decision.rule)


drawings = st.integers(0, 10**6).map(np.random.default_rng)


@settings(max_examples=40)
@given(drawings, st.integers(2, 9), st.data())
def test_class_numbers_stay_what_they_are_and_255_is_void(rng, classes, data):
    """Whichever classes no mask has."""
    present = data.draw(st.sets(st.integers(1, classes - 1), min_size=1))
    void = data.draw(st.booleans())
    masks = []
    for _ in range(3):
        mask = shapes(rng, sorted(present)).astype(np.uint8)
        if void:
            mask[-3:] = 255
        masks.append(mask)
    found = decided(masks, classes)
    assert found.rule.format == "index" and found.rule.ignore == (255 if void else None)
    for mask in masks:
        assert np.array_equal(label(mask, found), mask)
    absent = sorted(set(range(1, classes)) - present)
    assert found.nowhere == frozenset(absent)
    assert all(any(repr(NAMES[number]) in note for note in found.notes) for number in absent)
    assert ("mask.ignore = false" in found.why) == void
    if void:
        with pytest.raises(MaskwrightError, match="255"):
            decided(masks, classes, ignore=False)


@settings(max_examples=30)
@given(drawings, st.integers(1, 255))
def test_one_number_beside_0_is_the_structure(rng, number):
    masks = [shapes(rng, [number] * 3).astype(np.uint8) for _ in range(3)]
    found = decided(masks)
    for mask in masks:
        assert np.array_equal(label(mask, found), mask == number)
    assert f"{number} (" in found.why


@settings(max_examples=40)
@given(drawings, st.sets(st.integers(1, 255), min_size=2, max_size=10))
def test_one_structure_and_several_levels_is_asked_for(rng, numbers):
    mask = shapes(rng, sorted(numbers)).astype(np.uint8)
    if numbers == {1, 255}:
        return
    with pytest.raises(MaskwrightError) as caught:
        decided([mask])
    text = f"{caught.value.what} {caught.value.fix}"
    for number in numbers:
        share = 100 * np.mean(mask == number)
        assert f"{number} ({share:.1f} %)" in text
    assert "mask.threshold" in text and "mask.levels" in text and "instances" in text
    if 255 in numbers:
        rule = decided([mask], ignore=255).rule if len(numbers) == 2 else None
        assert rule is None or np.array_equal(label(mask, decided([mask], ignore=255)) == 1, (mask > 0) & (mask < 255))


@settings(max_examples=20)
@given(drawings, st.integers(14, 300), st.integers(1, 4), st.sampled_from([np.uint8, np.uint16]))
def test_numbered_objects_are_one_structure(rng, count, size, dtype):
    """As large as four pixels or sixteen, on one another or apart."""
    count = min(count, np.iinfo(dtype).max)
    size, apart = size + 2, int(rng.integers(0, 3))
    mask = np.zeros((20 * (size + apart), 20 * (size + apart)), dtype)
    for number in range(count):
        row, column = (int(v) * (size + apart) for v in divmod(number, 20))
        mask[row : row + size, column : column + size] = number + 1
    mask = np.pad(mask, 3)
    found = decided([mask, mask[::-1]])
    assert found.rule.format == "instances"
    assert np.array_equal(label(mask, found), mask > 0)


@settings(max_examples=25)
@given(drawings, st.sampled_from([0.4, 0.7, 1.4, 2.5]), st.sampled_from([255, 65535, 200]))
def test_smoothed_outlines_keep_the_area(rng, factor, white):
    drawn = shapes(rng, [1] * 9, (120, 120))
    big = cv2.resize(drawn.astype(np.float32), None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    big = cv2.GaussianBlur(big, (3, 3), 0.8) * white
    mask = np.rint(big).astype(np.uint16 if white > 255 else np.uint8)
    found = decided([mask, mask.T])
    assert found.rule.format == "binary"
    outline = 12 * factor * np.count_nonzero(cv2.Laplacian(drawn.astype(np.uint8), cv2.CV_8U)) / 12
    assert abs(label(mask, found).sum() - drawn.sum() * factor**2) < 0.12 * outline + 20


@settings(max_examples=20)
@given(drawings, st.sampled_from([(0, 127, 254), (10, 90, 255), (0, 255, 100)]))
def test_smoothed_levels_go_to_the_nearer_class_and_make_none_between(rng, levels):
    drawn = shapes(rng, [1, 2, 1, 2, 2, 1], (60, 80))
    smooth = cv2.resize(np.array(levels, np.float32)[drawn], None, fx=1.4, fy=1.4, interpolation=cv2.INTER_LINEAR)
    mask = np.rint(smooth).astype(np.uint8)
    found = decided([mask], 3, levels=list(levels))
    assert found.rule.smoothed and any("outlines" in note for note in found.notes)
    truth = cv2.resize(drawn.astype(np.uint8), mask.shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    made = label(mask, found)
    assert np.mean(made != truth) < 0.03
    for number in (1, 2):
        assert np.sum(made == number) == pytest.approx(np.sum(truth == number), rel=0.06)


def test_a_level_that_fills_areas_is_no_outline():
    mask = np.zeros((30, 30), np.uint8)
    mask[5:15, 5:15], mask[20:25, 20:25] = 127, 60
    with pytest.raises(MaskwrightError, match=r"60 \(25 px\)"):
        label(mask, decided([mask], 2, levels=[0, 127]))


@settings(max_examples=30)
@given(drawings, st.sampled_from([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (255, 255, 0)]),
       st.integers(88, 97))  # fmt: skip
def test_thin_structures_survive_jpeg_in_colour(tmp_path_factory, rng, colour, quality):
    """Lines of 2 pixels on the grid on which colour is stored, and shapes wherever they lie."""
    drawn = shapes(rng, [1] * 4, (80, 80)) > 0
    drawn[40:] = False
    at = 2 * int(rng.integers(22, 36))
    drawn[at : at + 2], drawn[44:, at : at + 2] = True, True
    path = tmp_path_factory.mktemp("jpeg") / "mask.png"  # called what it is not
    Image.fromarray((drawn[..., None] * np.array(colour)).astype(np.uint8)).save(path, "JPEG", quality=quality)
    assert read_mask(path).lossy
    found = decided(look({"train": [path]}), 2, colors=[(0, 0, 0), colour])
    made = read_label(path, found.rule) > 0
    assert made.sum() == pytest.approx(drawn.sum(), rel=0.02)
    assert 2 * (made & drawn).sum() / (made.sum() + drawn.sum()) > 0.97


def indexed(drawn, colours, order):
    """A palette PNG that shows `colours[number]`, its entries in any order."""
    picture = Image.fromarray(np.argsort(order).astype(np.uint8)[drawn])
    picture.putpalette([int(value) for place in order for value in colours[place]])
    return picture


@settings(max_examples=25)
@given(drawings, st.permutations(range(2)), st.booleans())
def test_a_palette_of_greys_is_what_it_shows(tmp_path_factory, rng, order, mixed):
    folder = tmp_path_factory.mktemp("palette")
    drawn = [shapes(rng, [1] * 3) for _ in range(3)]
    for number, one in enumerate(drawn):
        plain = Image.fromarray((one * 255).astype(np.uint8))
        picture = plain if mixed and number else indexed(one, [(0,) * 3, (255,) * 3], order)
        picture.save(folder / f"{number}.png")
    paths = sorted(folder.iterdir())
    rule = decided(look({"train": paths})).rule
    assert all(np.array_equal(read_label(path, rule), one) for path, one in zip(paths, drawn, strict=True))


@settings(max_examples=25)
@given(drawings, st.permutations(range(3)))
def test_colours_are_looked_up_in_a_palette_whatever_its_order(tmp_path_factory, rng, order):
    path = tmp_path_factory.mktemp("palette") / "mask.png"
    colours, drawn = [(0, 0, 0), (255, 0, 0), (0, 200, 0)], shapes(rng, [1, 2, 1])
    indexed(drawn, colours, order).save(path)
    found = decided(look({"train": [path]}), 3, colors=colours)
    assert np.array_equal(read_label(path, found.rule), drawn) and not found.notes
    if order[0] == 0:  # numbers of a palette are class numbers, if black is the first
        assert decided(look({"train": [path]}), 3).rule.format == "index"
    else:
        with pytest.raises(MaskwrightError, match="black is not number 0"):
            decided(look({"train": [path]}), 3)


@pytest.mark.parametrize(
    ("masks", "classes", "section", "expected"),
    [
        ([[[0, 255, 255]], [[0, 1, 1]]], 1, {}, "differ.*train0.*instances"),
        ([[[0, 0]], [[0, 0]]], 1, {}, "nothing but 0"),
        ([[[0, 0]]], 3, {}, "nothing but 0"),
        ([[[255, 255]]], 1, {}, "hold no 0.*mask.levels"),
        ([[[1, 2, 2, 3]]], 3, {}, r"start at 1.*\[2, 1, 3\] where 2 is the background.*num_classes = 4"),
        ([[[1, 2, 2, 3]]], 1, {}, r"hold no 0.*\[2, 1, 3\]"),
        ([[[1, 2, 2, 3]]], 1, {"threshold": 1}, "every mask is foreground everywhere"),
        ([[[0, 20]]], 1, {"threshold": 128}, "every mask is background everywhere"),
        ([[[0, 100, 200]]], 3, {}, r"mask\.levels = \[0, 100, 200\]"),
        ([[[0, 10, 20, 30]]], 3, {}, r"hold 4 levels.*mask\.levels"),
        ([[[0, 255]]], 3, {}, r"mask\.levels"),
        ([[[[0, 0, 0], [255, 0, 0], [0, 255, 0]]]], 1, {}, r"coloured.*\(255, 0, 0\).*mask\.colors"),
        ([[[[0, 0, 0], [255, 0, 0]]]], 3, {}, r"coloured.*mask\.colors"),
        ([[[0, 1, 2]]], 3, {"levels": [0, 255]}, "2 entries for 3 classes"),
        ([[[0, 1]]], 2, {"ignore": 1, "format": "index"}, "that is a class"),
        ([[[0, 90]]], 2, {"ignore": 90, "levels": [0, 90], "format": "grey"}, "that is a class"),
        ([[[0, 1, 2]]], 3, {"format": "instances"}, "several classes"),
    ],
)
def test_what_can_mean_several_things_is_asked_for(masks, classes, section, expected):
    with pytest.raises(MaskwrightError) as caught:
        decided([np.array(mask, np.uint8) for mask in masks], classes, **section)
    assert re.search(expected, f"{caught.value.what} {caught.value.where} {caught.value.fix}")


@pytest.mark.parametrize(
    ("mask", "classes", "section", "expected"),
    [
        ([[0, 1]], 1, {}, ("index", None)),
        ([[0, 255]], 1, {}, ("binary", None)),
        ([[0, 255]], 2, {}, ("grey", None)),
        ([[0, 1, 255]], 1, {}, ("index", 255)),
        ([[0, 1, 2, 255]], 3, {"format": "index"}, ("index", 255)),
        ([[0, 1, 2, 255]], 3, {"ignore": 255}, ("index", 255)),
        ([[0, 5, 9]], 1, {"format": "instances"}, ("instances", None)),
        ([[[0, 0, 0], [255, 0, 0]]], 1, {}, ("color", None)),
    ],
)
def test_what_is_sure_is_decided(mask, classes, section, expected):
    rule = decided([np.array(mask, np.uint8)], classes, **section).rule
    assert (rule.format, rule.ignore) == expected


def test_jpeg_keeps_no_numbers(tmp_path):
    drawn = shapes(np.random.default_rng(1), [1, 2])
    for name, levels, classes, expected in (
        ("dark", [0, 15, 15], 1, "brightest level"),
        ("three", [0, 255, 128], 1, "between black and white"),
        ("several", [0, 1, 2], 3, "does not keep class numbers"),
    ):
        path = tmp_path / f"{name}.jpg"
        Image.fromarray(np.array(levels, np.uint8)[drawn]).save(path, quality=95)
        with pytest.raises(MaskwrightError, match=expected):
            decided(look({"train": [path]}), classes)


def test_parts_that_lack_a_class_and_masks_the_other_way_round_are_named():
    rng = np.random.default_rng(3)
    full, lacking = shapes(rng, [1, 2]).astype(np.uint8), shapes(rng, [1]).astype(np.uint8)
    found = decided(seen(train=[full], valid=[lacking], test=[np.zeros_like(full)]), 3)
    assert [note for note in found.notes if "validation part holds 'class 2'" in note]
    assert [note for note in found.notes if "test part holds 'class 1', 'class 2'" in note]
    one = [shapes(rng, [255]).astype(np.uint8) for _ in range(5)]
    assert not decided(one).notes
    (note,) = decided([*one, 255 - one[0]]).notes
    assert "1 masks look inverted" in note and "train5" in note
    (note,) = decided([255 - mask for mask in one] + [one[0]]).notes
    assert "train5" in note and "background" in note


def test_stats_says_what_was_decided_and_leaves_void_out(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for number in range(4):
        mask = shapes(rng, [1, 2]).astype(np.uint8)
        mask[-6:] = 255
        for kind, picture in (("images", np.full_like(mask, 50 * number + 9)), ("masks", mask)):
            (tmp_path / kind).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / kind / f"{number}.png"), picture)
    assert main(["stats", str(tmp_path), "--set", "model.num_classes=4", "--output", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert "255 is left out (void)" in out and "'class 3' is in no mask" in err and "class 3 0.00%" in out
    masks = np.stack([cv2.imread(str(path), 0) for path in sorted((tmp_path / "masks").iterdir())])
    assert f"class 1 {np.mean(masks[masks < 255] == 1):.2%}" in out


def test_real_vessels_leave_out_what_lies_outside_the_view(shared_data):
    paths = sorted((shared_data / "pictures" / "vessels").glob("*/masks/*"))
    found = decided(look({"train": paths}))
    assert (found.rule.format, found.rule.ignore) == ("index", 255) and not found.notes

import cv2
import numpy as np
import pytest

from maskwright.data import levels
from maskwright.data.levels import mixed_range, settled, settled_for
from maskwright.data.pairs import Pair
from maskwright.data.preprocess import InputRule, adjust
from maskwright.errors import MaskwrightError

BYTES = InputRule(20, 20, 1)
TWELVE = InputRule(20, 20, 1, "uint16", high=4095.0)
SIXTEEN = InputRule(20, 20, 1, "uint16", high=65535.0)
SHARES = InputRule(20, 20, 1, "float32", low=-1.0, high=3.0)


def write(folder, dtype, *tops, low=0.0, spots=0):
    """A picture for each of `tops`: levels from `low` to half of it, and `spots` pixels of the top itself."""
    folder.mkdir(exist_ok=True)
    paths = []
    for number, top in enumerate(tops):
        image = np.linspace(low, top if not spots else top / 2, 400).reshape(20, 20)
        image.flat[:spots] = top
        path = folder / f"{np.dtype(dtype).name}-{number}.tif"
        cv2.imwrite(str(path), image.astype(dtype))
        paths.append((path,))
    return paths


def decide(rule, files, given=()):
    said = []
    found = settled(rule, files, given, said.append)
    return {name: (black, white) for name, black, white in found.levels}, " ".join(said)


def test_a_set_has_one_range_whatever_each_picture_holds(tmp_path):
    files = write(tmp_path, np.uint16, 1800, 2040, 2050, 3801)
    found, said = decide(BYTES, files)
    assert found == {"uint16": (0, 4095)}
    assert "0 to 3801 (the largest in uint16-3.tif): taken as 12 bits" in said
    assert "predict.levels = [0, 65535] says otherwise" in said
    rule = settled(BYTES, files)
    grey = [adjust(np.full((4, 4), 1024, np.uint16), rule)[0, 0, 0] for _ in files]
    assert set(map(int, grey)) == {64}
    assert decide(BYTES, files, [0, 65535])[0] == {"uint16": (0, 65535)}
    assert decide(BYTES, write(tmp_path / "b", np.uint16, 200))[0] == {"uint16": (0, 255)}
    assert decide(BYTES, write(tmp_path / "c", np.uint16, 300, 4096))[0] == {"uint16": (0, 65535)}


def test_bytes_are_0_to_255_and_deep_ones_of_a_deep_model_are_its_own(tmp_path):
    files = [*write(tmp_path, np.uint8, 90), *write(tmp_path, np.uint16, 3000)]
    found, said = decide(
        TWELVE,
        files,
    )
    assert found == {"uint8": (0, 255), "uint16": (0, 4095)} and "their 0 to 255 are the model's 0 to 4095" in said
    found, said = decide(SIXTEEN, files)
    assert found["uint16"] == (0, 65535) and "taken as they are, although" in said and "predict.levels" in said
    assert decide(BYTES, write(tmp_path, np.uint8, 9))[1] == ""


def test_a_few_pixels_beyond_white_are_clipped_and_many_are_another_range(tmp_path):
    few, many = write(tmp_path, np.uint16, 5000, spots=3), write(tmp_path / "many", np.uint16, 60000)
    found, said = decide(TWELVE, few)
    assert found == {"uint16": (0, 4095)} and "clipped" in said
    bright = np.array([[0, 5000]], np.uint16)
    assert adjust(bright, settled(TWELVE, few)).ravel().tolist() == [0, 4095]
    found, said = decide(TWELVE, many)
    assert found == {"uint16": (0, 65535)} and "beyond the model's 0 to 4095, so taken as 16 bits" in said


@pytest.mark.parametrize(
    ("rule", "low", "top", "taken"),
    [(TWELVE, 0, 3000, (0, 4095)), (BYTES, 0, 200, (0, 255)), (TWELVE, 0, 1, (0, 1)), (BYTES, -1000, 1500, (-1000, 1500)),
     (SHARES, -0.5, 2, (-1, 3)), (SHARES, 0, 4095, (0, 4095))],
)  # fmt: skip
def test_floats_are_the_models_levels_or_shares_or_a_range_of_their_own(tmp_path, rule, low, top, taken):
    found, said = decide(rule, write(tmp_path, np.float32, top, low=low))
    assert found == {"float32": taken}
    assert bool(said) == (rule is not SHARES or top > 3)


def test_a_picture_of_its_own_is_decided_as_a_set_of_one(tmp_path):
    image = np.full((4, 4), 1024, np.uint16)
    image[0, 0] = 3000
    assert adjust(image, settled_for(BYTES, image))[3, 3, 0] == 64
    assert adjust(image, settled_for(BYTES, image, [0, 1024]))[3, 3, 0] == 255


def test_what_cannot_be_read_is_left_to_whoever_reads_it(tmp_path):
    (tmp_path / "no.tif").write_bytes(b"II*\0 nothing")
    assert settled(BYTES, [(tmp_path / "no.tif",)]) == BYTES


@pytest.mark.parametrize("given", [[1.0], [5.0, 5.0], [1.0, 2.0, 3.0]])
def test_two_levels_or_none(tmp_path, given):
    with pytest.raises(MaskwrightError, match=r"\[predict\] levels"):
        settled(BYTES, write(tmp_path, np.uint16, 900), given)


def test_of_many_pictures_some_are_looked_at_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(levels, "LOOKED_AT", 3)
    files = write(tmp_path, np.uint16, *range(300, 312))
    found, said = decide(BYTES, files)
    assert found == {"uint16": (0, 4095)} and ", 3 of 12 looked at: taken" in said


def test_mixed_data_sets_are_decided_before_anything_is_made_an_input(tmp_path):
    files = [*write(tmp_path, np.uint8, 90), *write(tmp_path, np.uint16, 3000)]
    pairs = [Pair(path.stem, path, path) for (path,) in files]
    assert mixed_range(TWELVE, pairs, {"uint8", "uint16"}) == (0, 4095)
    assert mixed_range(TWELVE, pairs[1:], {"uint16"}) is None

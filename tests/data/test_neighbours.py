import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.config import load
from maskwright.data.neighbours import around, neighbour_files, neighbour_indices, place_of, read_levels
from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.progress import Reporter
from maskwright.training.prepare import prepare

PATTERN = r"(\d+)$"


def test_a_crop_is_a_series_of_its_own():
    assert place_of("PANCREAS_0001-cropped-0-1110", PATTERN) == ("PANCREAS_0001-cropped-0-*", 1110)
    names = ["P1-3", "P1-1", "P1-2", "P2-2", "P1-crop-2", "P1-5"]
    assert neighbour_indices(names, 1, PATTERN) == [[2, 0, 0], [1, 1, 2], [1, 2, 0], [3, 3, 3], [4, 4, 4], [5, 5, 5]]


@given(st.sets(st.integers(0, 30), min_size=1), st.integers(1, 4), st.data())
def test_missing_neighbours_are_replaced_by_the_nearest_on_the_way(numbers, count, data):
    number = data.draw(st.sampled_from(sorted(numbers)))
    found = around({place: place for place in numbers}, number, count)
    assert len(found) == 2 * count + 1 and found[count] == number and found == sorted(found)
    for offset, place in zip(range(-count, count + 1), found, strict=True):
        way = [one for one in numbers if min(number, number + offset) <= one <= max(number, number + offset)]
        assert place == min(way, key=lambda one: abs(one - (number + offset)))


def test_a_name_without_a_number_is_named():
    with pytest.raises(MaskwrightError, match=r"^sliceA: .*slice number.*\n.*data.slice_pattern"):
        place_of("sliceA", PATTERN)


@pytest.mark.parametrize("cache", ["true", "false"])
def test_training_and_prediction_see_the_same_channels(config_file, cache):
    config = load(config_file, ["data.neighbours=1", f"data.cache={cache}"]).config
    dataset = prepare(config, Reporter(quiet=True)).train
    rule = dataset.input_rule
    assert rule.input_channels == 3
    for index, pair in enumerate(dataset.pairs):
        image, _ = dataset.load(index)
        picture = cv2.imread(str(pair.image), cv2.IMREAD_GRAYSCALE)
        assert np.array_equal(image, read_levels(pair.image, picture, rule))
        assert np.array_equal(rule.middle(image)[..., 0], picture)
        patient, number = pair.name.split("-")
        for plane, offset in enumerate((-1, 0, 1)):
            other = pair.image.with_name(f"{patient}-{min(max(int(number) + offset, 0), 2)}.png")
            assert np.array_equal(image[..., plane], cv2.imread(str(other), cv2.IMREAD_GRAYSCALE))


def test_new_files_in_a_folder_are_seen(tmp_path):
    for number in (1, 2):
        cv2.imwrite(str(tmp_path / f"a-{number}.png"), np.zeros((8, 8), np.uint8))
    rule = InputRule(8, 8, 1, neighbours=1, slice_pattern=PATTERN)
    assert [files[0].stem for files in neighbour_files(tmp_path / "a-2.png", rule)] == ["a-1", "a-2", "a-2"]
    cv2.imwrite(str(tmp_path / "a-3.png"), np.zeros((9, 8), np.uint8))
    assert [files[0].stem for files in neighbour_files(tmp_path / "a-2.png", rule)] == ["a-1", "a-2", "a-3"]
    with pytest.raises(MaskwrightError, match=r"a-3\.png: is 8 x 9 px, and its neighbour a-2\.png is 8 x 8"):
        read_levels(tmp_path / "a-2.png", np.zeros((8, 8), np.uint8), rule)


@pytest.mark.parametrize("folders", [False, True])
def test_neighbours_of_several_files_come_with_all_of_them(tmp_path, folders):
    for number in (1, 2, 3):
        for band, level in (("red", 10), ("blue", 50)):
            name = f"P1-{number}/{band}.png" if folders else f"P1-{number}_{band}.png"
            (tmp_path / name).parent.mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / name), np.full((8, 8), level + number, np.uint8))
    patterns = ("red.png", "blue.png") if folders else ("*_red.png", "*_blue.png")
    rule = InputRule(8, 8, 2, neighbours=1, slice_pattern=PATTERN, channel_patterns=patterns)
    path = tmp_path / ("P1-2/red.png" if folders else "P1-2_red.png")
    found = read_levels(path, np.dstack([np.full((8, 8), level, np.uint8) for level in (12, 52)]), rule)
    assert found[0, 0].tolist() == [11, 51, 12, 52, 13, 53]


def test_patients_must_be_known(config_file):
    with pytest.raises(MaskwrightError, match="patient_pattern"):
        prepare(load(config_file, ["data.neighbours=1", "data.patient_pattern="]).config, Reporter(quiet=True))

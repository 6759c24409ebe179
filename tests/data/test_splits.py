from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.config import load
from maskwright.data.pairs import Pair
from maskwright.data.splits import collect, patient_of, shared_patients, split_patients, with_patients
from maskwright.errors import MaskwrightError


def pairs_of(counts):
    return [
        Pair(f"P{patient:03d}-{number}", Path("i"), Path("m"), f"{patient:03d}")
        for patient, count in enumerate(counts)
        for number in range(count)
    ]


def test_the_patient_is_the_group():
    assert patient_of("PANCREAS_0012-cropped-0-1001", r"PANCREAS_(\d+)") == "0012"
    assert patient_of("x", None) == "x"
    assert patient_of("x", r"(\d+)") is None


def test_a_pattern_must_match_every_name():
    with pytest.raises(MaskwrightError, match=r"does not match 1 of 2 names: b\.png"):
        with_patients([Pair("a1", Path("a1.png"), Path("m")), Pair("b", Path("b.png"), Path("m"))], r"(\d)")


@given(
    st.lists(st.integers(1, 6), min_size=5, max_size=30), st.floats(0.05, 0.4), st.floats(0.05, 0.4),
    st.sampled_from(["random", "name"]), st.integers(0, 9),
)  # fmt: skip
def test_no_patient_is_in_two_parts_and_no_picture_is_lost(counts, valid, test, order, seed):
    pairs = pairs_of(counts)
    splits = split_patients(pairs, {"valid": valid, "test": test}, order=order, seed=seed)
    assert sorted(pair.name for part in splits.values() for pair in part) == sorted(pair.name for pair in pairs)
    for one, other in (("train", "valid"), ("train", "test"), ("valid", "test")):
        assert shared_patients(splits[one], splits[other]) == []
        assert splits[one] and splits[other]
    assert splits == split_patients(pairs, {"valid": valid, "test": test}, order=order, seed=seed)


def test_by_name_the_last_patients_are_taken():
    splits = split_patients(pairs_of([2] * 10), {"valid": 0.2}, order="name", seed=0)
    assert {pair.patient for pair in splits["valid"]} == {"008", "009"}


def test_too_few_patients():
    with pytest.raises(MaskwrightError, match="2 patients are too few for 3 parts"):
        split_patients(pairs_of([3, 3]), {"valid": 0.2, "test": 0.2}, order="random", seed=0)


def test_validation_is_the_same_share_whoever_asks(config_file):
    data = load(config_file).config.data
    assert collect(data, ("valid",)) == {"valid": collect(data, ("train", "valid", "test"))["valid"]}


def test_parts_that_are_not_configured(config_file):
    data = load(config_file).config.data.model_copy(update={"images": None, "masks": None})
    with pytest.raises(MaskwrightError, match="no pictures are configured for test"):
        collect(data, ("test",))
    with pytest.raises(MaskwrightError, match="masks"):
        collect(load(config_file).config.data.model_copy(update={"masks": None}), ("train",))

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.config import load
from maskwright.data.folds import fold_of, structure_sizes
from maskwright.data.splits import collect
from maskwright.errors import MaskwrightError


@given(st.integers(2, 7), st.integers(0, 40), st.integers(0, 99))
def test_every_patient_is_in_one_fold_and_sizes_are_spread(count, more, seed):
    sizes = {
        f"p{number:03d}": float(size) for number, size in enumerate(np.random.default_rng(seed).random(count + more))
    }
    found = fold_of(sizes, count, seed)
    assert set(found) == set(sizes) and found == fold_of(sizes, count, seed)
    members = [[sizes[name] for name in sizes if found[name] == fold] for fold in range(count)]
    assert max(map(len, members)) - min(map(len, members)) <= 1
    ranks = {name: place for place, name in enumerate(sorted(sizes, key=sizes.get))}
    for fold in range(count):  # one of each neighbouring `count` in the line
        groups = [ranks[name] // count for name in sizes if found[name] == fold]
        assert len(set(groups)) == len(groups)


def test_too_few_patients():
    with pytest.raises(MaskwrightError, match="2 patients are too few for 5 folds"):
        fold_of({"a": 1.0, "b": 2.0}, 5, 0)


def test_folds_of_a_data_set_never_share_a_patient_and_leave_the_test_alone(config_file):
    data = load(config_file).config.data
    plain = collect(data)
    seen = []
    for fold in range(2):
        splits = collect(data.model_copy(update={"folds": 2, "fold": fold}))
        assert splits["test"] == plain["test"]
        parts = [{pair.patient for pair in splits[part]} for part in ("train", "valid", "test")]
        assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
        seen += [pair.name for pair in splits["valid"]]
    assert sorted(seen) == sorted(pair.name for part in ("train", "valid") for pair in plain[part])
    with pytest.raises(MaskwrightError, match="is 2, and there are 2 folds, 0 to 1"):
        collect(data.model_copy(update={"folds": 2, "fold": 2}))


def test_sizes_are_of_structures(config_file):
    pairs = collect(load(config_file).config.data)["train"]
    sizes = structure_sizes(pairs, scans=False)
    assert set(sizes) == {pair.patient for pair in pairs} and all(value > 0 for value in sizes.values())

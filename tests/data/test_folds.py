import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.data.folds import fold_of
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

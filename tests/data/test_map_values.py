"""What the numbers of label maps mean: decided by all of them, as for masks of pictures, and never by their rank."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwright.config.loading import from_overrides
from maskwright.data.map_values import map_values, values_in
from maskwright.data.mask_meaning import decide
from maskwright.data.mask_values import Seen, look
from maskwright.data.model_space import scan_classes
from maskwright.errors import MaskwrightError
from maskwright.volumes import Volume
from maskwright.volumes.nifti import write_nifti


def seen_of(tmp_path, *arrays):
    return Seen({"train": [map_values(array, tmp_path / f"{number}.nii.gz") for number, array in enumerate(arrays)]})


def classes_of(tmp_path, arrays, count, *overrides):
    """The class numbers of the first of some label maps, and the decision."""
    section = from_overrides(list(overrides)).mask
    names = ["background", *(f"class {number}" for number in range(1, max(count, 2)))]
    found = decide(section, count, names, seen_of(tmp_path, *arrays))
    return scan_classes(arrays[0], found.rule, tmp_path), found


@given(
    classes=st.integers(2, 6),
    missing=st.sets(st.integers(1, 5), max_size=2),
    void=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_class_numbers_are_kept_and_255_is_void(tmp_path_factory, classes, missing, void, seed):
    folder = tmp_path_factory.getbasetemp()
    present = [number for number in range(classes) if number not in missing or number == 0]
    if len(present) < 2:
        present = [0, 1]
    rng = np.random.default_rng(seed)
    array = rng.choice(present, (4, 6, 5)).astype(np.uint8)
    array.flat[: len(present)] = present
    if void:
        array[-1] = 255
    truth = array.copy()
    one = classes == 2
    found, decision = classes_of(folder, [array], 1 if one else classes)
    assert np.array_equal(found, truth), "no number shifts, and void stays 255"
    absent = set(range(classes)) - set(present)
    assert all(f"class {number}" in " ".join(decision.notes) for number in absent)


@given(number=st.integers(2, 65535), seed=st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_one_number_beside_0_is_one_structure(tmp_path_factory, number, seed):
    array = np.random.default_rng(seed).choice([0, number], (3, 8, 8)).astype(np.uint16)
    array[0, 0, :2] = 0, number
    found, _ = classes_of(tmp_path_factory.getbasetemp(), [array], 1)
    assert np.array_equal(found, array > 0)


@given(st.sets(st.integers(1, 40), min_size=2, max_size=6))
@settings(max_examples=30, deadline=None)
def test_several_numbers_are_no_structure_until_somebody_says_so(tmp_path_factory, numbers):
    folder = tmp_path_factory.getbasetemp()
    array = np.resize([0, *sorted(numbers)], (4, 8, 8)).astype(np.uint8)
    with pytest.raises(MaskwrightError, match="one structure is looked for") as caught:
        classes_of(folder, [array], 1)
    assert "mask.levels" in caught.value.fix and "instances" in caught.value.fix
    found, _ = classes_of(folder, [array], 1, 'mask.format="instances"')
    assert np.array_equal(found, array > 0)
    found, _ = classes_of(folder, [array], 1, f"mask.threshold={max(numbers)}")
    assert np.array_equal(found, array == max(numbers))
    found, _ = classes_of(folder, [array], 1, f"mask.levels={[0, *sorted(numbers)]}")
    assert np.array_equal(found, array > 0), "the user merges them by saying that there is one"


def test_keys_of_pictures_are_refused(tmp_path):
    from maskwright.labels.configured import require_map_keys

    for override in (
        "mask.colors=[[0,0,0],[9,9,9]]",
        'mask.algorithm="otsu"',
        "mask.smooth=true",
        "mask.ignore=[1,2,3]",
    ):
        with pytest.raises(MaskwrightError, match="label maps hold numbers"):
            require_map_keys(from_overrides([override]).mask)


def test_all_that_cannot_be_read_are_listed(tmp_path):
    write_nifti(Volume(np.full((2, 3, 4), 0.5, np.float32), np.eye(4)), tmp_path / "a.nii.gz")
    write_nifti(Volume(np.full((2, 3, 4), -1.0, np.float32), np.eye(4)), tmp_path / "b.nii.gz")
    write_nifti(Volume(np.eye(4, dtype=np.uint8)[None], np.eye(4)), tmp_path / "c.nii.gz")
    paths = sorted(tmp_path.iterdir())
    with pytest.raises(MaskwrightError, match="2 files of 3 masks") as caught:
        look({"train": paths}, values=values_in)
    assert "a.nii.gz" in str(caught.value) and "b.nii.gz" in str(caught.value)
    seen = look({"train": paths[2:], "test": paths[:2]}, lenient=frozenset({"test"}), values=values_in)
    assert seen.numbers() == {0.0: 12, 1.0: 4}

import pytest

from maskwright.data.cases import find_cases
from maskwright.data.pairs import match_cases
from maskwright.errors import MaskwrightError

PATTERNS = ["*_t1.nii.gz", "*_t1ce.nii.gz", "*_flair.nii*"]


def touch(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


@pytest.fixture
def flat(tmp_path):
    for case in ("B_2", "B_1"):
        touch(tmp_path, *(f"{case}_{kind}.nii.gz" for kind in ("t1", "t1ce", "flair", "seg")))
    return tmp_path


@pytest.fixture
def nested(tmp_path):
    for case in ("B_2", "B_1"):
        touch(tmp_path / case, *(f"{case}_{kind}.nii.gz" for kind in ("t1", "t1ce", "flair", "seg")))
    (tmp_path / "readme.txt").touch()
    return tmp_path


@pytest.mark.parametrize("layout", ["flat", "nested"])
def test_files_of_a_case_in_the_order_of_the_patterns(layout, request):
    folder = request.getfixturevalue(layout)
    found = find_cases(folder, PATTERNS)
    assert list(found) == ["B_1", "B_2"]
    assert [path.name for path in found["B_2"]] == ["B_2_t1.nii.gz", "B_2_t1ce.nii.gz", "B_2_flair.nii.gz"]
    pairs = match_cases(folder, folder, PATTERNS, "*_seg.nii.gz")
    assert [pair.name for pair in pairs] == ["B_1", "B_2"] and pairs[0].mask.name == "B_1_seg.nii.gz"
    assert len(pairs[0].images) == 3


def test_one_folder_may_be_one_case(nested):
    assert list(find_cases(nested / "B_1", PATTERNS)) == ["B_1"]
    touch(nested / "other", "T1.nii", "T2.nii")
    assert {name: len(files) for name, files in find_cases(nested / "other", ["T1.nii", "T2.nii"]).items()} == {
        "other": 2
    }


@pytest.mark.parametrize("layout", ["flat", "nested"])
def test_a_pattern_that_matches_none_or_two(layout, request):
    folder = request.getfixturevalue(layout)
    inner = folder if layout == "flat" else folder / "B_1"
    (inner / "B_1_t1.nii.gz").unlink()
    (inner / "B_1_flair.nii").touch()
    with pytest.raises(MaskwrightError) as caught:
        find_cases(folder, PATTERNS)
    text = str(caught.value)
    assert "B_1: *_t1.nii.gz matches no file" in text
    assert "B_1: *_flair.nii* matches B_1_flair.nii, B_1_flair.nii.gz" in text and "B_2" not in text


def test_nothing_there(flat, tmp_path):
    with pytest.raises(MaskwrightError, match=r"named like \*_t9"):
        find_cases(flat, ["*_t9.nii"])
    with pytest.raises(MaskwrightError, match="no such folder"):
        find_cases(tmp_path / "none", PATTERNS)
    touch(tmp_path / "masks", "B_1.nii.gz")
    with pytest.raises(MaskwrightError, match=r"1 of 2 cases have no label map.*B_2"):
        match_cases(flat, tmp_path / "masks", PATTERNS, None)

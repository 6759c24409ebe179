import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.config.schema import PrepareSection
from maskwright.config.schema.scans import WINDOWS
from maskwright.errors import MaskwrightError
from maskwright.prepare.cases import find_cases
from maskwright.prepare.slices import choose
from maskwright.prepare.split import stratified
from maskwright.volumes.window import limits, to_grey


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.floats(0, 1))
def test_every_slice_with_a_structure_and_the_asked_share_of_others(filled, share):
    filled = np.array(filled)
    chosen = choose(filled, share)
    assert chosen == sorted(set(chosen)) and set(np.flatnonzero(filled)) <= set(chosen)
    empty = len(chosen) - filled.sum()
    wanted = round(filled.sum() * share / (1 - share)) if share < 1 else (~filled).sum()
    assert empty == min(wanted, (~filled).sum())


@given(st.integers(4, 80), st.floats(0, 0.3), st.floats(0, 0.3), st.integers(0, 1000))
def test_parts_are_whole_disjoint_and_alike(count, valid, test, seed):
    sizes = {f"P{i:02d}": float(np.random.default_rng(seed + i).uniform(10, 100)) for i in range(count)}
    found = stratified(sizes, {"valid": valid, "test": test}, seed)
    assert found.keys() == sizes.keys() and found == stratified(sizes, {"valid": valid, "test": test}, seed)
    for part, share in (("valid", valid), ("test", test)):
        members = [name for name, where in found.items() if where == part]
        assert len(members) == (max(1, round(share * count)) if share > 0 else 0)
        if len(members) >= 6:
            ranks = np.argsort(np.argsort([sizes[name] for name in sorted(sizes)]))
            mean = np.mean([ranks[sorted(sizes).index(name)] for name in members])
            assert abs(mean - (count - 1) / 2) < 0.15 * count  # neither the small nor the large ones only


def test_too_few_patients():
    with pytest.raises(MaskwrightError, match="2 patients are too few for 3 parts"):
        stratified({"a": 1, "b": 2}, {"valid": 0.1, "test": 0.1}, 0)


def test_windows():
    values = np.array([-1000, -160, 40, 240, 3000], np.int16)
    assert limits("abdomen", values) == (-160, 240) and limits("40/400", values) == (-160, 240)
    assert to_grey(values, -160, 240).tolist() == [0, 0, 128, 255, 255]
    assert to_grey(values, -160, 240, 16).tolist() == [0, 0, 32768, 65535, 65535]
    assert limits("full", values) == (-1000, 3000) and limits("full", np.zeros(3)) == (0, 1)
    assert all(limits(name, values)[0] < limits(name, values)[1] for name in WINDOWS)
    for wrong in ("belly", "40", "40/x"):
        with pytest.raises(ValueError, match="abdomen"):
            PrepareSection(window=wrong)


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


@pytest.mark.parametrize(
    ("scans", "labels", "patterns", "expected"),
    [
        (["a.nii.gz", "b.nii"], ["b.nii.gz", "a.nrrd"], {}, {"a": "a.nrrd", "b": "b.nii.gz"}),
        (["PANCREAS_0001/x.dcm", "PANCREAS_0012/x.dcm"], ["label0001.nii.gz", "label0012.nii.gz"], {},
         {"PANCREAS_0001": "label0001.nii.gz", "PANCREAS_0012": "label0012.nii.gz"}),
        (["liver_001_0000.nii.gz", "liver_002_0000.nii.gz"], ["liver_001.nii.gz", "liver_002.nii.gz"], {},
         {"liver_001": "liver_001.nii.gz", "liver_002": "liver_002.nii.gz"}),
        (["case_1_ct.nii", "case_2_ct.nii"], ["seg-1-v3.nii", "seg-2-v3.nii"],
         {"scan_pattern": r"case_(\d)", "label_pattern": r"seg-(\d)"}, {"case_1_ct": "seg-1-v3.nii", "case_2_ct": "seg-2-v3.nii"}),
    ],
)  # fmt: skip
def test_scans_find_their_labels(tmp_path, scans, labels, patterns, expected):
    touch(tmp_path / "s", *scans)
    touch(tmp_path / "l", *labels)
    cases, notes = find_cases(PrepareSection(scans_dir=tmp_path / "s", labels_dir=tmp_path / "l", **patterns))
    assert {case.name: case.labels.name for case in cases} == expected and not notes


def test_what_does_not_match_is_told(tmp_path):
    touch(tmp_path / "s", "a.nii", "b.nii", "c.nii")
    touch(tmp_path / "l", "a.nii", "d.nii")
    _, notes = find_cases(PrepareSection(scans_dir=tmp_path / "s", labels_dir=tmp_path / "l"))
    assert notes == [
        "2 scans have no label map, and are left out: b, c",
        "1 label maps have no scan, and are left out: d",
    ]
    touch(tmp_path / "x", "q.nii")
    for labels, words in (
        (tmp_path / "x", "no label map belongs"),
        (tmp_path / "none", "no such folder"),
        (None, "is not set"),
    ):
        with pytest.raises(MaskwrightError, match=words):
            find_cases(PrepareSection(scans_dir=tmp_path / "s", labels_dir=labels))
    touch(tmp_path / "s", "a.nrrd")
    with pytest.raises(MaskwrightError, match="are both patient 'a'"):
        find_cases(PrepareSection(scans_dir=tmp_path / "s", labels_dir=tmp_path / "l"))

"""A pattern that never ends is stopped and named, wherever one is read."""

import time

import pytest

from maskwright.config.schema import PrepareSection
from maskwright.data.neighbours import place_of
from maskwright.data.splits import patient_of
from maskwright.errors import MaskwrightError
from maskwright.patterns import find
from maskwright.prepare.cases import find_cases

ENDLESS, NAME = r"^((?:a|aa)+)$", "a" * 45 + "b"


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        (r"P(\d+)", "xP12-3", "12"),
        (r"^(.+?)-\d+$", "a-b-7", "a-b"),
        (r"(x)", "a", None),
        (r"^(?:a+)+(b)$", "a" * 40, None),
    ],
)
def test_patterns_find_what_they_say(pattern, name, found):
    match = find(pattern, name, "here")
    assert (match and match[1]) == found


@pytest.mark.parametrize(
    ("read", "where"),
    [
        (lambda folder: patient_of(NAME, ENDLESS), "patient_pattern"),
        (lambda folder: place_of(NAME, ENDLESS), "slice_pattern"),
        (
            lambda folder: find_cases(PrepareSection(scans_dir=folder, labels_dir=folder, scan_pattern=ENDLESS)),
            "scan_pattern",
        ),
    ],
)
def test_one_that_does_not_end_is_stopped_and_named(tmp_path, read, where):
    (tmp_path / f"{NAME}.nii").touch()
    begin = time.monotonic()
    with pytest.raises(MaskwrightError, match="does not come to an end") as caught:
        read(tmp_path)
    assert where in str(caught.value) and ENDLESS in str(caught.value)
    assert time.monotonic() - begin < 60  # it would take years

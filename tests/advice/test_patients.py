import pytest

from maskwright.advice.patients import candidates, chosen


def names(pattern, patients=6, each=3):
    return [pattern.format(p=p, s=s) for p in range(1, patients + 1) for s in range(each)]


@pytest.mark.parametrize(
    "pattern",
    ["PANCREAS_{p:04d}-cropped-0-{s}", "patient{p}_slice{s}", "case-{p}_{s:03d}", "sub-{p:02d}_T1_{s}", "{p}_{s}",
     "P{p:02d}-{s}", "TCGA_CS_49{p:02d}_{s}", "img {p} view {s}"],
)  # fmt: skip
def test_slices_of_a_patient_are_together(pattern):
    found = chosen(candidates({"all": names(pattern)}))
    assert found is not None and found.patients == 6 and found.names == 18


@pytest.mark.parametrize("pattern", ["img_{p}{s}", "{p}{s}", "photo"])
def test_numbers_alone_are_no_patients(pattern):
    found = candidates({"all": names(pattern)})
    assert chosen(found) is None and all(one.against for one in found)


def test_patients_in_two_of_the_given_parts_speak_against_a_pattern():
    """It would be refused as a leak, and may as well be no patient at all."""
    found = candidates({"train": names("P{p}-{s}"), "test": names("P{p}-9{s}")})
    assert chosen(found) is None and any("6 of them would be in several" in one.against for one in found)


def test_all_names_must_fit():
    assert chosen(candidates({"all": [*names("P{p}-{s}"), "another"]})) is None

"""What pyproject.toml promises of versions is what is tested: at the bound, or the bound is the version that CI runs."""

import re
import runpy
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
lowest = runpy.run_path(str(ROOT / ".ci" / "lowest.py"))["lowest"]


def test_every_requirement_has_one_lowest_version():
    lines = lowest(PROJECT)
    asked = [*PROJECT["dependencies"], *(one for group in PROJECT["optional-dependencies"].values() for one in group)]
    names = {re.match(r"[\w.-]+", one)[0].lower() for one in asked} - {"maskwright"}
    assert {line.split("==")[0] for line in lines} == names


def test_extras_that_are_not_tested_at_their_bound_ask_for_what_is_tested():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installed = re.search(r"lowest\.txt \\\s+-e '\.\[([\w,]+)\]'", makefile)[1].split(",")
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() + makefile.split()
    others = {
        name: group for name, group in PROJECT["optional-dependencies"].items() if name not in [*installed, "all"]
    }
    for line in lowest({"dependencies": [], "optional-dependencies": others}):
        bound = line.split(";")[0].strip()
        assert any(pin in (bound, f"{bound}.0") for pin in pins), f"{bound} is tested nowhere"


@pytest.mark.parametrize(
    ("requirements", "words"),
    [
        (["numpy"], "no lowest version"),
        (["numpy>=2.1,<3"], "no lowest version"),
        (["onnx>=1.18", "onnx>=1.19"], "1.18 and from 1.19"),
    ],
)
def test_what_has_no_lowest_version_is_refused(requirements, words):
    with pytest.raises(ValueError, match=words):
        lowest({"dependencies": requirements, "optional-dependencies": {}})

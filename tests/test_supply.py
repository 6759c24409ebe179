"""What CI installs is pinned by hashes to the versions of constraints.txt, and what is given away holds what it should."""

import json
import re
import runpy
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKED = sorted((ROOT / ".ci" / "locked").glob("*.txt"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
wrong_in = runpy.run_path(str(ROOT / ".ci" / "contents.py"))["wrong_in"]
BOM, AUDIT = (runpy.run_path(str(ROOT / ".ci" / f"{name}.py")) for name in ("bom", "audit"))


def pins(path):
    """Name and version of each, and how many hashes it has."""
    found = {}
    for entry in re.split(r"\n(?=\S)", path.read_text(encoding="utf-8").strip()):
        name, version = re.match(r"([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", entry).groups()
        found[name.lower().replace("_", "-").replace(".", "-")] = version, entry.count("--hash=sha256:")
    return found


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.stem)
def test_every_pin_has_hashes_and_the_version_that_constraints_name(path):
    known = dict(
        re.match(r"([\w.-]+)==(\S+)", line).groups()
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    )
    known = {name.lower().replace("_", "-").replace(".", "-"): version for name, version in known.items()}
    assert pins(path)
    for name, (version, hashes) in pins(path).items():
        assert hashes, name
        if path.stem in ("run", "dev", "zoo"):
            assert known.get(name, version) == version, name


@pytest.mark.parametrize(
    ("file", "extras", "groups"),
    [
        ("run", [], ["build"]),
        ("dev", ["onnx", "engines", "scans", "serve", "pretrained"], ["build", "dev"]),
        ("zoo", ["onnx", "scans", "zoo"], ["build", "dev"]),
    ],
)
def test_all_that_is_asked_for_is_locked(file, extras, groups):
    project = PYPROJECT["project"]
    asked = [*project["dependencies"], *(one for extra in extras for one in project["optional-dependencies"][extra])]
    asked += [one for group in groups for one in PYPROJECT["dependency-groups"][group]]
    names = {re.match(r"[\w.-]+", one)[0].lower().replace("_", "-") for one in asked}
    assert names <= pins(ROOT / ".ci" / "locked" / f"{file}.txt").keys()


def test_what_does_not_belong_into_a_package_is_found():
    good = ["maskwright/a.py", "maskwright/py.typed", "maskwright-1.dist-info/licenses/LICENSE"]
    within = ("maskwright/", "maskwright-1.dist-info/")
    assert wrong_in(good, within, ["maskwright/a.py"]) == []
    bad = [*good, "maskwright/tests/a.py", "other/b.py", "maskwright/scan.nii.gz"]
    assert wrong_in(bad, within, ["maskwright/c.py"]) == [
        "lacks maskwright/c.py", "holds maskwright/tests/a.py", "holds other/b.py",
        "holds maskwright/scan.nii.gz, of a kind that is neither code nor text",
    ]  # fmt: skip


def test_the_bill_names_the_viewers_libraries():
    found = {one["name"]: one for one in BOM["of_viewer"]()}
    assert found.keys() == {"@niivue/niivue", "swagger-ui-dist"}
    assert found["@niivue/niivue"]["purl"].startswith("pkg:npm/%40niivue/niivue@")
    assert all(one["licenses"][0]["license"]["id"] in ("BSD-2-Clause", "Apache-2.0", "MIT") for one in found.values())


def test_an_audit_without_an_answer_is_no_clean_one(monkeypatch, capsys):
    answers = {
        "a.txt": {"dependencies": [{"name": "x", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]},
                                   {"name": "y", "skip_reason": "not found"}]},
        "b.txt": {"dependencies": [{"name": "y", "skip_reason": "not found"}]},
    }  # fmt: skip

    def run(words, **_):
        answer = answers.get(words[-1])
        return subprocess.CompletedProcess(words, 0, json.dumps(answer) if answer else "", "no such host")

    monkeypatch.setattr(subprocess, "run", run)
    for files, code, words in (
        (["a.txt"], 1, "a.txt: 1 packages looked up, 1 could not be\nx 1: CVE-1, mended in 2\n"),
        (["b.txt", "c.txt"], 0, "b.txt: its data cannot be reached from here: nothing looked up\nc.txt: its data"),
    ):
        monkeypatch.setattr("sys.argv", ["audit.py", *files])
        assert AUDIT["main"]() == code and capsys.readouterr().out.startswith(words)

"""The house rules that a machine can check."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "maskwright"
FILES = sorted(SOURCE.rglob("*.py"))

# Who may import whom: nothing imports what stands to its left.
LAYERS = {
    "cli": 0, "demo": 1, "demo_tasks": 1, "phantoms": 8, "__main__": 0, "api": 2, "scoring": 2, "reporting": 2, "targets": 2, "serving": 2, "study": 1, "contact_sheet": 2, "learning_curve": 1, "repeat": 1, "doubts": 2,
    "training": 3, "exporting": 3, "inference": 4, "folders": 4, "evaluation": 5, "advice": 4,
    "precision": 5, "models": 6, "metrics": 6, "losses": 7, "keras_names": 8, "backend": 8,
    "augment": 7, "data": 8, "plan": 7, "prepare": 7, "volumes": 9, "config": 9, "labels": 9, "progress": 10, "shown": 10, "sheets": 10, "storage": 10,
    "untrusted": 10, "patterns": 10, "typed": 10, "environment": 11, "errors": 11, "ending": 11,
}  # fmt: skip


def name_of(path):
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imports(tree, *, top_only=False):
    nodes = tree.body if top_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_arrows_point_one_way(path):
    here = name_of(path)
    if here == "__init__":
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for module in imports(tree):
        parts = module.split(".")
        if parts[0] == "maskwright" and len(parts) > 1 and parts[1] != here:
            assert LAYERS[parts[1]] >= LAYERS[here], f"{here} must not import {parts[1]}"


@pytest.mark.parametrize(
    "room", ["labels", "data", "plan", "augment", "evaluation", "folders", "config", "volumes", "prepare", "cli"]
)
def test_these_rooms_never_import_keras(room):
    for path in (SOURCE / room).rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for module in imports(tree, top_only=room == "cli"):
            assert module.split(".")[0] not in {"keras", "tensorflow", "jax", "torch"}, path


def test_tensorflow_is_named_in_one_file_only():
    for path in FILES:
        names = {module.split(".")[0] for module in imports(ast.parse(path.read_text(encoding="utf-8")))}
        assert path.name == "backend.py" or not names & {"tensorflow", "jax", "torch"}, path


def test_files_fit_in_the_head():
    assert {
        path.name: lines for path in FILES if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 350
    } == {}


def test_nothing_from_a_file_is_ever_run():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in {"eval", "exec", "compile", "pickle.load", "pickle.loads", "os.system"}, path
                keywords = {word.arg: ast.unparse(word.value) for word in node.keywords}
                assert keywords.get("shell") != "True" and keywords.get("allow_pickle") != "True", path
                assert keywords.get("safe_mode") != "False", path


# What reads a file, or decodes one, whose content may be anything: in `untrusted/` only. Writing archives is no reading.
READS = {
    "json.load", "json.loads", "tomllib.load", "tomllib.loads", "np.load", "np.loadtxt", "np.genfromtxt", "csv.reader", "csv.DictReader",
    "zipfile.ZipFile", "gzip.open", "gzip.decompress", "ElementTree.parse", "ast.literal_eval", "tarfile.open", "onnx.load",
}  # fmt: skip
# Arguments in the configuration's own text (`Loss(gamma=2)`), one by one; a graph that was exported a moment before.
BY_THEMSELVES = {"keras_names.py", "int8.py"}


def test_files_that_may_lie_are_opened_by_one_door():
    found = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (called := ast.unparse(node.func)) in READS:
                writes = any(isinstance(one, ast.Constant) and one.value in ("w", "a") for one in node.args)
                if not writes and path.name not in BY_THEMSELVES:
                    found.add((path.relative_to(SOURCE).parts[0], called))
    assert {called for room, called in found if room == "untrusted"} >= {
        "json.loads", "tomllib.loads", "zipfile.ZipFile", "gzip.open", "ast.literal_eval"
    }  # fmt: skip
    # Rows of CSV are written and read by one file, so that no name in it is a formula.
    assert {one for one in found if one[0] != "untrusted"} == {("sheets.py", "csv.reader")}


def test_nothing_is_swallowed():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, f"{path}: bare except"

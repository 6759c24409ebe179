"""Whatever a command reads may be damaged: exit code 2 and the file's name, and never a mistake of ours."""

import io
import shutil
import zipfile

import numpy as np
import pytest

from maskwright.cli import main
from maskwright.training.run import Run

DAMAGE = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "noise": lambda data: np.random.default_rng(0).bytes(2000),
    "zeros": lambda data: bytes(len(data)),
}
TEXT = {
    "brackets": lambda data: b"[" * 100_000,
    "a list in a list": lambda data: b'{"a":' * 100_000,
    "digits": lambda data: b'{"format": ' + b"9" * 5000 + b"}",
    "values": lambda data: b'{"format": 1, "cases": 3, "warnings": 3, "train": 3}',
}
RESUMED = "train CONFIG --run RUN --resume --set train.epochs=6 --set train.learning_rate=0.01"
# Each file of a run and the command that reads it.
FILES = {
    "model.keras": "evaluate RUN", "checkpoints/last.npz": RESUMED, "history.csv": "report RUN",
    "plan.json": "evaluate RUN", "plan_thumbnails.npy": "evaluate RUN", "training_images.json": "evaluate RUN",
    "training_thumbnails.npy": "evaluate RUN", "evaluation.json": "report RUN", "per_patient.csv": "compare RUN RUN",
    "environment.json": "report RUN", "config.toml": "evaluate RUN",
}  # fmt: skip
# An empty configuration is one: all of it is default.
CASES = [
    (name, how)
    for name in FILES
    for how in (*DAMAGE, *(TEXT if name.endswith((".json", ".csv")) else ()))
    if (name, how) != ("config.toml", "empty")
]


@pytest.fixture(scope="module")
def evaluated(trained_once, tmp_path_factory):
    """A run that was scored."""
    run = shutil.copytree(trained_once, tmp_path_factory.mktemp("evaluated") / "run")
    assert main(["evaluate", str(run), "--quiet"]) == 0
    return run


def refused(capsys, run, command, name, trained_once):
    places = {"RUN": str(run), "CONFIG": str(trained_once.parent / "config.toml")}
    capsys.readouterr()
    code = main([*(places.get(word, word) for word in command.split()), "--quiet"])
    error = capsys.readouterr().err
    assert code == 2, error
    assert name in error and "mistake of Maskwright" not in error and "Traceback" not in error
    return error


@pytest.mark.parametrize(("name", "how"), CASES)
def test_a_damaged_file_of_a_run_is_named(evaluated, trained_once, tmp_path, capsys, name, how):
    run = shutil.copytree(evaluated, tmp_path / "run")
    path = run / name
    path.write_bytes((DAMAGE | TEXT)[how](path.read_bytes()))
    refused(capsys, run, FILES[name], path.name, trained_once)


@pytest.mark.parametrize("kept", range(1, 12))
def test_a_configuration_cut_between_two_lines(evaluated, trained_once, tmp_path, capsys, kept):
    """What is left is a sound configuration, with defaults for what is missing."""
    run = shutil.copytree(evaluated, tmp_path / "run")
    lines = (run / "config.toml").read_text().splitlines(keepends=True)
    (run / "config.toml").write_text("".join(lines[: len(lines) * kept // 12]))
    refused(capsys, run, "evaluate RUN", "config.toml", trained_once)


@pytest.mark.parametrize("command", ["compare RUN RUN", "report RUN"])
def test_a_table_cut_between_two_lines(evaluated, trained_once, tmp_path, capsys, command):
    run = shutil.copytree(evaluated, tmp_path / "run")
    lines = (run / "per_patient.csv").read_text().splitlines(keepends=True)
    (run / "per_patient.csv").write_text("".join(lines[:-1]))
    assert "were scored" in refused(capsys, run, command, "per_patient.csv", trained_once)


def test_an_evaluation_that_compare_reads(evaluated, trained_once, tmp_path, capsys):
    run = shutil.copytree(evaluated, tmp_path / "run")
    (run / "evaluation.json").write_bytes(b"[" * 100_000)
    refused(capsys, run, "compare RUN RUN", "evaluation.json", trained_once)


@pytest.mark.parametrize("changed", ["state", "v0", "v3"])
def test_a_checkpoint_of_other_values(evaluated, trained_once, tmp_path, capsys, changed):
    """An archive that is sound, with an array of another kind, or a state that is none."""
    run = Run(shutil.copytree(evaluated, tmp_path / "run"))
    buffer = io.BytesIO()
    np.save(buffer, np.frombuffer(b'{"epoch": -1}', np.uint8) if changed == "state" else np.array(["a"]))
    with (
        zipfile.ZipFile(trained_once / "checkpoints" / "last.npz") as old,
        zipfile.ZipFile(run.checkpoint_file, "w") as new,
    ):
        for name in old.namelist():
            new.writestr(name, buffer.getvalue() if name == f"{changed}.npy" else old.read(name))
    refused(capsys, run.path, FILES["checkpoints/last.npz"], "last.npz", trained_once)


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b'{"train": [' + b"9" * 5000 + b"]}",
        b'{"train": 3}',
        b"\xff\xfe",
        b'{"train": ["\\u0000"]}',
        b'{"cases": [{}]}',
    ],
)
def test_a_list_of_parts_that_is_none(config_file, tmp_path, capsys, text):
    (tmp_path / "split.json").write_bytes(text)
    assert main(["plan", str(config_file), "--set", f"data.split_file={tmp_path / 'split.json'}", "--quiet"]) == 2
    error = capsys.readouterr().err
    assert "split.json: " in error and "mistake" not in error


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "9" * 5000,
        "a" + ".a" * 200_000 + " = 1",
        "data = 3",
        "[data]\nimages = '\\u0000'\nx = \"\\u0000\"",
    ],
)
def test_a_configuration_that_is_none(tmp_path, capsys, text):
    (tmp_path / "c.toml").write_text(text)
    for more in ([], ["--set", "data.folds=3"]):
        assert main(["plan", str(tmp_path / "c.toml"), "--quiet", *more]) == 2
        error = capsys.readouterr().err
        assert "c.toml: " in error and "mistake" not in error

"""An interrupted prediction goes on: nothing is done twice, nothing is lost, and the results are the same."""

import os
import subprocess
import sys

import numpy as np
import pytest
from scans import SERIES_AFFINE

import maskwright as mw
from maskwright.data.images import read_image
from maskwright.errors import MaskwrightError
from maskwright.inference import journal as module
from maskwright.inference import scans as of_scans
from maskwright.inference.journal import NAME, Journal
from maskwright.inference.written import Masks
from maskwright.volumes import Volume
from maskwright.volumes.nifti import write_nifti


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def interrupted(monkeypatch, where, name, after):
    """A function that is stopped by the user at its call after so many."""
    original, calls = getattr(where, name), []

    def counted(*arguments, **more):
        calls.append(arguments)
        if len(calls) > after:
            raise KeyboardInterrupt
        return original(*arguments, **more)

    monkeypatch.setattr(where, name, counted)
    return calls


@pytest.mark.parametrize("after", [0, 1, 7, 23])
def test_pictures_go_on_where_they_were_stopped(trained_run, dataset, quiet, tmp_path, monkeypatch, after):
    wanted = {"overrides": ["predict.probabilities=true"], "reporter": quiet}
    mw.predict(trained_run, dataset / "images", output=tmp_path / "whole", **wanted)
    with monkeypatch.context() as patch:
        interrupted(patch, Masks, "write", after)
        with pytest.raises(KeyboardInterrupt):
            mw.predict(trained_run, dataset / "images", output=tmp_path / "out", **wanted)
    assert len([*(tmp_path / "out").glob("*.png")]) == after and (tmp_path / "out" / NAME).exists()
    with monkeypatch.context() as patch:
        calls = interrupted(patch, Masks, "write", 99)
        found = mw.predict(trained_run, dataset / "images", output=tmp_path / "out", **wanted)
    assert len(calls) == 24 - after, "what was done is not done again"
    assert len(found.masks) == 24 and contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert not [*tmp_path.glob("out_*")]


def test_other_settings_and_changed_pictures_are_made_anew(trained_run, dataset, quiet, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        interrupted(patch, Masks, "write", 5)
        with pytest.raises(KeyboardInterrupt):
            mw.predict(trained_run, dataset / "images", output=tmp_path / "out", reporter=quiet)
    first = sorted((dataset / "images").iterdir())[0]
    os.utime(first, ns=(1, 1))
    with monkeypatch.context() as patch:
        calls = interrupted(patch, Masks, "write", 8)
        with pytest.raises(KeyboardInterrupt):
            mw.predict(trained_run, dataset / "images", output=tmp_path / "out", reporter=quiet)
        assert calls[0][1].files.name == first.stem and len(calls) == 9
    mw.predict(
        trained_run, dataset / "images", output=tmp_path / "out", overrides=["predict.threshold=0.9"], reporter=quiet
    )
    (kept,) = tmp_path.glob("out_*")
    assert len([*kept.glob("*.png")]) == 12 and (kept / NAME).exists(), "those of 0.5 are put aside, not mixed in"


def test_a_file_of_another_is_never_taken_for_ours(trained_run, dataset, quiet, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        interrupted(patch, Masks, "write", 5)
        with pytest.raises(KeyboardInterrupt):
            mw.predict(trained_run, dataset / "images", output=tmp_path / "out", reporter=quiet)
    last = sorted((dataset / "images").iterdir())[-1].stem
    (tmp_path / "out" / f"{last}.png").write_bytes(b"mine")
    with monkeypatch.context() as patch:
        interrupted(patch, Masks, "write", 3)
        with pytest.raises(KeyboardInterrupt):
            mw.predict(trained_run, dataset / "images", output=tmp_path / "out", reporter=quiet)
    with monkeypatch.context() as patch:
        calls = interrupted(patch, Masks, "write", 99)
        mw.predict(trained_run, dataset / "images", output=tmp_path / "out", reporter=quiet)
    assert len(calls) == 21, "what was put aside is made anew, and that is what goes on"
    (kept,) = tmp_path.glob("out_*")
    assert (kept / f"{last}.png").read_bytes() == b"mine"
    assert read_image(tmp_path / "out" / f"{last}.png").shape == (32, 32)


def test_scans_go_on_with_their_measures(trained_run, quiet, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for number in range(3):
        write_nifti(
            Volume(rng.normal(0, 99, (4, 32, 32)).astype(np.int16), SERIES_AFFINE),
            tmp_path / "in" / f"P{number}.nii.gz",
        )
    trained = scan_model(trained_run)
    mw.predict(trained, tmp_path / "in", output=tmp_path / "whole", reporter=quiet)
    with monkeypatch.context() as patch:
        interrupted(patch, of_scans, "_write", 2)
        with pytest.raises(KeyboardInterrupt):
            mw.predict(trained, tmp_path / "in", output=tmp_path / "out", reporter=quiet)
    with monkeypatch.context() as patch:
        calls = interrupted(patch, of_scans, "_write", 9)
        found = mw.predict(trained, tmp_path / "in", output=tmp_path / "out", reporter=quiet)
    assert len(calls) == 1 and len(found.masks) == 3
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def scan_model(run):
    from dataclasses import replace

    from maskwright.models.saving import change_metadata, read_metadata

    rule = read_metadata(run.path / "model.keras").input_rule
    change_metadata(run.path / "model.keras", input_rule=replace(rule, window="abdomen"))
    return run.path / "model.keras"


def test_a_line_that_was_cut_does_not_count(tmp_path):
    source = tmp_path / "a.png"
    source.touch()
    journal = Journal(tmp_path, {"x": 1})
    journal.start()
    journal.begin("a")
    journal.finish("a", [source], [source])
    text = (tmp_path / NAME).read_text(encoding="utf-8")
    for length in range(len(text)):
        (tmp_path / NAME).write_text(text[:length], encoding="utf-8")
        again = Journal(tmp_path, {"x": 1})
        assert again.done("a", [source]) is None or length == len(text)
    (tmp_path / NAME).write_text(text, encoding="utf-8")
    assert Journal(tmp_path, {"x": 1}).done("a", [source])["files"] == [str(source)]
    assert not Journal(tmp_path, {"x": 2}).goes_on
    for odd in ("[" * 10_000 + "\n", "5\n", "\xff\n", '{"made with": 3}\n{"done": {}}\n'):
        (tmp_path / NAME).write_bytes(odd.encode("latin-1"))
        assert not Journal(tmp_path, {"x": 1}).goes_on
    with pytest.raises(MaskwrightError, match="cannot be read"):
        module.Journal(tmp_path, 1).finish("b", [tmp_path / "gone.png"], [])


def test_what_a_killed_process_left_half_written_goes(tmp_path):
    """Its own temporary files; those of a process that lives, and files of the user's, stay."""
    code = (
        "import os, sys, signal, pathlib; from maskwright.storage import atomic\n"
        "with atomic(pathlib.Path(sys.argv[1]) / 'a.png') as path:\n"
        "    path.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == -9
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".a~")
    mine = tmp_path / ".a~notes-1-2-3.png"
    mine.touch()
    living = tmp_path / left.name.replace(left.name.split("-")[1], f"{os.getppid():x}")
    living.touch()
    code = "import sys, pathlib; from maskwright.storage import write_text; write_text(pathlib.Path(sys.argv[1]) / 'b', 'x')"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert {path.name for path in tmp_path.iterdir()} == {"b", mine.name, living.name}

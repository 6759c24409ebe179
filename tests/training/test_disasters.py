"""What happens to a training when its disk is full, read-only or taken away: said plainly, and nothing is lost."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest
from kills import halves

from conftest import CONFIG, write_dataset

EPOCHS = 25
SETS = [word for one in (f"train.epochs={EPOCHS}", "train.steps_per_epoch=4", "train.patience=0", "model.num_layers=1",
                         "data.cache=false") for word in ("--set", one)]  # fmt: skip


def mounted(*words):
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


@pytest.fixture
def mount(tmp_path):
    """A small file system of its own that tests may fill and take away."""
    place = tmp_path / "mount"
    place.mkdir()
    if os.name != "posix" or not mounted("-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)):
        pytest.skip("file systems can be mounted by an administrator on Linux only")
    yield place
    subprocess.run(["umount", "-l", str(place)], capture_output=True, check=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Weights and optimiser of the training that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole")
    prepared(folder)
    done = subprocess.run(command(folder, folder / "run"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "run" / "checkpoints" / "last.npz"


def prepared(folder):
    write_dataset(folder / "dataset")
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")


def command(folder, run, *more):
    return [sys.executable, "-m", "maskwright", "train", str(folder / "config.toml"), "--run", str(run), *SETS, *more]


def struck(folder, run, strike):
    """Train, and do something to the file system after three epochs; the exit code and what was said."""
    process = subprocess.Popen(command(folder, run), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        history = run / "history.csv"
        if history.exists() and len(history.read_text(encoding="utf-8").splitlines()) > 3:
            break
        time.sleep(0.005)
    assert process.poll() is None, process.communicate()[1]
    strike()
    said = process.communicate(timeout=120)[1]
    return process.returncode, said


def same(one, other):
    with np.load(one) as whole, np.load(other) as found:
        return whole.files == found.files and all(
            np.array_equal(whole[name], found[name]) for name in whole.files if name != "state"
        )


def resumed(folder, run):
    done = subprocess.run(command(folder, run, "--resume"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return run / "checkpoints" / "last.npz"


@pytest.mark.slow
@pytest.mark.parametrize("disaster", ["full", "read-only", "taken away"])
def test_of_the_run_folder(disaster, mount, whole, tmp_path):
    prepared(tmp_path)
    run, filler, again = mount / "run", mount / "filler", tmp_path / "again"
    again.mkdir()
    subprocess.run(["mount", "--bind", str(mount), str(again)], check=True)  # the disk, wherever its folder goes

    def strike():
        if disaster == "full":
            with filler.open("wb") as file:
                try:
                    while True:
                        file.write(bytes(1 << 16))
                        file.flush()
                except OSError:
                    pass
        elif disaster == "read-only":
            subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
        else:
            subprocess.run(["umount", "-l", str(mount)], check=True)

    try:
        code, said = struck(tmp_path, run, strike)
        assert code == 2 and said.count("Traceback") == 0, said
        assert str(mount) in said and "--resume" in said, said
        if disaster == "taken away":
            assert not any(mount.iterdir()), "nothing is written into the folder that was under it"
            subprocess.run(["mount", "--bind", str(again), str(mount)], check=True)
        elif disaster == "read-only":
            subprocess.run(["mount", "-o", "remount,rw", str(mount)], check=True)
        else:
            filler.unlink()
        assert not halves(run)
        assert same(whole, resumed(tmp_path, run))
    finally:
        subprocess.run(["umount", "-l", str(again)], capture_output=True, check=False)


@pytest.mark.slow
def test_of_the_pictures(mount, whole, tmp_path):
    """A network folder that is gone, and comes back."""
    store = tmp_path / "store"
    write_dataset(store)
    subprocess.run(["umount", "-l", str(mount)], check=True)
    subprocess.run(["mount", "--bind", str(store), str(mount)], check=True)
    text = CONFIG.replace('"dataset/', f'"{mount}/')
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    run = tmp_path / "run"
    code, said = struck(tmp_path, run, lambda: subprocess.run(["umount", "-l", str(mount)], check=True))
    assert code == 2 and "Traceback" not in said and f"{mount}/images" in said and "--resume" in said, said
    assert not halves(run)
    subprocess.run(["mount", "--bind", str(store), str(mount)], check=True)
    assert same(whole, resumed(tmp_path, run))


def test_a_clock_that_jumps_changes_nothing(tmp_path, quiet, monkeypatch):
    """Time is taken by a clock that only goes on; the other one names folders."""
    import maskwright as mw

    prepared(tmp_path)
    overrides = ["train.epochs=2", "model.num_layers=1", "train.minutes=30", "train.checkpoint_minutes=1"]
    found = []
    for name, jumps in (("still", [0.0]), ("jumps", [0.0, -4e8, 4e8])):
        with monkeypatch.context() as patched:
            real, count = time.time, iter(range(10**9))
            patched.setattr(time, "time", lambda jumps=jumps: real() + jumps[next(count) % len(jumps)])  # noqa: B023
            run = mw.train(tmp_path / "config.toml", overrides=overrides, run_dir=tmp_path / name, reporter=quiet)
        found.append(run)
        assert len(run.history()) == 2 and all(0 < row["seconds"] < 600 for row in run.history())
    assert same(*(run.checkpoint_file for run in found))

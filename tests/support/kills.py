"""Commands in processes that are killed at random moments, forked from one that has imported everything already."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import multiprocessing
import os
import random
import time
import zipfile
from pathlib import Path

import cv2
import numpy as np

PRELOADED = ["tensorflow", "keras", "maskwright.cli", "maskwright.training.train", "maskwright.training.adversarial"]


def command(words: list[str]) -> None:
    """A command, in a child; its words go nowhere."""
    from maskwright.cli import main

    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):  # noqa: PTH123
        os._exit(main(words))


class Killer:
    """Starts a command again and again, and kills it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(PRELOADED)

    def run(self, words: list[str]) -> float:
        """Run a command to its end; its seconds."""
        begin = time.monotonic()
        process = self.context.Process(target=command, args=(words,))
        process.start()
        process.join()
        assert process.exitcode == 0, f"ended with {process.exitcode}: maskwright {' '.join(words)}"
        return time.monotonic() - begin

    def interrupt(self, words: list[str], longest: float) -> bool:
        """Run a command, and kill it within so many seconds; whether it was killed before its end."""
        process = self.context.Process(target=command, args=(words,))
        process.start()
        process.join(self.random.uniform(0, longest))
        if process.exitcode is not None:
            assert process.exitcode == 0, f"{words} ended with {process.exitcode}"
            return False
        process.kill()
        process.join()
        return True


def halves(folder: Path) -> list[str]:
    """Files in a folder that are there in part; those that are being written have hidden names, and are left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name.startswith("."):
            continue
        try:
            _read(path)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it
            found.append(f"{path.relative_to(folder)}: {error}")
    return found


def _read(path: Path) -> None:
    data = path.read_bytes()
    if path.suffix == ".json":
        json.loads(data)
    elif path.suffix in (".npz", ".npy"):
        loaded = np.load(io.BytesIO(data))
        for name in getattr(loaded, "files", ()):
            loaded[name].sum()
    elif path.suffix in (".png", ".jpg"):
        assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) is not None, "no picture"
    elif path.suffix == ".keras":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
    elif path.suffix == ".csv":
        text = data.decode()
        rows = list(csv.reader(io.StringIO(text)))
        assert text.endswith("\n") and len({len(row) for row in rows}) == 1, "cut off"


def contents(folder: Path, without: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Every file of a folder by its name in it.

    Args:
        without: names of files that say when, or how fast.
    """
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in without
    }


def write_balls(folder: Path, patients: int = 5, shape: tuple[int, int, int] = (10, 20, 24)) -> None:
    """Scans with a bright ball, in `scans` and `labels` of a folder, as NIfTI."""
    from scans import SERIES_AFFINE

    from maskwright.volumes import Volume
    from maskwright.volumes.nifti import write_nifti

    rng = np.random.default_rng(2)
    places = np.indices(shape)
    for number in range(patients):
        centre = [rng.uniform(0.35, 0.65) * edge for edge in shape]
        inside = sum((axis - c) ** 2 for axis, c in zip(places, centre, strict=True)) < (0.3 * min(shape)) ** 2
        values = np.where(inside, 150, -50) + rng.normal(0, 30, shape)
        for kind, array in (("scans", np.rint(values).astype(np.int16)), ("labels", inside.astype(np.uint8))):
            write_nifti(Volume(array, SERIES_AFFINE), folder / kind / f"P{number}.nii.gz")

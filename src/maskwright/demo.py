"""The whole way on made-up data: phantoms, training, evaluation, prediction, pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskwright import api
from maskwright.data.images import read_image
from maskwright.data.pairs import Pair
from maskwright.data.preprocess import resize_label
from maskwright.data.records import read_label
from maskwright.demo_tasks import CONFIG_NAME, TASKS, Task
from maskwright.inference.overlay import overlay
from maskwright.labels.rule import LabelRule
from maskwright.progress import Reporter
from maskwright.storage import keep_aside, write_bytes, write_text
from maskwright.targets import pairs_of
from maskwright.training.run import Run

_EDGE = 288  # px of a slice in the picture
_SHOWN = 8  # test cases
_ENOUGH = 100  # px of structures that a slice must have to be shown


@dataclass(frozen=True)
class Demo:
    """Where the demonstration's results lie."""

    folder: Path
    run: Path
    picture: Path
    summary: dict[str, Any]


def make_data(task: Task, folder: Path, reporter: Reporter, *, epochs: int, cases: int, seed: int) -> None:
    """Phantoms and their configuration; those of an earlier demonstration are put aside under a dated name."""
    if kept := keep_aside(folder, ours=CONFIG_NAME):
        reporter.say(f"kept the earlier demonstration as {kept}")
    with reporter.task("making phantoms", cases, "cases") as advance:
        task.write(folder / "dataset", cases, seed, advance)
    write_text(folder / CONFIG_NAME, task.config.replace("EPOCHS", str(epochs)))


def run_demo(
    folder: Path,
    reporter: Reporter,
    *,
    task: str = "abdomen",
    epochs: int | None = None,
    cases: int | None = None,
    seed: int = 137,
) -> Demo:
    """Make phantoms, train, evaluate on cases not seen, predict, and draw; some minutes on two cores.

    Args:
        task: a name of `TASKS`. epochs, cases: as many as the task usually has where None.
    """
    chosen = TASKS[task]
    make_data(chosen, folder, reporter, epochs=epochs or chosen.epochs, cases=cases or chosen.cases, seed=seed)
    loaded = api.load_config(folder / CONFIG_NAME, run_dir=folder / "run")
    run = api.train(loaded, reporter=reporter)
    evaluation = api.evaluate(loaded, reporter=reporter)
    test = pairs_of(loaded, "test", reporter)
    api.predict(loaded, [pair.image for pair in test], reporter=reporter)
    picture = folder / "demo.png"
    plan = run.plan()
    assert plan is not None, "a training writes it"
    tiles = _volume_tiles(run, test) if chosen.volumes else _tiles(run, test, plan.label_rule)
    write_bytes(picture, cv2.imencode(".png", sheet(tiles)[..., ::-1])[1].tobytes())
    return Demo(folder, run.path, picture, evaluation.summary)


def _tiles(run: Run, test: list[Pair], rule: LabelRule) -> list[np.ndarray]:
    truths = [(pair, read_label(pair.mask, rule)) for pair in test]
    filled = [(pair, truth) for pair, truth in truths if (truth > 0).sum() > _ENOUGH]
    chosen = [filled[i] for i in np.linspace(0, len(filled) - 1, min(_SHOWN, len(filled))).astype(int)]
    tiles = []
    for pair, truth in chosen:
        found = read_label(run.predictions / f"{pair.name}.png", rule)
        tiles.append(_tile(read_image(pair.image), found, truth))
    return tiles


def _volume_tiles(run: Run, test: list[Pair]) -> list[np.ndarray]:
    """Of each volume the slice with the most of its structures, and one above."""
    from maskwright.volumes.read import read_labels, read_volume

    tiles = []
    for pair in test[: _SHOWN // 2]:
        scan, truth = read_volume(pair.image), read_labels(pair.mask)
        found = read_labels(run.predictions / f"{pair.name}.nii.gz", scan)
        best = int((truth.array > 0).sum(axis=(1, 2)).argmax())
        for place in (best, min(best + 4, len(truth.array) - 1)):
            tiles.append(_tile(scan.array[place], found.array[place], truth.array[place]))
    return tiles


def _tile(image: np.ndarray, found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """A picture with prediction and truth; enlarged before the outlines are drawn, so that they stay fine."""
    scale = _EDGE / max(image.shape[:2])
    height, width = (round(edge * scale) for edge in image.shape[:2])
    large = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    prediction, outline = (resize_label(one.astype(np.uint8), height, width) for one in (found, truth))
    drawn = overlay(large, prediction, (255, 220, 0), outline)
    return np.pad(drawn, ((0, _EDGE - height), (0, _EDGE - width), (0, 0)))


def sheet(pictures: list[np.ndarray], columns: int = 4) -> np.ndarray:
    """Pictures of one size side by side, `(H, W, 3)` uint8."""
    tiles = pictures + [np.zeros_like(pictures[0])] * (-len(pictures) % columns)
    rows = [np.concatenate(tiles[i : i + columns], axis=1) for i in range(0, len(tiles), columns)]
    return np.concatenate(rows)

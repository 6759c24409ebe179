"""How good is what `init --time` plans, on six tasks, beside what people use today in the same time?

    python benchmarks/accuracy.py DATA [--tasks vessels membranes] [--seeds 0 1 2] [--share 1.0] [--work FOLDER]
                                       [--peers smp_random smp_pretrained reference]

DATA holds the folders that TASKS names. Training sees the parts `train` and `valid` alone; the test's masks are opened
by the judge (`_judge.py`) and by `maskwright score`, after the last prediction. Each training has the task's minutes,
from the first command to the last epoch; `--share` of them for a quick look. Peers run in environments of their own
(`_accuracy_peers.py` says how to make them); `reference` is the reference system's way in our own code. One run after
the other, never two at once.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from _judge import judge

HERE = Path(__file__).resolve().parent
MASKWRIGHT = Path(sys.executable).with_name("maskwright")


@dataclass(frozen=True)
class Task:
    """A data set, its time, and the facts about it that nobody can see in its files."""

    folder: str
    minutes: float
    classes: int = 1
    ignore: int | None = None
    pattern: str | None = None

    def facts(self) -> list[str]:
        """As `--set` takes them."""
        return [f"mask.ignore={self.ignore}"] if self.ignore is not None and self.classes > 1 else []


TASKS = {
    "pancreas-slices": Task("pancreas-slices", 30, pattern=r"PANCREAS_(\d+)"),
    "hippocampus": Task("hippocampus", 40, classes=3),
    "nuclei": Task("pictures/nuclei", 15),
    "vessels": Task("pictures/vessels", 15, ignore=255),
    "membranes": Task("pictures/membranes", 15),
    "streets": Task("pictures/streets", 15, classes=11, ignore=11),
}


def main() -> None:
    """Train, predict, judge, and print a table and a line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--peers", nargs="*", default=[])
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--work", type=Path, default=Path("accuracy"))
    parser.add_argument("--set", nargs="*", default=[], help="keys for ours, to try something; then it is no plan")
    options = parser.parse_args()
    results = []
    for name in options.tasks:
        task = TASKS[name]
        learn, test = split(options.data / task.folder, options.work / "data" / name)
        for who, seed in [("maskwright", seed) for seed in options.seeds] + [(peer, 0) for peer in options.peers]:
            folder = options.work / f"{name}-{who}-{seed}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            begin = time.perf_counter()
            minutes = task.minutes * options.share
            if who == "maskwright":
                ours(task, learn, test, folder, minutes, seed, options.set)
            elif who == "reference":
                reference(task, learn, test, folder, minutes)
            else:
                peer(who, task, learn, test, folder, minutes)
            dice = judge(folder / "masks", test / "masks", task.classes, task.ignore, task.pattern)
            mean = statistics.fmean(dice.values())
            results.append({"task": name, "who": who, "seed": seed, "dice": round(mean, 4), "cases": len(dice),
                            "worst": round(min(dice.values()), 4), "by_score": by_score(folder),
                            "minutes": round((time.perf_counter() - begin) / 60, 1)})  # fmt: skip
            print(json.dumps(results[-1]), flush=True)
    print(f"{'task':<18}{'who':<18}{'Dice':>8}{'seeds':>7}")
    for name, who in dict.fromkeys((row["task"], row["who"]) for row in results):
        found = [row["dice"] for row in results if (row["task"], row["who"]) == (name, who)]
        print(f"{name:<18}{who:<18}{statistics.fmean(found):>8.3f}{len(found):>7}")


def split(source: Path, target: Path) -> tuple[Path, Path]:
    """What is learnt from, and what is kept for the test (`images`, `masks`), as links.

    A folder without a test part gives every fourth case of it, in name order.
    """
    shutil.rmtree(target, ignore_errors=True)
    learn, test = target / "learn", target / "test"
    if (source / "test").is_dir():
        learn.mkdir(parents=True)
        for part in ("train", "valid"):
            (learn / part).symlink_to((source / part).resolve())
        test.symlink_to((source / "test").resolve())
        return learn, test
    for part, kind in (("imagesTr", "images"), ("labelsTr", "masks")):
        for folder in (learn / part, test / kind):
            folder.mkdir(parents=True)
        for place, path in enumerate(sorted((source / part).glob("*.nii.gz"))):
            ((test / kind if place % 4 == 3 else learn / part) / path.name).symlink_to(path.resolve())
    return learn, test


def ours(task: Task, learn: Path, test: Path, folder: Path, minutes: float, seed: int, more: list[str]) -> None:
    """`init`, `train`, `predict` and `score`, as a user would."""
    sets = [f"--set={text}" for text in [*task.facts(), f"train.seed={seed}", *more]]
    run(["init", learn, "--time", f"{minutes}m", "--output", folder / "config.toml", *sets], folder / "init.log")
    run(["train", folder / "config.toml", "--run", folder / "run"], folder / "train.log")
    predicted(test, folder)
    score(task, test, folder)


def reference(task: Task, learn: Path, test: Path, folder: Path, minutes: float) -> None:
    """The reference system's way in our code: its pancreas project's network and training, squeezed to 512x512.

    Masks are made larger by two pixels, as its blur of 5x5 makes them; those of several classes stay as they are. Its
    epochs of 200 steps are 50 here, because a training ends with an epoch.
    """
    if not (learn / "train").is_dir():
        raise SystemExit(f"the reference takes pictures, and {task.folder} are scans")
    keys = []
    for part in ("train", "valid"):
        masks = folder / "learn" / part / "masks"
        masks.mkdir(parents=True)
        for path in sorted((learn / part / "masks").iterdir()):
            mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            if task.classes == 1:
                known = mask != task.ignore if task.ignore is not None else np.ones_like(mask, bool)
                least = 74 if mask[known].max(initial=0) > 1 else 1  # its threshold; some masks hold 0 and 1
                sharp = np.where(known & (mask >= least), 255, 0).astype(np.uint8)
                mask = np.where(cv2.blur(sharp, (5, 5)) > 0, 255, 0)
            cv2.imwrite(str(masks / f"{path.stem}.png"), mask.astype(np.uint8))
        keys.append(f'[data.{part}]\nimages = "{learn / part / "images"}"\nmasks = "{masks}"\n')
    several = task.classes > 1
    keys.append("[mask]\nignore = " + str(task.ignore) + "\n" if several and task.ignore is not None else "")
    keys.append(
        f'[model]\nname = "TensorflowUNet"\nimage_width = 512\nimage_height = 512\nnum_classes = {task.classes}\n'
        "num_layers = 7\nbase_filters = 16\nbase_kernels = [5, 5]\ndilation = [2, 2]\ndropout_rate = 0.08\n"
        f"normalization = false\n[train]\nminutes = {minutes}\nepochs = 100\nsteps_per_epoch = 50\nbatch_size = 4\n"
        f'loss = "{"categorical_crossentropy" if several else "bce_iou_loss"}"\nmetrics = ["binary_accuracy"]\n'
        "learning_rate = 0.0001\nclipvalue = 0.5\npatience = 10\nlearning_rate_reducer = false\n"
    )
    (folder / "config.toml").write_text("\n".join(keys), encoding="utf-8")
    run(["train", folder / "config.toml", "--run", folder / "run"], folder / "train.log")
    predicted(test, folder)
    score(task, test, folder)


def predicted(test: Path, folder: Path) -> None:
    """Masks of the test part, and nothing beside them."""
    run(["predict", folder / "run", test / "images", "--output", folder / "masks", "--set", "predict.overlays=false"],
        folder / "predict.log")  # fmt: skip
    for beside in ("measures.csv", "predictions.json"):
        (folder / "masks" / beside).unlink(missing_ok=True)


def score(task: Task, test: Path, folder: Path) -> None:
    """Maskwright's own scores of the masks, beside the judge's."""
    words = ["score", folder / "masks", test / "masks", "--output", folder / "scores"]
    words += ["--patient-pattern", task.pattern] if task.pattern else []
    words += [f"--set=mask.ignore={task.ignore}"] if task.ignore is not None else []
    words += ["--classes", task.classes] if task.classes > 1 else []
    run(words, folder / "score.log")


def by_score(folder: Path) -> float:
    """The mean that `maskwright score` found."""
    found = json.loads((folder / "scores" / "evaluation.json").read_text(encoding="utf-8"))
    return round(found["per_patient"]["dice"]["mean"], 4)


def peer(who: str, task: Task, learn: Path, test: Path, folder: Path, minutes: float) -> None:
    """Another package, in its own environment."""
    python = HERE / ".peers-smp" / "bin" / "python"
    facts = ["--classes", task.classes, "--minutes", minutes]
    facts += ["--ignore", task.ignore] if task.ignore is not None else []
    words = [python, HERE / "_accuracy_peers.py", who, learn, test / "images", folder / "masks", *facts]
    command(words, folder / "peer.log")
    score(task, test, folder)


def run(words: list[object], log: Path) -> None:
    """A command of Maskwright."""
    command([MASKWRIGHT, *words], log)


def command(words: list[object], log: Path) -> None:
    """A process whose words go into a file; it must succeed."""
    with log.open("w", encoding="utf-8") as file:
        subprocess.run([str(word) for word in words], stdout=file, stderr=subprocess.STDOUT, check=True)


if __name__ == "__main__":
    main()

"""Training again what a run recorded, and comparing: same in, same out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.config import load
from maskwright.errors import MaskwrightError
from maskwright.models.saving import load_model
from maskwright.plan.changes import require_same
from maskwright.progress import Reporter
from maskwright.training.lock import only_one
from maskwright.training.run import Run, open_run
from maskwright.training.train import train
from maskwright.untrusted.text import read_json

TOLERANCE = 0.02  # of the Dice of validation patients, on another machine or with other versions
_TIMED = ("seconds", "images_per_second", "waiting")
_ENVIRONMENT = {"?versions": {str: (str, None)}, "?platform": (str, None), "?processor": (str, None)}
_ALIKE = ("versions", "platform", "processor")


def repeat(folder: Path, output: Path, reporter: Reporter) -> dict[str, Any]:
    """Train again by the configuration, the plan and the epochs that a run recorded.

    Args:
        output: run folder of the repetition; one that was interrupted goes on.

    Returns:
        `same` (to the last bit), `alike` (within `TOLERANCE`, where that is what can be asked for), `machine` (what of
        it differs), and the largest differences: `weights`, `history`, `dice`.

    Raises:
        MaskwrightError: the run has no plan, or its files are not what they were.
    """
    first = open_run(folder)
    plan = first.plan()
    if plan is None:
        raise MaskwrightError("has no plan.json, so what it trained on is not known", where=folder, fix="Train anew.")
    loaded = load(first.config_file, run_dir=output)
    require_same(plan, loaded.config, first.path, reporter)
    # What a training writes outside of its run folder, or ends it, changes no weight, and is the first one's.
    aside = {
        "minutes": None,
        "model_dir": None,
        "eval_dir": None,
        "epoch_change_infer": False,
        "epoch_change_tiledinfer": False,
    }
    settings = loaded.config.train.model_copy(update=aside)
    augmentation = loaded.config.augmentation.model_copy(update={"debug": False})
    config = loaded.config.model_copy(update={"train": settings, "augmentation": augmentation})
    loaded = replace(loaded, config=config)
    with only_one(output):
        second = train(loaded, reporter, resume=True, allow_leak=True, plan=plan, replay=first.history())
    return compared(first, second)


def compared(first: Run, second: Run) -> dict[str, Any]:
    """What differs between two runs; see `repeat`."""
    machine = _differing(first, second)
    weights = _largest(*(load_model(run.model_file)[0].get_weights() for run in (first, second)))
    rows = [[[value for name, value in row.items() if name not in _TIMED] for row in run.history()]
            for run in (first, second)]  # fmt: skip
    history = _largest(*rows)
    scores = [run.validation() for run in (first, second)]
    each = [[one.get(case, math.nan) for case in sorted({*scores[0], *scores[1]})] for one in scores]
    dice = _largest(*each)
    mean = abs(float(np.nanmean(each[0])) - float(np.nanmean(each[1]))) if each[0] else 0.0
    same = weights == history == dice == 0
    return {
        "same": same,
        "alike": same or (bool(machine) and mean <= TOLERANCE),
        "machine": machine,
        "weights": weights,
        "history": history,
        "dice": dice,
        "mean_dice": mean,
        "run": second.path,
    }


def _differing(first: Run, second: Run) -> dict[str, list[Any]]:
    """What of the machine and its software is other than it was."""
    one, other = (_facts(run) for run in (first, second))
    return {
        name: [one.get(name), other.get(name)] for name in sorted({*one, *other}) if one.get(name) != other.get(name)
    }


def _facts(run: Run) -> dict[str, Any]:
    fix = "Put it back; without it nobody knows what the run was trained with."
    plain = read_json(run.environment_file, fix=fix, like=_ENVIRONMENT)
    found = {name: plain.get(name) for name in _ALIKE}
    return {**{f"version of {key}": value for key, value in (found.pop("versions") or {}).items()}, **found}


def _largest(one: Sequence[Any], other: Sequence[Any]) -> float:
    """The largest difference between numbers of two lists of arrays; infinite where they are not of one shape."""
    if len(one) != len(other):
        return math.inf
    most = 0.0
    for a, b in zip(one, other, strict=True):
        x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
        if x.shape != y.shape or (np.isnan(x) != np.isnan(y)).any():
            return math.inf
        if x.size:
            most = max(most, float(np.nan_to_num(np.abs(x - y)).max()))
    return most

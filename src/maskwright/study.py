"""A run for each combination of settings, and a table of them; what was done already is not done again."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskwright import api
from maskwright.config import Configuration
from maskwright.errors import MaskwrightError
from maskwright.evaluation.compare import Patients, compare, read_patients
from maskwright.plan import Plan
from maskwright.plan.choices import choice_on
from maskwright.plan.files import NAME, write_plan
from maskwright.plan.make import make_plan
from maskwright.plan.shared import shared_plan
from maskwright.plan.source import differences
from maskwright.progress import Reporter
from maskwright.training.run import note_choice

_SEED = "train.seed"
_OUTSIDE = re.compile(r",(?![^\[({]*[\])}])")  # commas that separate values, not those in lists


def combinations(each: Sequence[str]) -> list[dict[str, str]]:
    """Every combination of `section.key=value,value,…`; the last key changes fastest.

    Raises:
        MaskwrightError: an entry without key, or without a value.
    """
    keys, choices = [], []
    for entry in each:
        key, sign, text = entry.partition("=")
        values = [value.strip() for value in _OUTSIDE.split(text)]
        if not sign or "." not in key or not all(values):
            raise MaskwrightError(
                f"is not of the form section.key=value,value: {entry!r}",
                where="--each",
                fix="For example: --each model.name=unet,attention_unet",
            )
        keys.append(key.strip())
        choices.append(values)
    return [dict(zip(keys, values, strict=True)) for values in itertools.product(*choices)]


def run_study(
    config: str | Path,
    each: Sequence[str],
    reporter: Reporter,
    *,
    overrides: Sequence[str] = (),
    run_dir: str | Path | None = None,
    allow_leak: bool = False,
) -> dict[str, Any]:
    """Train each combination into a folder of its own, score it on the validation patients, and compare.

    The validation patients, because the test is for what is chosen here. Runs that differ in nothing but `train.seed`
    become one row, of each patient's mean over them.

    Returns:
        `folder`; `runs`, each with its `settings` and `path`; `table` as `compare` gives it.

    Raises:
        MaskwrightError: a setting that is not accepted, before anything is trained.
    """
    chosen = combinations(each)
    seed = api.load_config(config, overrides, run_dir=run_dir).config.split_seed
    overrides = [f"data.split_seed={seed}", *overrides]  # the same patients whatever train.seed is
    loaded = [
        api.load_config(config, [*overrides, *(f"{k}={v}" for k, v in one.items())], run_dir=run_dir) for one in chosen
    ]
    folder = loaded[0].run_dir
    shared = shared_plan(
        folder, api.load_config(config, overrides, run_dir=run_dir).config, reporter, allow_leak=allow_leak
    )
    groups: dict[str, list[Patients]] = {}
    runs, done = [], []
    for place, settings in enumerate(chosen):
        path = folder / slug(settings)
        reporter.say(f"run {place + 1} of {len(chosen)}: {slug(settings)}")
        every = [*overrides, *(f"{key}={value}" for key, value in settings.items())]
        run = api.train(
            config, overrides=every, run_dir=path, resume=(path / "config.toml").exists(), allow_leak=allow_leak,
            plan=_plan(shared, folder, loaded[place].config, reporter, allow_leak), reporter=reporter,
        )  # fmt: skip
        api.evaluate(run, split="valid", reporter=reporter)
        runs.append({"settings": settings, "path": str(run.path)})
        done.append(run)
        rest = {key: value for key, value in settings.items() if key != _SEED}
        groups.setdefault(slug(rest) or "all seeds", []).append(read_patients(run.path, "dice"))
    choice = choice_on("settings", "Dice", shared.pairs("valid"))
    write_plan(folder, shared.with_choice(choice))
    for run in done:
        note_choice(run, choice)
    return {"folder": str(folder), "runs": runs, "table": compare({name: _mean(few) for name, few in groups.items()})}


def _plan(shared: Plan, folder: Path, config: Configuration, reporter: Reporter, allow_leak: bool) -> Plan:
    """The plan of one member: the shared one, or, where its settings read the data otherwise, one of the same parts."""
    if not differences(shared.source, config):
        return shared
    if config.data.images is not None:
        data = config.data.model_copy(update={"split_file": folder / NAME})
        config = config.model_copy(update={"data": data})
    return make_plan(config, reporter, allow_leak=allow_leak)


def slug(settings: dict[str, str]) -> str:
    """Settings as the name of a folder."""
    text = ",".join(f"{key.rpartition('.')[2]}={value}" for key, value in settings.items())
    return re.sub(r"[^\w.,=+-]", "_", text)


def _mean(seeds: Sequence[Patients]) -> Patients:
    """The mean over seeds of each patient and class that all of them have; undefined where one is."""
    shared = [patient for patient in seeds[0] if all(patient in one for one in seeds)]
    return {
        patient: {name: float(np.mean([one[patient][name] for one in seeds])) for name in seeds[0][patient]}
        for patient in shared
    }

"""Thresholds and cleaning chosen by their score on patients that the network did not learn from.

Probabilities of all cases are made once and kept in files, with 16 bits each; then one setting after another is tried,
class by class, and kept where the mean Dice over the patients grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.evaluation.case_dice import CaseDice
from maskwright.inference.decision import Decision
from maskwright.inference.postprocess import Cleaning, Steps
from maskwright.models.metadata import Metadata
from maskwright.progress import Reporter
from maskwright.untrusted.arrays import map_npy

GRID = tuple(round(0.1 + 0.05 * place, 2) for place in range(17))  # 0.1 to 0.9
LEVELS = 65535  # of a probability that is kept; with 255, what lies on a plateau falls to the other side of a threshold
GAIN = 0.0005  # what a setting must add to the mean Dice to be worth having
# What is tried of each step: sizes in ml and mm for scans, in px for pictures.
_SCANS = {"smooth": (0.5, 1.0, 2.0), "fill_holes": (True,), "largest": (True,), "smallest": (0.01, 0.05, 0.2, 1.0, 5.0)}
_PICTURES = {"smooth": (1.0, 2.0), "fill_holes": (True,), "largest": (True,), "smallest": (10.0, 30.0, 100.0, 300.0)}


@dataclass(frozen=True)
class Case:
    """Probabilities and truth of a picture or scan, in files; `spacing` in mm of scans."""

    name: str
    patient: str
    probabilities: Path
    truth: Path
    spacing: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Setting:
    """How probabilities become a mask."""

    decide: Decision
    clean: Cleaning


@dataclass
class Tuned:
    """What was chosen: the setting, its score, the score of what was there before, and all that was tried."""

    setting: Setting
    before: float
    after: float
    tried: list[dict[str, Any]] = field(default_factory=list)


def keep_case(
    folder: Path, number: int, probabilities: Iterable[tuple[Any, np.ndarray]], truth: np.ndarray
) -> tuple[Path, Path]:
    """Write a case's parts `(rows, (…, K))` and its truth into files; gives the two paths."""
    one, other = folder / f"{number:05d}.npy", folder / f"{number:05d}-truth.npy"
    kept: Any = None
    for rows, block in probabilities:
        if kept is None:
            shape = (*truth.shape, block.shape[-1])
            kept = np.lib.format.open_memmap(one, "w+", np.uint16, shape)
        kept[rows] = np.rint(block * LEVELS)
    np.save(other, truth)
    return one, other


def tune(cases: Sequence[Case], metadata: Metadata, start: Setting, reporter: Reporter) -> Tuned:
    """Choose thresholds, then steps of cleaning, one class after the other.

    Args:
        start: what holds now; it stays where nothing is better by `GAIN`.
    """
    count = len(metadata.class_names) - 1
    scan = cases[0].spacing is not None
    plain = replace(start, clean=Cleaning((Steps(),) * count, metadata.label_rule.regions))
    search = _Search(cases, metadata, reporter)
    before = search.score([start])[0]
    found = Tuned(plain, before, search.score([plain])[0])
    names = metadata.class_names[1:]
    if metadata.channels > 1 and not metadata.label_rule.regions:
        options = [(value, _thresholds(plain, (value,) * count)) for value in GRID[:11:2]]
        search.best(found, "all classes", "threshold", options)
    for place, name in enumerate(names):
        now = found.setting.decide.thresholds
        if now:
            options = [
                (value, _thresholds(found.setting, (*now[:place], value, *now[place + 1 :])))
                for value in GRID
                if value != now[place]
            ]
            search.best(found, name, "threshold", options)
    for place, name in enumerate(names):
        for step, values in (_SCANS if scan else _PICTURES).items():
            options = [(value, _step(found.setting, place, step, value)) for value in values]
            search.best(found, name, step, options)
    if found.after < before + GAIN:
        found.setting, found.after = start, before
    return found


def as_settings(tuned: Tuned, names: Sequence[str]) -> dict[str, Any]:
    """The keys of [predict] that say what was chosen."""
    decide, steps = tuned.setting.decide, tuned.setting.clean.steps
    threshold: Any = list(decide.thresholds) if len(decide.thresholds) > 1 else (*decide.thresholds, None)[0]
    chosen = {
        step: [name for name, one in zip(names, steps, strict=True) if getattr(one, step)]
        for step in ("largest", "fill_holes")
    }
    amounts = {
        step: {name: getattr(one, step) for name, one in zip(names, steps, strict=True) if getattr(one, step)}
        for step in ("smallest", "smooth")
    }
    postprocess = {step: value for step, value in (chosen | amounts).items() if value}
    return {"threshold": threshold, "postprocess": postprocess}


def _thresholds(setting: Setting, values: tuple[float, ...]) -> Setting:
    return replace(setting, decide=replace(setting.decide, thresholds=values))


def _step(setting: Setting, place: int, step: str, value: Any) -> Setting:
    steps = list(setting.clean.steps)
    steps[place] = steps[place]._replace(**{step: value})
    return replace(setting, clean=replace(setting.clean, steps=tuple(steps)))


class _Search:
    def __init__(self, cases: Sequence[Case], metadata: Metadata, reporter: Reporter) -> None:
        self.cases, self.rule, self.reporter = cases, metadata.label_rule, reporter

    def best(self, found: Tuned, name: str, what: str, options: Sequence[tuple[Any, Setting]]) -> None:
        """Try settings of one kind; the best becomes the present one where it adds enough."""
        results = self.score([setting for _, setting in options])
        place = int(np.argmax(results))
        value, better = options[place][0], results[place] >= found.after + GAIN
        found.tried += [
            {"class": name, "step": what, "value": one, "dice": score, "kept": better and one == value}
            for (one, _), score in zip(options, results, strict=True)
        ]
        if better:
            self.reporter.say(f"{name}: {what} {value}: Dice {found.after:.4f} -> {results[place]:.4f}")
            found.setting, found.after = options[place][1], results[place]

    def score(self, settings: Sequence[Setting]) -> list[float]:
        """Mean Dice over patients and classes of each setting; each case is read once."""
        scored = [CaseDice(self.rule) for _ in settings]
        for case in self.cases:
            levels, truth = map_npy(case.probabilities), map_npy(case.truth)
            labels: dict[Decision, np.ndarray] = {}
            for setting, dice in zip(settings, scored, strict=True):
                if setting.decide not in labels:  # only the last is kept: those of cleaning share one
                    labels = {setting.decide: _decided(setting.decide, levels)}
                label = setting.clean(labels[setting.decide], case.spacing)
                dice.add(case.patient, label, np.asarray(truth))
        return [dice.mean() for dice in scored]


def _decided(decide: Decision, levels: np.ndarray) -> np.ndarray:
    """Class numbers, some slices at a time so that the probabilities never lie in memory as a whole."""
    found = np.zeros(levels.shape[:-1], np.uint8)
    for first in range(0, len(levels), 16):
        found[first : first + 16] = decide(levels[first : first + 16].astype(np.float32) / LEVELS)
    return found

"""Masks that are most probably wrong: networks look at cases that they have not learnt from, and doubt."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from maskwright.config import Configuration, Loaded
from maskwright.data.pairs import Pair
from maskwright.errors import MaskwrightError
from maskwright.evaluation.suspicion import Suspicion, suspicion
from maskwright.inference.decision import HALF
from maskwright.inference.engines import Engine
from maskwright.inference.tune import LEVELS, Case
from maskwright.inference.tune_cases import picture_cases, scan_cases
from maskwright.progress import Reporter
from maskwright.targets import engines, folds_in, pairs_of, tasks_of
from maskwright.training.run import Run
from maskwright.untrusted.arrays import map_npy

SHOWN = 60  # suspects whose slices are kept, to be drawn; the table has all
WORTH = 0.15  # of suspicion, beyond twice what is usual: a weak network doubts every mask


@dataclass(frozen=True)
class Suspect:
    """A case, what speaks against its mask, and the slice that shows it best: what is found and what is marked."""

    pair: Pair
    doubt: Suspicion
    found: np.ndarray
    marked: np.ndarray


@dataclass(frozen=True)
class Doubts:
    """What was found.

    Attributes:
        folder: of the run, or of the cross-validation. suspects: worst first. count: cases that were looked at.
        names: of the classes, background first. orientation: of the slices of scans; None for pictures.
        configs: of what judged.
    """

    folder: Path
    suspects: list[Suspect]
    count: int
    names: tuple[str, ...]
    orientation: str | None
    configs: list[Configuration]


def find_suspects(target: Path, reporter: Reporter) -> Doubts:
    """All cases that a run, or the folds of a cross-validation, can judge without having learnt from them.

    Args:
        target: a run, whose validation and test are looked at; or the folder of a cross-validation, where every case is
            judged by the fold that has not seen its mask, and defended by those that have.

    Raises:
        MaskwrightError: nothing is trained there, or files cannot be used.
    """
    folder, folds = folds_in(target, (), None)
    found: list[Suspect] = []
    scores: list[float] = []
    names: tuple[str, ...] = ()
    orientation = None
    configs = []
    for loaded, models, others, part in _judges(target, bool(folds), reporter):
        unseen = engines(models, loaded.config, reporter)
        seen = engines(others, loaded.config, reporter) if others else None
        names, rule = tuple(unseen.metadata.class_names), unseen.metadata.input_rule
        orientation = rule.orientation if rule.depth else None
        configs.append(loaded.config)
        pairs = pairs_of(loaded, part, reporter)
        for score, suspect in _look(unseen, seen, pairs, loaded, reporter):
            scores.append(score)
            found += [suspect] if suspect else []
            if len(found) >= 2 * SHOWN and len(found) % SHOWN == 0:
                _forget(found)
    usual = float(np.median(scores)) if scores else 0.0
    found = [one for one in found if one.doubt.score >= 2 * usual + WORTH]
    _forget(found)
    return Doubts(folder, found, len(scores), names, orientation, configs)


def _forget(found: list[Suspect]) -> None:
    """Sort, worst first, and let go of the slices of those that are not drawn."""
    found.sort(key=lambda one: (-one.doubt.score, one.pair.name))
    nothing = np.zeros((0, 0), np.uint8)
    found[SHOWN:] = [replace(one, found=nothing, marked=nothing) for one in found[SHOWN:]]


def _judges(target: Path, folds: bool, reporter: Reporter) -> Iterator[tuple[Loaded, list[Path], list[Path], str]]:
    """Configurations, models that have not seen a part, models that have, and the part."""
    if folds:
        _, part, tasks = tasks_of(target, "valid", (), None, reporter)
        every = [model for _, models in tasks for model in models]
        for loaded, models in tasks:
            yield loaded, models, [model for model in every if model not in models], part
        return
    _, _, tasks = tasks_of(target, "valid", (), None, reporter)
    ((loaded, models),) = tasks
    plan = Run(loaded.run_dir).plan()
    parts = [part for part in ("valid", "test") if plan is None or plan.part(part)]
    if not parts:
        raise MaskwrightError(
            "has neither validation nor test, and of what it has learnt from it can doubt nothing",
            where=loaded.run_dir,
            fix="Train with data.folds = 5 and --fold all, and name the folder of the folds.",
        )
    for part in parts:
        yield loaded, models, [], part


def _look(
    unseen: Engine, seen: Engine | None, pairs: Sequence[Pair], loaded: Loaded, reporter: Reporter
) -> Iterator[tuple[float, Suspect | None]]:
    """How much each mask is to be doubted, and what shows it where that is worth looking at."""
    predicted = scan_cases if unseen.metadata.input_rule.depth else picture_cases
    rule, channels = unseen.metadata.label_rule, unseen.metadata.channels
    members = [tuple(region) for region in rule.regions] or [(number,) for number in range(1, max(channels, 2))]
    first = 0 if rule.regions or channels == 1 else 1  # channel of the first structure
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        cases = predicted(unseen, pairs, loaded.config, Path(one), reporter)
        defence = predicted(seen, pairs, loaded.config, Path(other), reporter) if seen else [None] * len(cases)
        for pair, case, against in zip(pairs, cases, defence, strict=True):
            truth = np.asarray(map_npy(case.truth))
            probable = _structures(case, first)
            doubt = suspicion(probable, truth, members, _structures(against, first) if against else None)
            if doubt.score < WORTH:
                yield doubt.score, None
                continue
            flat = truth.ndim == 2
            own = probable[..., doubt.structure - 1]
            slice_, mask = (own, truth) if flat else (own[doubt.place], truth[doubt.place])
            marked = np.isin(mask, members[doubt.structure - 1])
            yield doubt.score, Suspect(pair, doubt, (slice_ >= HALF).astype(np.uint8), marked.astype(np.uint8))


def _structures(case: Case, first: int) -> np.ndarray:
    return np.asarray(map_npy(case.probabilities))[..., first:].astype(np.float32) / LEVELS

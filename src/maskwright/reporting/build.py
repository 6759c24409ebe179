"""From evaluated runs to the page: which patients are shown, and their pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from maskwright.config import Loaded
from maskwright.data.model_space import scan_classes
from maskwright.data.pairs import Pair
from maskwright.data.preprocess import InputRule
from maskwright.data.records import read_pair
from maskwright.inference.engines import Engine
from maskwright.inference.slices import predict_image, rule_of_set
from maskwright.inference.volumes import predict_scan
from maskwright.progress import Reporter
from maskwright.reporting.facts import Facts
from maskwright.reporting.gallery import Album, evenly, slide
from maskwright.targets import pairs_of
from maskwright.volumes.channels import read_channels
from maskwright.volumes.orient import reorient
from maskwright.volumes.read import read_labels

_PATIENTS = 24


def shown(dice: dict[str, float], most: int = _PATIENTS) -> set[str]:
    """The patients whose pictures are shown: all, or two thirds of `most` from the worst on and the rest evenly."""
    order = sorted(dice, key=lambda patient: (dice[patient], patient))
    if len(order) <= most:
        return set(order)
    worst = order[: 2 * most // 3]
    rest = order[len(worst) :]
    places = np.linspace(0, len(rest) - 1, most - len(worst)).round().astype(int)
    return {*worst, *(rest[place] for place in places)}


def albums_of(facts: Facts, tasks: Sequence[tuple[Loaded, Engine]], part: str, reporter: Reporter) -> list[Album]:
    """Pictures of the patients that are shown, predicted once more.

    Args:
        tasks: configurations with their engines: one, or the folds of a cross-validation.
    """
    rows = {name: [row["dice"] for row in _rows(facts, name)] for name in next(iter(facts.patients.values()))}
    dice = {patient: float(np.mean(values)) for patient, values in rows.items()}
    chosen, found = shown(dice), []
    with reporter.task("drawing", len(chosen), "patients") as advance:
        for loaded, engine in tasks:
            scans = bool(engine.metadata.input_rule.depth)
            pairs = pairs_of(loaded, part, reporter)
            draw: Callable[..., list[Any]] = _scan_slides
            if not scans:
                files = [pair.images for pair in pairs]
                seen = rule_of_set(engine, files, loaded.config.predict)
                draw = partial(_picture_slides, seen=seen)
            for patient, members in _by_patient(pairs):
                if patient in chosen:
                    found.append(Album(patient, dice[patient], draw(engine, members, loaded)))
                    advance()
    return found


def _rows(facts: Facts, patient: str) -> Iterator[dict[str, float]]:
    return (rows[patient] for rows in facts.patients.values())


def _by_patient(pairs: Sequence[Pair]) -> Iterator[tuple[str, list[Pair]]]:
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(pair.patient, []).append(pair)
    yield from groups.items()


def _picture_slides(engine: Engine, pairs: Sequence[Pair], loaded: Loaded, seen: InputRule) -> list[Any]:
    rule, spacing, options = engine.metadata.label_rule, loaded.config.evaluate.spacing, loaded.config.predict
    aspect = spacing[-2] / spacing[-1] if spacing else 1.0
    labels = [read_pair(pair, rule)[1] for pair in pairs]
    found = []
    for index in evenly(len(pairs), lambda place: bool(labels[place].any())):
        pair = pairs[index]
        image, truth = read_pair(pair, rule)
        prediction = predict_image(engine, pair.images, options, rule=seen)
        found.append(slide(pair.name, image, prediction, truth, rule, aspect))
    return found


def _scan_slides(engine: Engine, pairs: Sequence[Pair], loaded: Loaded) -> list[Any]:
    rule, orientation = engine.metadata.label_rule, engine.metadata.input_rule.orientation
    found = []
    for pair in pairs:
        scan = read_channels(pair.images)
        labels = read_labels(pair.mask, scan)
        truth = reorient(labels.with_array(scan_classes(labels.array, rule, pair.mask)), orientation).array
        prediction = reorient(predict_scan(engine, scan, loaded.config.predict).labels, orientation).array
        turned = reorient(scan, orientation)
        image = turned.array if turned.array.ndim == 3 else turned.array[..., 0]
        levels = tuple(float(value) for value in np.percentile(image, [1, 99]))
        aspect = turned.grid.spacing[1] / turned.grid.spacing[2]
        either = (truth.any(axis=(1, 2))) | (prediction.any(axis=(1, 2)))
        for index in evenly(len(image), lambda place, busy=either: bool(busy[place])):  # type: ignore[misc]
            title = f"{pair.name}, slice {index + 1} of {len(image)}"
            found.append(slide(title, image[index], prediction[index], truth[index], rule, aspect, levels))  # type: ignore[arg-type]
    return found

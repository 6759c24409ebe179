"""Scoring a trained network: its masks at the pictures' own size, and its loss as the network sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskwright.config import Configuration
from maskwright.data.pairs import Pair
from maskwright.data.preprocess import resize_label
from maskwright.data.records import Record, complete, describe_pair, read_pair
from maskwright.errors import MaskwrightError
from maskwright.evaluation.calibration import Calibrations
from maskwright.evaluation.masks import picture_scale, score_masks
from maskwright.evaluation.scores import ImageScore
from maskwright.evaluation.stacks import Stacker
from maskwright.inference.decision import decision
from maskwright.inference.engines import Engine
from maskwright.inference.postprocess import cleaning
from maskwright.inference.slices import Picture, as_picture, full_probabilities, rule_of_set, run_batches
from maskwright.labels.regions import membership
from maskwright.progress import Reporter


@dataclass(frozen=True)
class _Truth:
    picture: Picture
    label: np.ndarray
    record: Record


@dataclass(frozen=True)
class Scored:
    """Scores an image, what was read of each, the network's own loss and metrics (means over images), and units.

    Attributes:
        cases: what patients' scores are made of, where slices were stacked: the volumes, and pictures that are in none.
        notes: why some were not stacked.
    """

    images: list[ImageScore]
    records: list[Record]
    network: dict[str, float]
    units: dict[str, str | float]
    cases: list[ImageScore] | None = None
    notes: tuple[str, ...] = ()


def score_network(
    engine: Engine,
    pairs: Sequence[Pair],
    config: Configuration,
    reporter: Reporter,
    *,
    tiled: bool = False,
    stacker: Stacker | None = None,
) -> Scored:
    """Predict and score pairs; every picture is decoded once.

    Args:
        stacker: puts slices of whole scans together, where it is known of all pictures where they lie. Distances are
            then in mm and volumes in ml, and `cases` holds the scores of the volumes.

    Raises:
        MaskwrightError: pairs that cannot be used; all are listed.
    """
    from maskwright.losses import choose_loss
    from maskwright.metrics import get_metrics

    label_rule = engine.metadata.label_rule
    rule = rule_of_set(engine, [pair.images for pair in pairs], config.predict, reporter.say)
    flat = picture_scale(config.evaluate.spacing, config.evaluate.tolerance)

    def load(pair: Pair) -> _Truth:
        image, label = read_pair(pair, label_rule)
        picture = as_picture(pair.image, image, rule)
        return _Truth(picture, label, describe_pair(pair, image, label, label_rule))

    regions = membership(label_rule.regions) if label_rule.regions else None
    loss = choose_loss(config.train.loss, config.train.class_weights, regions=regions)
    metrics = get_metrics(config.train.metrics, regions=regions)
    found, records = [], []
    losses: list[float] = []
    batch: list[tuple[np.ndarray, np.ndarray]] = []

    def flush() -> None:
        if batch:
            truth, probabilities = (np.stack(part) for part in zip(*batch, strict=True))
            losses.extend([float(loss(truth, probabilities))] * len(batch))
            for metric in metrics:
                metric.update_state(truth, probabilities, sample_weight=None)
            batch.clear()

    options, decide = config.predict, decision(engine.metadata, config.predict)
    clean = cleaning(engine.metadata, options.postprocess)
    stream = run_batches(engine, pairs, load, lambda item: item.picture, options.batch_size)
    with reporter.task("evaluating", len(pairs), "images") as advance:
        for pair, item, small in stream:
            if isinstance(item, MaskwrightError):
                raise complete(item, pairs)
            assert small is not None
            full = full_probabilities(engine, item.picture, small, options, tiled=tiled)
            label = clean(decide(full))
            calibrations = Calibrations(label_rule)
            calibrations.add(full, item.label)
            scale = stacker.scale(pair.name) if stacker else flat
            found.append(score_masks(pair.name, pair.patient, label, item.label, label_rule, scale, calibrations))
            if stacker:
                stacker.add(label, item.label, found[-1])
            records.append(item.record)
            batch.append((resize_label(item.label, *small.shape[:2])[..., None].astype(np.float32), small))
            # Pictures at a scale of their own have sizes of their own.
            if len(batch) == config.evaluate.batch_size or rule.fit != "resize":
                flush()
            advance()
    flush()
    network: dict[str, Any] = {"loss": float(np.mean(losses))}
    network |= {metric.name: float(metric.result()) for metric in metrics}
    if stacker:
        units = stacker.scale(pairs[0].name).units
        return Scored(found, records, network, units, stacker.cases, tuple(stacker.notes))
    return Scored(found, records, network, flat.units)

"""Validation after an epoch: loss and metrics of batches, and the Dice of decided masks, case by case.

The Dice is that of `evaluation.case_dice`, the same that tunes and evaluates: pictures as the network sees them, all
slices of a patient together; volumes, and pictures at a scale of their own, as a whole, window by window.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from maskwright.backend import import_keras
from maskwright.config import Configuration
from maskwright.data.loader import Batches
from maskwright.data.patches import Patches
from maskwright.data.preprocess import to_floats
from maskwright.evaluation.case_dice import CaseDice
from maskwright.inference.decision import decision
from maskwright.inference.engines import KerasEngine
from maskwright.inference.windows import slabs
from maskwright.models.metadata import Metadata
from maskwright.training.means import Means
from maskwright.training.worst import Worst

_OVERLAP = 0.25  # of neighbouring windows; prediction has half, which takes several times as long
Row = dict[str, float]


class Validation:
    """Scores a network that is being trained, with the weights as they are.

    Args:
        model: compiled; side outputs behind the first channels are left out of the Dice.
        objective: the loss and the metrics, for pictures, whose probabilities are there already.
    """

    def __init__(
        self,
        model: Any,
        metadata: Metadata,
        batches: Batches,
        config: Configuration,
        objective: tuple[Callable[[Any, Any], Any], list[Any]],
    ) -> None:
        self.model, self.metadata, self.batches = model, metadata, batches
        self.loss, self.metrics = objective
        self.ops = import_keras().ops
        self.decide = decision(metadata, config.predict)
        self.batch_size = config.train.batch_size
        self.worst = Worst(config.predict.outline)
        self.each: dict[str, float] = {}

    def worst_case(self) -> tuple[str, bytes] | None:
        """The case that scored least in the last validation, and its picture (JPEG); None where there is no score."""
        scored = {case: self.each[case] for case in self.worst.cases if not math.isnan(self.each[case])}
        case = min(scored, key=lambda name: scored[name], default=None)
        picture = None if case is None else self.worst.picture(case)
        return None if case is None or picture is None else (case, picture)

    def __call__(self) -> Row:
        """`val_loss`, `val_` of each metric, and `val_dice`."""
        dice, means = CaseDice(self.metadata.label_rule), Means()
        self.worst.begin()
        source = self.batches.dataset
        parts = isinstance(source, Patches)
        for place, (images, labels) in enumerate(self.batches.epoch(0)):
            predicted = self.model.predict_on_batch(images)
            probabilities = np.asarray(self.ops.convert_to_numpy(predicted), np.float32)
            means.add(self._measures(labels, probabilities), len(images))
            if not parts:
                decided = self.decide(probabilities[..., : self.metadata.channels])
                truths = labels[..., 0].astype(np.uint8)
                pairs = self.batches.pairs(0, place)
                for pair, image, mask, truth in zip(pairs, images, decided, truths, strict=True):
                    dice.add(pair.patient, mask, truth)
                    self.worst.add(pair.patient, self.metadata.input_rule.middle(image), mask, truth)
        if isinstance(source, Patches):
            for case, image, mask, truth in self._wholes(source):
                dice.add(case, mask, truth)
                self.worst.add(case, image, mask, truth)
        self.each = dice.each()
        found = {f"val_{name}": value for name, value in means.values().items()}
        return found | {"val_dice": dice.mean()}

    def _measures(self, labels: np.ndarray, predicted: np.ndarray) -> Row:
        """The loss and the metrics of a batch."""
        truth, prediction = self.ops.convert_to_tensor(labels), self.ops.convert_to_tensor(predicted)
        found = {"loss": float(self.loss(truth, prediction))}
        for metric in self.metrics:
            metric.reset_state()
            metric.update_state(truth, prediction)
            found[metric.name] = float(metric.result())
        return found

    def _wholes(self, source: Patches) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
        """Case, image, decided mask and truth: of a picture at once, of a volume some slices after the others."""
        engine, rule = KerasEngine(self.model, self.metadata), source.input_rule
        for index, pair in enumerate(source.pairs):
            image, label = source.whole(index)
            values = image if rule.normalized_before else to_floats(image, rule)
            blocks = slabs(engine, values, self.batch_size, _OVERLAP)
            if values.ndim == 3:
                yield (
                    pair.patient,
                    rule.middle(values),
                    np.concatenate([self.decide(block) for _, block in blocks]),
                    label,
                )
                continue
            for first, block in blocks:
                part = slice(first, first + len(block))
                yield pair.patient, values[part], self.decide(block), np.asarray(label[part])

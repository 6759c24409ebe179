"""Validation on whole volumes: what a network finds in them window by window, scored as a user would see it."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskwright.config import Configuration
from maskwright.data.patches import Patches
from maskwright.evaluation.scores import count_pixels, scores
from maskwright.inference.decision import decision
from maskwright.inference.engines import KerasEngine
from maskwright.inference.windows import slabs
from maskwright.models.metadata import Metadata

_OVERLAP = 0.25  # of neighbouring windows; prediction has half, which takes several times as long


class WholeVolumes:
    """The Dice of whole validation volumes, in the network's space, with the weights as they are.

    Args:
        model: what is trained; side outputs behind the first channels are left out.
    """

    def __init__(self, model: Any, metadata: Metadata, volumes: Patches, config: Configuration) -> None:
        self.engine, self.volumes = KerasEngine(model, metadata), volumes
        self.decide = decision(metadata, config.predict)
        self.batch_size = config.train.batch_size

    def dice(self) -> float:
        """Mean over the volumes of the mean Dice over classes after the background (or regions)."""
        rule, found = self.volumes.label_rule, []
        for index in range(len(self.volumes.pairs)):
            image, label = self.volumes.whole(index)
            counts: Any = 0
            for first, block in slabs(self.engine, image, self.batch_size, _OVERLAP):
                truth = np.asarray(label[first : first + len(block)])
                counts = counts + count_pixels(self.decide(block), truth, rule.classes, rule.regions)
            found.append(np.mean([scores(row)["dice"] for row in counts]))
        return float(np.mean(found))

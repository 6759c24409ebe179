"""Made-up inputs, to compare two forms of one network with."""

from __future__ import annotations

import numpy as np

from maskwright.data.filters import gaussian
from maskwright.data.preprocess import InputRule

_BLOBS = (0.005, 0.02, 0.05, 0.1, 0.2)  # deviation of a blob, as a share of the picture's edge


def sample_inputs(rule: InputRule) -> np.ndarray:
    """Inputs to compare with, `(N, …)` float32 in the range that the rule gives: noise, and blobs of several sizes."""
    rng = np.random.default_rng(0)
    found = []
    for share in _BLOBS:
        grey = rng.normal(0, 1, rule.shape).astype(np.float32)
        for image in grey.reshape(-1, rule.height, rule.width, rule.input_channels):
            blurred = gaussian(image, (0, 0), max(rule.height, rule.width) * share)
            image[...] = image / 10 + blurred / max(float(blurred.std()), 1e-6)
        if rule.intensity != "zscore" and not rule.depth:
            low, high = np.percentile(grey, (5, 95))
            grey = np.clip((grey - low) / (high - low), 0, 1) * (1 if rule.intensity == "unit" else 255)
        found.append(grey)
    return np.stack(found).astype(np.float32)

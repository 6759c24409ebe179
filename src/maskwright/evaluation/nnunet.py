"""Scores in the layout of nnU-Net's `summary.json`, so that tools that read it read ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from maskwright.evaluation.scores import ImageScore


def nnunet_summary(
    images: Sequence[ImageScore], files: Mapping[str, tuple[str, str]], numbers: Sequence[str] | None = None
) -> dict[str, Any]:
    """`metric_per_case`, `mean` of each label, and `foreground_mean`, with nnU-Net's names and its empty cases.

    Dice and IoU of two empty masks are NaN there, and means leave NaN out.

    Args:
        files: of each image's name its prediction and its reference.
        numbers: of each label after the background in the masks; 1, 2, … where None.
    """
    cases = []
    for image in images:
        prediction, reference = files[image.name]
        labels = numbers or [str(number) for number in range(1, len(image.counts) + 1)]
        metrics = {label: _metrics(row) for label, row in zip(labels, image.counts, strict=True)}
        cases.append({"metrics": metrics, "prediction_file": prediction, "reference_file": reference})
    every = list(cases[0]["metrics"]) if cases else []
    mean = {label: _mean([case["metrics"][label] for case in cases]) for label in every}  # type: ignore[index]
    return {"foreground_mean": _mean(list(mean.values())), "mean": mean, "metric_per_case": cases}


def _metrics(row: np.ndarray) -> dict[str, float]:
    tp, fp, fn, tn = (int(value) for value in row)
    union = tp + fp + fn
    return {
        "Dice": 2 * tp / (union + tp) if union else float("nan"),
        "FN": fn,
        "FP": fp,
        "IoU": tp / union if union else float("nan"),
        "TN": tn,
        "TP": tp,
        "n_pred": tp + fp,
        "n_ref": tp + fn,
    }


def _mean(metrics: Sequence[Mapping[str, float]]) -> dict[str, float]:
    found = {}
    for name in metrics[0] if metrics else ():
        values = np.array([one[name] for one in metrics], float)
        defined = values[~np.isnan(values)]
        found[name] = float(defined.mean()) if len(defined) else float("nan")
    return found

"""What a training says at its end: how good on whom, beside what no learning gives, and what would help most."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from maskwright.evaluation.case_dice import mean_dice
from maskwright.plan import Plan

_GAP = 0.08  # of Dice between what is learnt from and what is validated on: learnt by heart
_FEW = 4  # epochs
_RISING = 0.01  # of the validation's Dice over the last quarter of the epochs: not at its end
Row = Mapping[str, float]


def verdict(rows: Sequence[Row], plan: Plan, dice: Mapping[str, float], metric: str | None) -> list[str]:
    """Two lines for people; none where nothing was validated, or nothing could be scored.

    Args:
        rows: the history. dice: of each validation case at the epoch that was kept.
        metric: the one whose values on training and validation are compared, if any.
    """
    scored = {case: value for case, value in dice.items() if not math.isnan(value)}
    if not scored:
        return []
    worst = min(scored, key=lambda case: scored[case])
    whom = "patients" if plan.by_patient else "pictures" if plan.kind == "pictures" else "scans"
    scale = "data.pixel_size" if plan.kind == "pictures" else "data.spacing"
    mean = float(np.mean(list(scored.values())))
    return [
        f"Dice {mean:.3f} over {len(scored)} validation {whom}, worst {scored[worst]:.3f} ({worst}, see "
        f"worst_validation.jpg for the last epoch's); calling every pixel a structure would score {naive(plan):.3f}",
        f"what would help most: {advice(rows, metric, scale)}",
    ]


def naive(plan: Plan) -> float:
    """The Dice over validation cases of an answer without any learning: each class everywhere."""
    pixels: dict[str, np.ndarray] = {}
    for entry in plan.part("valid"):
        if entry.record is not None:
            found = np.array(entry.record.class_pixels)
            pixels[entry.pair.patient] = pixels.get(entry.pair.patient, 0 * found) + found
    counts = [
        np.array([[share, case.sum() - share, 0, 0] for share in case[1:]]) for case in pixels.values() if case.any()
    ]
    return mean_dice(counts)


def advice(rows: Sequence[Row], metric: str | None, scale: str = "data.pixel_size") -> str:
    """What the curves say would help, in words.

    Args:
        scale: the key of the scale at which cases are seen.
    """
    curve = [row["val_dice"] for row in rows if not math.isnan(row.get("val_dice", math.nan))]
    quarter = max(1, len(curve) // 4)
    if len(curve) >= 2 * quarter + 1:
        rise = float(np.mean(curve[-quarter:]) - np.mean(curve[-2 * quarter : -quarter]))
        if rise > _RISING:
            return f"a longer training; the last quarter of it still brought {rise:.3f}"
    learnt, judged = (rows[-1].get(f"{part}{metric}") for part in ("", "val_"))
    if learnt is None or judged is None:
        return "not known; set train.metrics, so that what it learns from and what it is judged on can be compared"
    if learnt - judged > _GAP:
        return (
            f"more patients or pictures, or stronger augmentation; {metric} is {learnt:.3f} where it learns and "
            f"{judged:.3f} elsewhere"
        )
    if len(curve) < _FEW:
        return f"a longer training; fewer than {_FEW} epochs tell no more"
    return (
        f"cleaner masks, a finer {scale} or a larger network; it finds no more on what it learns from "
        f"({metric} {learnt:.3f}) than on the others ({judged:.3f})"
    )

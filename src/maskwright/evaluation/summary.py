"""Means, spreads and confidence intervals over images and patients."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from maskwright.evaluation.agreement import agreement
from maskwright.evaluation.calibration import Calibration
from maskwright.evaluation.scores import NAMES, ImageScore, pool

Summary = dict[str, Any]


def summarize(values: Sequence[float]) -> dict[str, float | int | None]:
    """mean, std (of the sample), median, min, max and n of the defined values (None where there is none); undefined."""
    defined = np.array([value for value in values if not np.isnan(value)])
    if not len(defined):
        empty = dict.fromkeys(("mean", "std", "median", "min", "max"))
        return {**empty, "n": 0, "undefined": len(values)}
    spread = float(defined.std(ddof=1)) if len(defined) > 1 else 0.0
    return {
        "mean": float(defined.mean()),
        "std": spread,
        "median": float(np.median(defined)),
        "min": float(defined.min()),
        "max": float(defined.max()),
        "n": len(defined),
        "undefined": len(values) - len(defined),
    }


def bootstrap_interval(values: Sequence[float], resamplings: int = 2000, seed: int = 0) -> list[float] | None:
    """The 95 % confidence interval of the mean by the percentile bootstrap (Efron 1979); None below two values."""
    defined = np.array([value for value in values if not np.isnan(value)])
    if len(defined) < 2:
        return None
    rng = np.random.default_rng(seed)
    means = defined[rng.integers(len(defined), size=(resamplings, len(defined)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return [float(low), float(high)]


def report(images: Sequence[ImageScore], class_names: Sequence[str], resamplings: int = 2000) -> Summary:
    """Summaries over images and over patients (each patient's images pooled).

    With several classes, the scores directly under `per_image` and `per_patient` are means over the classes of each
    image or patient, and each class has its own under its name.

    `worst` names the ten patients with the smallest Dice; `agreement` is of volumes over patients, class by class;
    `calibration` is of all pixels, where probabilities are known; `confusion` counts pixels, a row for each true class
    number and a column for each predicted one.
    """
    patients = pool(images)
    found: Summary = {
        "images": len(images),
        "patients": len(patients),
        "empty_truth": sum(int((image.counts[:, 0] + image.counts[:, 2]).sum() == 0) for image in images),
        "per_image": _group(images, class_names, None),
        "per_patient": _group(patients, class_names, resamplings),
        "worst": worst(patients),
    }
    if patients and patients[0].measures:
        found["agreement"] = {
            name: agreement(
                [patient.measures[place]["volume_predicted"] for patient in patients],
                [patient.measures[place]["volume_true"] for patient in patients],
            )
            for place, name in enumerate(class_names[1:])
        }
    tables = [image.confusion for image in patients if image.confusion is not None]
    if tables:
        found["confusion"] = np.sum(tables, axis=0).tolist()
    known = [image.calibration for image in patients if image.calibration is not None]
    if known:
        found["calibration"] = functools.reduce(Calibration.merged, known).as_dict()
    return found


def worst(patients: Sequence[ImageScore], count: int = 10) -> list[dict[str, Any]]:
    """The patients with the smallest mean Dice over their classes, the worst first."""
    rated = [{"patient": one.name, "dice": _mean([row["dice"] for row in one.values()])} for one in patients]
    return sorted(rated, key=lambda one: (one["dice"], one["patient"]))[:count]


def _group(items: Sequence[ImageScore], class_names: Sequence[str], resamplings: int | None) -> Summary:
    found = [item.values() for item in items]
    names = list(found[0][0]) if found else list(NAMES)

    def one(values: list[float]) -> dict[str, Any]:
        summary: dict[str, Any] = summarize(values)
        return summary | ({"ci95": bootstrap_interval(values, resamplings)} if resamplings else {})

    result: Summary = {name: one([_mean([row[name] for row in rows]) for rows in found]) for name in names}
    if items and items[0].calibration is not None:
        known = [item.calibration for item in items if item.calibration is not None]
        result["brier"] = one([item.brier for item in known])
        result["expected_calibration_error"] = one([item.error for item in known])
    if len(class_names) > 2:
        for number, title in enumerate(class_names[1:]):
            result[title] = {name: one([rows[number][name] for rows in found]) for name in names}
    return result


def _mean(values: list[float]) -> float:
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else float("nan")


def headline(summary: Summary) -> str:
    """The few numbers that matter, as text."""
    image, patient = summary["per_image"]["dice"], summary["per_patient"]["dice"]
    lines = [f"{summary['images']} images of {summary['patients']} patients"]
    if patient["mean"] is not None:
        interval = (
            f", 95 % interval {patient['ci95'][0]:.3f} to {patient['ci95'][1]:.3f}" if patient.get("ci95") else ""
        )
        lines.append(
            f"Dice per patient  {patient['mean']:.3f} (sd {patient['std']:.3f}, median {patient['median']:.3f}, "
            f"worst {patient['min']:.3f}{interval})"
        )
        lines.append(
            f"Dice per image    {image['mean']:.3f} (sd {image['std']:.3f}, median {image['median']:.3f}, "
            f"worst {image['min']:.3f})"
        )
    if units := summary.get("units"):
        far, near = summary["per_patient"]["hausdorff95"], summary["per_patient"]["surface_dice"]
        if far["mean"] is not None:
            left_out = f"; {far['undefined']} without" if far["undefined"] else ""
            lines.append(
                f"Surfaces          95th percentile of distances {far['mean']:.2f} {units['distance']}{left_out}, "
                f"{near['mean']:.3f} within {units['tolerance']:g} {units['distance']}"
            )
    return "\n".join(lines)

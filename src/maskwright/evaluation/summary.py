"""Means, spreads and confidence intervals over images and patients."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from maskwright.evaluation.agreement import agreement
from maskwright.evaluation.calibration import Calibration
from maskwright.evaluation.scores import NAMES, ImageScore, occurring, pool, values_of

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


def report(
    images: Sequence[ImageScore],
    class_names: Sequence[str],
    resamplings: int = 2000,
    cases: Sequence[ImageScore] | None = None,
) -> Summary:
    """Summaries over images and over patients.

    With several classes, the scores directly under `per_image` and `per_patient` are means over the classes of each
    image or patient, and each class has its own under its name. Classes that no truth has are left out of those means
    and named in `absent_classes`. `undefined` counts the values that could not be in a mean: of images or patients, and
    with several classes each class of each of them.

    `worst` names the ten patients with the smallest Dice; `agreement` is of volumes over patients, class by class;
    `calibration` is of all pixels, where probabilities are known; `confusion` counts pixels, a row for each true class
    number and a column for each predicted one.

    Args:
        cases: what a patient's scores are made of, where that is more than its images pooled: the volumes into which
            its slices were stacked. `volumes` counts them.
    """
    patients = pool(images if cases is None else cases)
    there = occurring([item.counts for item in [*images, *patients]]) if images else np.ones(len(class_names) - 1, bool)
    found: Summary = {
        "images": len(images),
        "patients": len(patients),
        "volumes": sum(bool(case.measures) and not case.surfaces for case in (images if cases is None else cases)),
        "empty_truth": sum(int((image.counts[:, 0] + image.counts[:, 2]).sum() == 0) for image in images),
        "absent_classes": [name for name, one in zip(class_names[1:], there, strict=True) if not one],
        "per_image": _group(images, class_names, None, there),
        "per_patient": _group(patients, class_names, resamplings, there),
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
    """The patients with the smallest mean Dice over the classes that some truth has, the worst first."""
    if not patients:
        return []
    there = occurring([patient.counts for patient in patients])
    rows = zip(patients, values_of(patients), strict=True)
    rated = [{"patient": one.name, "dice": _mean(_of(row, "dice", there))[0]} for one, row in rows]
    defined = [one for one in rated if not np.isnan(one["dice"])]  # type: ignore[call-overload]
    return sorted(defined, key=lambda one: (one["dice"], one["patient"]))[:count]


def _group(
    items: Sequence[ImageScore], class_names: Sequence[str], resamplings: int | None, there: np.ndarray
) -> Summary:
    found = values_of(items)
    names = list(found[0][0]) if found else list(NAMES)

    def one(values: Sequence[float], undefined: int = 0) -> dict[str, Any]:
        summary: dict[str, Any] = summarize(values)
        summary |= {"undefined": undefined} if undefined else {}
        return summary | ({"ci95": bootstrap_interval(values, resamplings)} if resamplings else {})

    result: Summary = {}
    for name in names:
        means = [_mean(_of(rows, name, there)) for rows in found]
        # Of several classes each value that is missing in the means is counted, not only whole patients without any.
        result[name] = one([mean for mean, _ in means], sum(missing for _, missing in means) if there.any() else 0)
    if items and items[0].calibration is not None:
        known = [item.calibration for item in items if item.calibration is not None]
        result["brier"] = one([item.brier for item in known])
        result["expected_calibration_error"] = one([item.error for item in known])
    if len(class_names) > 2:
        for number, title in enumerate(class_names[1:]):
            result[title] = {name: one([rows[number][name] for rows in found]) for name in names}
    return result


def _of(rows: Sequence[dict[str, float]], name: str, there: np.ndarray) -> list[float]:
    """A score of each class that some truth has; of the others too where none has any."""
    return [row[name] for row, one in zip(rows, there, strict=True) if one or not there.any()]


def _mean(values: Sequence[float]) -> tuple[float, int]:
    """The mean of what is defined, and how many are not."""
    defined = [value for value in values if not np.isnan(value)]
    return (float(np.mean(defined)) if defined else float("nan")), len(values) - len(defined)


def headline(summary: Summary) -> str:
    """The few numbers that matter, as text."""
    image, patient = summary["per_image"]["dice"], summary["per_patient"]["dice"]
    stacked = f", {summary['volumes']} volumes" if 0 < summary["volumes"] < summary["images"] else ""
    lines = [f"{summary['images']} images of {summary['patients']} patients{stacked}"]
    if "rule" in summary:
        lines.append(f"Masks             {summary['rule']}")
    for title, found in (("Dice per patient ", patient), ("Dice per image   ", image)):
        if found["mean"] is None:
            lines.append(f"{title} undefined: no truth has anything of it, and no prediction")
            continue
        interval = f", 95 % interval {found['ci95'][0]:.3f} to {found['ci95'][1]:.3f}" if found.get("ci95") else ""
        lines.append(
            f"{title} {found['mean']:.3f} (sd {found['std']:.3f}, median {found['median']:.3f}, "
            f"worst {found['min']:.3f}{interval}{_left_out(found)})"
        )
    if units := summary.get("units"):
        far, near = summary["per_patient"]["hausdorff95"], summary["per_patient"]["surface_dice"]
        shown = "undefined" if far["mean"] is None else f"{far['mean']:.2f} {units['distance']}"
        share = "undefined" if near["mean"] is None else f"{near['mean']:.3f}"
        lines.append(
            f"Surfaces          95th percentile of distances {shown}{_left_out(far)}, "
            f"{share} within {units['tolerance']:g} {units['distance']}{_left_out(near)}"
        )
    if summary["absent_classes"]:
        lines.append(f"In no truth       {', '.join(summary['absent_classes'])}: left out of means over classes")
    return "\n".join(lines)


def _left_out(found: dict[str, Any]) -> str:
    return f"; {found['undefined']} undefined" if found["undefined"] else ""

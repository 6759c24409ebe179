"""Runs scored: one by itself, or the folds of a cross-validation, each on the patients that it did not train on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwright.config import Loaded
from maskwright.data.pairs import Pair
from maskwright.data.places import Stacks, places_by_names, stacks_of
from maskwright.errors import MaskwrightError
from maskwright.evaluation.files import write_scores
from maskwright.evaluation.leaks import Leak, find_leak
from maskwright.evaluation.stacks import Stacker
from maskwright.evaluation.summary import report
from maskwright.inference.engines import Engine
from maskwright.inference.evaluate import Scored, score_network
from maskwright.inference.evaluate_scans import score_scans
from maskwright.plan.choices import ChosenOn, chosen_on, merged
from maskwright.prepare.whole import not_whole, places
from maskwright.progress import Reporter
from maskwright.targets import pairs_of
from maskwright.training.run import Run, read_training_images


@dataclass(frozen=True)
class Part:
    """The scores of one run on one part of its data, what of it was seen in training, and what was chosen on it."""

    scored: Scored
    leak: Leak
    chosen: ChosenOn
    not_whole: str | None
    class_names: Sequence[str]


def score_part(
    engine: Engine, loaded: Loaded, models: Sequence[Path], part: str, reporter: Reporter, *, tiled: bool = False
) -> Part:
    """Score a run on `train`, `valid` or `test`.

    Args:
        models: of the engine, each in its run folder; what any of them was trained on is known to the engine.

    Raises:
        MaskwrightError: pictures or scans that cannot be used.
    """
    config = loaded.config
    scans = bool(engine.metadata.input_rule.depth)
    pairs = pairs_of(loaded, part, reporter)
    if scans:
        scored = score_scans(engine, pairs, config, reporter)
    else:
        stacks = _stacks(pairs, loaded, reporter)
        stacker = Stacker(stacks, engine.metadata.label_rule, config.evaluate.tolerance) if stacks else None
        scored = score_network(engine, pairs, config, reporter, tiled=tiled, stacker=stacker)
    known = config.data.patient_pattern is not None
    seen = {(one.name, one.image_hash): one for model in models for one in read_training_images(Run(model.parent))}
    leak = find_leak(scored.records, list(seen.values()), by_patient=known)
    plans = [plan for model in models if (plan := Run(model.parent).plan())]
    contents = [(record.patient, record.image_hash) for record in scored.records]
    chosen = chosen_on([choice for plan in plans for choice in plan.chosen], contents, by_patient=known)
    partial = None if part == "train" else not_whole(pairs)
    return Part(scored, leak, chosen, partial, engine.metadata.class_names)


def _stacks(pairs: Sequence[Pair], loaded: Loaded, reporter: Reporter) -> Stacks | None:
    """Which pictures are slices of scans that can be scored as the volumes they are; None where nothing says it.

    What the configuration says of distances holds; else a prepared data set knows where each slice lies.
    """
    spacing = loaded.config.evaluate.spacing
    if not spacing:
        known = places(pairs)
    elif len(spacing) == 3:
        known = places_by_names(pairs, spacing, loaded.config.data.slice_pattern)
    else:
        return None
    if known is None:
        if spacing:
            reporter.say("data.slice_pattern finds no slice number in some names: surfaces are pooled over pictures")
        return None
    found = stacks_of(pairs, known)
    if found.scans:
        reporter.say(f"slices of {len(found.scans)} scans are scored as the volumes they are")
    return found


def summarize_parts(
    parts: Sequence[Part], folder: Path, split: str, resamplings: int, reporter: Reporter
) -> tuple[dict[str, Any], list[str]]:
    """Write evaluation.json and its tables into `folder`; gives the summary and what is wrong with the scores.

    Raises:
        MaskwrightError: the parts have other classes, or share an image.
    """
    names = parts[0].class_names
    images = [image for part in parts for image in part.scored.images]
    if any(list(part.class_names) != list(names) for part in parts):
        raise MaskwrightError("have other classes", where="the folds", fix="Train all from one configuration.")
    if any(part.scored.units != parts[0].scored.units for part in parts):
        raise MaskwrightError(
            "have distances in other units", where="the folds", fix="Set evaluate.spacing alike, or in none of them."
        )
    if len({image.name for image in images}) < len(images):
        raise MaskwrightError(
            "share images, so they are no folds of one cross-validation",
            where=folder,
            fix="Train all with the same data.folds and data.split_seed.",
        )
    cases = None
    if any(part.scored.cases is not None for part in parts):
        several = [part.scored.images if part.scored.cases is None else part.scored.cases for part in parts]
        cases = [case for one in several for case in one]
    pooled = [note for part in parts for note in part.scored.notes]
    for note in pooled:
        reporter.warn(f"surfaces are pooled over pictures, not those of a volume, where {note}")
    summary = report(images, names, resamplings, cases)
    warnings = [message for part in parts for message in part.leak.messages] if split != "train" else []
    chosen = merged([part.chosen for part in parts])
    warnings += chosen.messages
    warnings += [part.not_whole for part in parts if part.not_whole]
    warnings += [
        f"{name} occurs in no truth and is left out of means over classes" for name in summary["absent_classes"]
    ]
    for warning in warnings:
        reporter.warn(f"these scores do not mean what they seem to: {warning}")
    count = len(parts)
    networks = [part.scored.network for part in parts]
    summary = {
        "split": split,
        **({"folds": count} if count > 1 else {}),
        "network": {name: sum(one[name] for one in networks) / count for name in networks[0]},
        "units": parts[0].scored.units,
        **summary,
        "pooled": pooled,
        "chosen_on": chosen.as_dict(),
        "leak": parts[0].leak.as_dict() if count == 1 else [part.leak.as_dict() for part in parts],
        "warnings": warnings,
    }
    write_scores(folder, summary, images, names, cases)
    return summary, warnings

"""A plan to be read."""

from __future__ import annotations

from maskwright.data.pairs import shorten
from maskwright.plan.plan import PARTS, Plan

_NAMES = {"train": "training", "valid": "validation", "test": "test"}


def as_text(plan: Plan) -> str:
    """Parts, folds, masks, levels, shares, and what was chosen on whom."""
    what = "scans" if plan.kind == "volumes" else "pictures"
    lines = []
    for part in PARTS:
        if entries := plan.part(part):
            patients = plan.patients(part)
            told = f" of {len(patients)} patients" if plan.by_patient else ""
            lines.append(f"{_NAMES[part]:<11} {len(entries)} {what}{told}: {shorten(patients, 8)}")
    if plan.fold is not None:
        lines.append(f"fold        {plan.fold} of {plan.folds} is the validation")
    elif plan.folds:
        sizes = [len({one.pair.patient for one in plan.entries if one.fold == fold}) for fold in range(plan.folds)]
        lines.append(f"folds       {plan.folds}, of {', '.join(map(str, sizes))} patients (train --fold)")
    lines.append(f"masks       {plan.why}")
    lines.append("shares      " + ", ".join(f"{name} {share:.2%}" for name, share in plan.shares().items()))
    if plan.kind == "volumes":
        lines.append(f"spacing     {' x '.join(f'{value:g}' for value in plan.spacing)} mm")
    else:
        lines.append(f"levels      {plan.dtype}, {plan.low:g} is black and {plan.high:g} is white")
    if not plan.by_patient:
        lines.append("patients    unknown: no data.patient_pattern is set, so each name counts as one")
    for choice in plan.chosen:
        value = "" if choice.value is None else f" ({choice.value})"
        lines.append(f"chosen      {choice.what}{value} by {choice.by} on {shorten(choice.patients, 8)}")
    lines += [f"note        {note}" for note in plan.notes]
    return "\n".join(lines)

"""What was seen and chosen, as a screen of text and as a configuration with its reasons in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.advice.choices import Choice, Machine
from maskwright.advice.facts import Facts
from maskwright.config.schema import DataSection
from maskwright.config.toml import dumps

_FEW = 20  # patients from which a test part of a fifth has four at least
_FOLDS = DataSection().folds

_ORDER = ("data", "data.train", "data.valid", "data.test", "mask", "model", "augmentation", "train")


def as_toml(chosen: Sequence[Choice], folder: Path) -> str:
    """The configuration, each key with its reason; folders relative to the one that it is written into."""
    sections: dict[str, list[str]] = {}
    for choice in chosen:
        section, key = choice.key.rsplit(".", 1)
        line = _line(key, _plain(choice.value, folder))
        sections.setdefault(section, []).append(f"{line}  # {choice.why}" if choice.why else line)
    ordered = sorted(sections, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))
    parts = [f"[{name}]\n" + "\n".join(sections[name]) + "\n" for name in ordered]
    return "# Made by `maskwright init`; every choice has its reason, and all can be changed.\n" + "\n".join(parts)


def _line(key: str, value: Any) -> str:
    """`key = value` on one line, a table too."""
    if not isinstance(value, dict):
        return dumps({key: value}).strip()
    return f"{key} = {{ {', '.join(_line(name, inner) for name, inner in value.items())} }}"


def _plain(value: Any, folder: Path) -> Any:
    if not isinstance(value, Path):
        return value
    try:
        return value.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return value.resolve().as_posix()


def seen(facts: Facts, machine: Machine) -> list[str]:
    """What lies there, a line each."""
    counts = ", ".join(
        f"{len(records)} {'in all' if part == 'all' else part}" for part, records in facts.records.items()
    )
    records, what = facts.everything, "scans" if facts.layout.scans else "pictures"
    large = f"; pieces of {facts.large} that are too large to be read as a whole among them" if facts.large else ""
    lines = [f"{what}: {counts}{large}"]
    sizes = Counter(
        f"{r.width}x{r.height}x{r.depth}" if facts.layout.scans else f"{r.width}x{r.height}" for r in records
    )
    common = ", ".join(f"{size} ({count})" for size, count in sizes.most_common(4))
    lines.append(f"sizes: {common}" + (f" and {len(sizes) - 4} more" if len(sizes) > 4 else ""))
    if facts.layout.scans:
        spacings = np.array([record.spacing for record in records])
        low, high = (" x ".join(f"{v:g}" for v in ends) for ends in (spacings.min(axis=0), spacings.max(axis=0)))
        lines.append(f"spacing: {low} mm" + (f" to {high} mm" if low != high else ""))
        lines.append("modality: " + ("CT, in Hounsfield units" if facts.ct else
                                     "none with fixed units; each scan is normalised by itself"))  # fmt: skip
    depths = ", ".join(f"{count} {depth}" for depth, count in Counter(r.dtype for r in records).items())
    channels = ", ".join(f"{count} with {n} channels" for n, count in sorted(facts.colours().items()))
    ends = f"{min(r.low for r in records):g} to {max(r.high for r in records):g}"
    lines.append(f"levels: {depths}, {channels}, {ends}")
    lines.append(f"masks: {facts.why}")
    shares = ", ".join(f"{number} {share:.2%}" for number, share in enumerate(facts.shares()))
    lines.append(f"classes, share of the pixels: {shares}")
    if facts.structures.widths:
        wide = ", ".join(f"{number} {np.median(values):.0f} px" for number, values in facts.structures.widths.items())
        lines.append(f"width of their structures: {wide}")
    lines += _patients(facts)
    if "all" in facts.records and _FOLDS <= (count := _count(facts)) < _FEW:
        told = f"note: {count} patients are few, and scores of a part of them say little"
        lines.append(f"{told}; `train --fold all` trains {_FOLDS} times and scores each of them once")
    if facts.twins:
        lines.append(f"suspicious: {facts.twins} cases are in two parts, or nearly")
    lines += [f"note: {note}" for note in facts.notes]
    brings = "ImageNet weights installed" if machine.pretrained else "no ImageNet weights installed"
    return [*lines, f"machine: {machine.cores} cores, {machine.memory_gb:.0f} GB, {brings}"]


def _count(facts: Facts) -> int:
    return facts.patients.patients if facts.patients else len(facts.everything)


def _patients(facts: Facts) -> list[str]:
    if not facts.tried:
        return ["patients: no pattern fits all names; each case counts as a patient of its own"]
    lines = []
    for one in facts.tried:
        told = "taken" if one is facts.patients else one.against or "not needed"
        lines.append(f"patients by {one.pattern}: {one.patients} in {one.names} names; {told}")
    if facts.patients is None:
        lines.append("patients: each case counts as one of its own; set data.patient_pattern where that is wrong")
    return lines

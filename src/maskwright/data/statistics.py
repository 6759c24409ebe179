"""Counting a data set: files, sizes, levels, classes, empty masks, patients, and pictures that occur twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import combinations
from typing import Any

import numpy as np

from maskwright.data.duplicates import find_duplicates
from maskwright.data.records import Record
from maskwright.data.splits import SPLITS


def describe_dataset(
    parts: Mapping[str, Sequence[Record]], class_names: Sequence[str], *, by_patient: bool
) -> dict[str, Any]:
    """Everything that `maskwright stats` knows, as plain values.

    Args:
        parts: records of each part (`train`, `valid`, `test`, or `all`).
        by_patient: patients are known.
    """
    shared = []
    for one, other in combinations(parts, 2):
        patients = sorted({r.patient for r in parts[one]} & {r.patient for r in parts[other]}) if by_patient else []
        found = find_duplicates(parts[other], parts[one])
        shared.append(
            {
                "parts": [one, other],
                "patients": patients,
                "identical": sum(d.identical for d in found),
                "nearly_identical": sum(not d.identical for d in found),
                "examples": [f"{d.one} = {d.other}" for d in found[:5]],
            }
        )
    return {
        "parts": {name: _part(records, class_names, by_patient) for name, records in parts.items()},
        "shared": shared,
    }


def _part(records: Sequence[Record], class_names: Sequence[str], by_patient: bool) -> dict[str, Any]:
    pixels = np.array([record.class_pixels for record in records], np.int64)
    hashes = Counter(record.image_hash for record in records)
    sizes = Counter(f"{record.width}x{record.height}" for record in records)
    return {
        "pairs": len(records),
        "patients": len({record.patient for record in records}) if by_patient else None,
        "sizes": dict(sizes.most_common(10)),
        "levels": dict(Counter(record.dtype for record in records)),
        "lowest_level": min(record.low for record in records),
        "highest_level": max(record.high for record in records),
        "class_shares": dict(zip(class_names, (pixels.sum(axis=0) / pixels.sum()).tolist(), strict=True)),
        "masks_with_class": dict(zip(class_names, (pixels > 0).sum(axis=0).tolist(), strict=True)),
        "empty_masks": int((pixels[:, 1:].sum(axis=1) == 0).sum()),
        "repeated_images": sum(count - 1 for count in hashes.values()),
    }


def as_text(found: Mapping[str, Any]) -> str:
    """The same for people to read."""
    lines = []
    for name, part in found["parts"].items():
        patients = f" of {part['patients']} patients" if part["patients"] is not None else ""
        sizes = ", ".join(f"{size} ({count})" for size, count in part["sizes"].items())
        shares = ", ".join(f"{title} {share:.2%}" for title, share in part["class_shares"].items())
        lines += [
            f"{name}: {part['pairs']} pairs{patients}",
            f"  sizes    {sizes}",
            f"  levels   {part['lowest_level']:g} to {part['highest_level']:g} ({', '.join(part['levels'])})",
            f"  classes  {shares}",
            f"  empty masks {part['empty_masks']}, repeated images {part['repeated_images']}",
        ]
    for item in found["shared"]:
        one, other = item["parts"]
        if item["patients"] or item["identical"] or item["nearly_identical"]:
            lines.append(
                f"{one} and {other} SHARE {len(item['patients'])} patients, {item['identical']} identical and "
                f"{item['nearly_identical']} nearly identical images"
                + (f" ({', '.join(item['examples'])})" if item["examples"] else "")
            )
        else:
            lines.append(f"{one} and {other} share no patient and no image")
    return "\n".join(lines)


def bar_chart(title: str, counts: Mapping[str, int]) -> bytes:
    """The reference's bar chart: number of images of each part, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.8))
    axes = figure.subplots()
    ordered = [name for name in SPLITS if name in counts] + [name for name in counts if name not in SPLITS]
    bars = axes.bar(ordered, [counts[name] for name in ordered], width=0.5)
    axes.bar_label(bars)
    axes.set_title(title)
    axes.set_ylabel("images")
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()

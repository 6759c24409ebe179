"""Where pairs lie that come out of a prepared data set, and whether they are whole scans."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maskwright.data.pairs import Pair, shorten
from maskwright.data.places import Place
from maskwright.prepare.files import Prepared, slice_spacing
from maskwright.untrusted.text import parse_toml, read_text


class _Sets:
    """The prepared data sets that pairs lie in, each patient's geometry read once."""

    def __init__(self) -> None:
        self._patients: dict[Path, dict[str, dict[str, Any]]] = {}

    def rows(self, folder: Path) -> dict[str, dict[str, Any]]:
        """Of the data set around `PART/masks`: for the name of each slice its row, with `facts` of the patient."""
        root = folder.absolute().parent.parent
        if root not in self._patients:
            target = Prepared(root)
            found: dict[str, dict[str, Any]] = {}
            for patient in target.patients():
                facts = target.read_geometry(patient) or {}
                for row in facts.get("rows", []):
                    found[Path(row["file"]).stem] = {**row, "facts": facts}
            self._patients[root] = found
        return self._patients[root]


def places(pairs: Sequence[Pair]) -> dict[str, Place] | None:
    """Where each pair lies, by its name; None where one of them is not a prepared slice.

    A pair is one by the place of its mask, `DATASET/PART/masks`, and by its name.
    """
    known, found = _Sets(), {}
    for pair in pairs:
        row = known.rows(pair.mask.parent).get(pair.mask.stem)
        if row is None:
            return None
        first, stop = row["facts"]["box"][0]
        crop, root = int(row["crop_margin"]), pair.mask.absolute().parent.parent.parent
        spacing = slice_spacing(row["facts"], crop)
        scan = f"{root}/{row['patient']}"
        found[pair.name] = Place(scan, int(row["slice"]), (first + 1, stop), spacing, crop > 0)
    return found


def not_whole(pairs: Sequence[Pair]) -> str | None:
    """What a reader of scores on these pairs must know: that prepared slices are not whole scans; None where they are.

    Sets of an earlier version do not say how they were cut; their slices and boxes do.
    """
    known = _Sets()
    kept: dict[tuple[Path, str], set[int]] = {}
    facts: dict[tuple[Path, str], dict[str, Any]] = {}
    cropped: set[tuple[Path, str]] = set()
    for pair in pairs:
        row = known.rows(pair.mask.parent).get(pair.mask.stem)
        if row is None:
            continue
        key = (pair.mask.absolute().parent.parent.parent, row["patient"])
        facts[key] = row["facts"]
        kept.setdefault(key, set())
        if int(row["crop_margin"]):
            cropped.add(key)
        else:
            kept[key].add(int(row["slice"]))
    reasons: dict[str, list[str]] = {}
    slices = [0, 0]
    for (root, patient), numbers in kept.items():
        one = facts[root, patient]
        first, last = one["box"][0] if _box_by_image(one, root) else (0, one["shape"][0])
        if len(numbers) < last - first:
            reasons.setdefault("slices are missing", []).append(patient)
            slices = [slices[0] + len(numbers), slices[1] + last - first]
        if not _box_by_image(one, root):
            reasons.setdefault("slices are cut to a box that is not the body's", []).append(patient)
        if (root, patient) in cropped:
            reasons.setdefault("centre crops are added", []).append(patient)
    if not reasons:
        return None
    told = []
    for reason, patients in reasons.items():
        count = f" ({slices[0]} of {slices[1]} are here)" if reason == "slices are missing" else ""
        told.append(f"{reason}{count} of {len(patients)} patients: {shorten(patients, 3)}")
    return (
        f"scores are not of whole scans: {'; '.join(told)}. What was left out by the truth is not scored; "
        "`maskwright prepare` the scans anew, or evaluate patients of its valid or test part"
    )


def _box_by_image(facts: dict[str, Any], root: Path) -> bool:
    """Whether a patient's box is the whole scan, or was found without its truth."""
    if all(edges == [0, size] for edges, size in zip(facts["box"], facts["shape"], strict=True)):
        return True
    if "crop" in facts:
        return bool(facts["crop"] != "structures")
    # Made before geometries said so; the configuration beside it has a border only where the box is the body's.
    path = Prepared(root).config
    data = parse_toml(read_text(path), path).get("data") if path.exists() else None
    return isinstance(data, dict) and "body_border" in data

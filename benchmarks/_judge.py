"""Dice of masks by NumPy alone: an independent judge, which shares no code with Maskwright.

Pixels of a case are counted together; classes of a case have equal weight, and so have the cases.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import numpy as np


def numbers(path: Path) -> np.ndarray:
    """A mask's levels, or a label map's numbers."""
    if path.name.endswith((".nii", ".nii.gz")):
        import nibabel

        return np.asarray(nibabel.load(path).dataobj).astype(int)
    from PIL import Image

    picture = Image.open(path)
    return np.asarray(picture if picture.mode in ("L", "P", "I;16", "I") else picture.convert("L")).astype(int)


def judge(found: Path, truth: Path, classes: int, ignore: int | None, pattern: str | None) -> dict[str, float]:
    """Dice of each case.

    Args:
        classes: 1 for one structure, whose masks are black and white; else how many numbers there are, 0 included.
        ignore: the level that counts for nothing. pattern: finds the case in a file's name, in one group.
    """
    counts: dict[str, np.ndarray] = defaultdict(lambda: np.zeros((max(classes, 2), 3)))
    files = {path.name.split(".")[0]: path for path in found.iterdir() if path.is_file()}
    for path in sorted(truth.iterdir()):
        name = path.name.split(".")[0]
        mask, true = numbers(files[name]), numbers(path)
        if classes == 1:
            known = true != (-1 if ignore is None else ignore)
            mask, true = mask > 127, true > (0 if true[known].max() < 127 else 127)
        else:
            known = true != (-1 if ignore is None else ignore)
        match = re.search(pattern, name) if pattern else None
        for number in range(0 if classes > 1 else 1, max(classes, 2)):
            m, t = (mask == number) & known, (true == number) & known
            counts[match[1] if match else name][number] += (m & t).sum(), m.sum(), t.sum()
    there = [number for number in range(1, max(classes, 2)) if any(one[number, 2] for one in counts.values())]
    return {case: float(np.mean([_dice(*one[number]) for number in there])) for case, one in counts.items()}


def _dice(both: float, found: float, true: float) -> float:
    return 2 * both / (found + true) if found + true else 1.0

"""Who is trained on, validated on and kept for the test: by patient, each part with small and large organs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from maskwright.errors import MaskwrightError


def stratified(sizes: Mapping[str, float], fractions: Mapping[str, float], seed: int) -> dict[str, str]:
    """The part of each patient.

    Args:
        sizes: organ size of each patient, in ml. fractions: share of each part; the rest is `train`.
        seed: of the draw.

    Returns:
        Parts by patient. The patients are lined up by size and each part takes its share evenly along the line, from
        places that chance shifts.

    Raises:
        MaskwrightError: there are fewer patients than parts.
    """
    rng = np.random.default_rng(seed)
    # Chance decides between equals.
    line = sorted(sizes, key=lambda patient: (sizes[patient], patient))
    counts = {part: max(1, round(share * len(line))) for part, share in fractions.items() if share > 0}
    if sum(counts.values()) >= len(line):
        raise MaskwrightError(
            f"{len(line)} patients are too few for {len(counts) + 1} parts",
            where="[prepare] valid_fraction, test_fraction",
            fix="Add patients, or set one of them to 0.",
        )
    found: dict[str, str] = {}
    rest = line
    for part, count in counts.items():
        edges = np.linspace(0, len(rest), count + 1)
        chosen = {rest[min(int(rng.uniform(a, b)), len(rest) - 1)] for a, b in itertools.pairwise(edges)}
        for patient in rest:  # two draws at the edge of their shares may have met
            if len(chosen) == count:
                break
            chosen.add(patient)
        found |= dict.fromkeys(chosen, part)
        rest = [patient for patient in rest if patient not in chosen]
    return found | dict.fromkeys(rest, "train")

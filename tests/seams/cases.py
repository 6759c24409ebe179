"""Rows of the matrix: so few that every pair of values of every two columns still meets in one of them.

No combination is left out as impossible: regions may be ignored in part, neighbours have channels of their own, scans
have any number of channels (a file each) and any depth.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import astuple, dataclass

FACTORS: dict[str, tuple] = {
    "kind": ("slices", "2.5D", "volumes", "padded", "patches"),
    "channels": (1, 3, 4, 9),
    "depth": ("8", "12 in 16", "16", "float"),
    "ratio": (0.7, 1.0, 1.4, 2.0),  # pixels of a picture, or voxels of a scan, to one of the network
    "classes": ("1", "3", "regions"),
    "ignored": (False, True),
}


@dataclass(frozen=True)
class Row:
    """One combination; `str` is its name among the tests."""

    kind: str
    channels: int
    depth: str
    ratio: float
    classes: str
    ignored: bool

    def __str__(self) -> str:
        hidden = "-ignored" if self.ignored else ""
        return f"{self.kind}-{self.channels}ch-{self.depth.replace(' ', '')}-x{self.ratio:g}-{self.classes}{hidden}"


# What the cover begins with: each kind and each value is in one of them.
FIRST = (
    Row("slices", 9, "8", 0.7, "regions", False),
    Row("2.5D", 3, "12 in 16", 1.4, "3", True),
    Row("volumes", 4, "float", 2.0, "regions", True),
    Row("patches", 3, "16", 1.0, "3", True),
    Row("padded", 1, "float", 2.0, "1", False),
)
# In every run of the tests; the others are slow.
AT_ONCE = (FIRST[0],)


def pairs_of(row: tuple) -> set[tuple]:
    """What meets in a row: `(column, value, other column, other value)`."""
    return {(i, row[i], j, row[j]) for i, j in itertools.combinations(range(len(row)), 2)}


def cover(begin: tuple[Row, ...] = FIRST, seed: int = 14) -> list[Row]:
    """Rows after `begin` until all pairs have met, each one that lets most new ones meet.

    Args:
        seed: of the order in which equals are taken; 14 gives 22 rows, the fewest of 300 seeds.
    """
    everything = list(itertools.product(*FACTORS.values()))
    random.Random(seed).shuffle(everything)
    left = set().union(*map(pairs_of, everything))
    rows = [astuple(row) for row in begin]
    left.difference_update(*map(pairs_of, rows))
    while left:
        rows.append(max(everything, key=lambda row: len(pairs_of(row) & left)))
        left -= pairs_of(rows[-1])
    return [Row(*row) for row in rows]


ROWS = cover()

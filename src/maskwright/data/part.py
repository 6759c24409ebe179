"""The files of one part of a data set, and what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maskwright.data.pairs import Pair
from maskwright.data.records import Record


@dataclass(frozen=True)
class PartFiles:
    """What a data set at the network's size is made of.

    Attributes:
        pairs: the files. records: what was found in each. hashes: of the files of each, images first, the mask last.
    """

    pairs: Sequence[Pair]
    records: Sequence[Record]
    hashes: Sequence[Sequence[str]]

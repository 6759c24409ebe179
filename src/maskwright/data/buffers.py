"""Memory of batches, used again as soon as nobody looks at a batch any more.

Fresh memory has to be handed out by the system page by page. For a batch of four 512x512 pictures that takes as long as
two of them take to be made.
"""

from __future__ import annotations

import math
import weakref
from collections import defaultdict
from collections.abc import Sequence

import numpy as np


class Buffers:
    """Hands out float32 arrays; the memory of one comes back when the array and all its views are gone."""

    def __init__(self) -> None:
        self._free: defaultdict[int, list[memoryview]] = defaultdict(list)

    def array(self, shape: Sequence[int]) -> np.ndarray:
        """An array of any content."""
        count = math.prod(shape)
        free = self._free[count]
        try:
            memory = free.pop()
        except IndexError:
            memory = np.empty(count, np.float32).data
        # Views refer to `owner` and keep it alive, because the memory under it is no array itself.
        owner = np.frombuffer(memory, np.float32)
        weakref.finalize(owner, free.append, memory).atexit = False
        return owner.reshape(shape)

"""How often a network for volumes halves each axis, and where its kernels see along it: nnU-Net's rule.

An axis whose voxels are twice as long as the finest and more is not halved, and not looked along, until the others have
come up to it (Isensee et al. 2021, supplementary note 2). No axis is halved below four voxels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_LEAST = 4  # voxels along an axis at the lowest resolution
_COARSE = 2.0  # times the finest spacing from which an axis waits
_STAGES = 6


@dataclass(frozen=True)
class Topology:
    """Of each stage its kernel, of each but the first the stride that leads into it: along slices, rows, columns."""

    kernels: tuple[tuple[int, ...], ...]
    strides: tuple[tuple[int, ...], ...]

    @property
    def layers(self) -> int:
        """How many stages."""
        return len(self.kernels)

    @property
    def multiple(self) -> tuple[int, ...]:
        """What each edge of the input is a multiple of."""
        found = [1] * len(self.kernels[0])
        for stride in self.strides:
            found = [one * step for one, step in zip(found, stride, strict=True)]
        return tuple(found)

    @property
    def plain(self) -> bool:
        """Whether all axes are treated alike."""
        return all(len({*axes}) == 1 for axes in (*self.kernels, *self.strides)) and {
            axis for axes in self.kernels for axis in axes
        } == {3}


def topology(size: Sequence[float], spacing: Sequence[float]) -> Topology:
    """For a patch of so many voxels that are so many mm apart."""
    edges, steps = list(size), list(spacing)
    kernel = [1] * len(edges)
    kernels: list[tuple[int, ...]] = []
    strides: list[tuple[int, ...]] = []
    while len(kernels) < _STAGES:
        finest = min(steps)
        kernel = [3 if one == 3 or step < _COARSE * finest else 1 for one, step in zip(kernel, steps, strict=True)]
        kernels.append(tuple(kernel))
        large = [axis for axis, edge in enumerate(edges) if edge >= 2 * _LEAST]
        if not large or len(kernels) == _STAGES:
            break
        finest = min(steps[axis] for axis in large)
        halved = [axis for axis in large if steps[axis] < _COARSE * finest]
        stride = tuple(2 if axis in halved else 1 for axis in range(len(edges)))
        strides.append(stride)
        edges = [edge / step for edge, step in zip(edges, stride, strict=True)]
        steps = [one * step for one, step in zip(steps, stride, strict=True)]
    return Topology(tuple(kernels), tuple(strides))

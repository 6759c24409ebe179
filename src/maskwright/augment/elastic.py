"""Elastic deformation and distortion: displacements that vary smoothly from place to place."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from maskwright.augment.base import Drawn, Frame, kind
from maskwright.augment.grid import Grid, kernel, left_by_smoothing, smooth, step_for
from maskwright.config.schema import AugmentationSection


@dataclass(frozen=True)
class Elastic:
    """Elastic deformation after Simard et al. 2003, with the amplitude that the reference gives to images.

    Noise of -1…1 is smoothed by a Gaussian of `sigma` px over height, width and three colour channels, then multiplied
    by `alpha`: the displacement of each axis has a root mean square of 0.1125 · alpha / sigma² px for sigma of 2 or
    more (`rms` says it exactly), less near the edges, where the noise ends. Grey pictures and volumes get the same.

    The noise is drawn every `step_for(sigma)` px, which is where the speed comes from: a Gaussian that is smooth at
    sigma px looks the same whether there were nodes at each pixel or two and more in each sigma.

    Attributes:
        aspect: how many px of the finest axis one step along each axis is; displacements are isotropic in mm.
    """

    alpha: float
    sigma: float
    seed: int
    aspect: tuple[float, ...]

    @property
    def rms(self) -> float:
        """Root mean square of the displacement along the finest axis, away from the edges, in px."""
        return self.alpha / math.sqrt(3) * left_by_smoothing(self.sigma) ** 2 * _over_colours(self.sigma)

    def steps(self, ndim: int) -> tuple[int, ...]:
        """Half of sigma."""
        return tuple(step_for(self.sigma / one) for one in self.aspect)

    def move(self, places: np.ndarray, grid: Grid) -> np.ndarray:
        """Where the `places` come from; the field lies over the result, not over the source."""
        return places + self.field(grid)

    def field(self, grid: Grid) -> np.ndarray:
        """The displacements in px at the nodes, `(N, *grid.nodes)`."""
        own = Grid(grid.shape, self.steps(len(grid.shape)))
        sigmas = tuple(self.sigma / one / step for one, step in zip(self.aspect, own.steps, strict=True))
        noise = _noise(self.seed, own)
        expected = math.prod(map(left_by_smoothing, sigmas)) / math.sqrt(3)
        for part, one in zip(noise, self.aspect, strict=True):
            np.multiply(smooth(part, sigmas), np.float32(self.rms / expected / one), out=part)
        return own.refine(noise, grid)


def _noise(seed: int, grid: Grid) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.random((len(grid.shape), *grid.nodes), dtype=np.float32) * 2 - 1


@functools.cache
def _over_colours(sigma: float) -> float:
    """What smoothing over three channels of independent noise does to its deviation at the middle channel."""
    weights = kernel(sigma)
    middle = len(weights) // 2
    return float(np.sqrt((weights[max(0, middle - 1) : middle + 2] ** 2).sum()))


@dataclass(frozen=True)
class Distortion:
    """Displacement along the slope of smoothed noise, `largest` px at its largest along each axis."""

    largest: float
    sigma: float
    seed: int

    def steps(self, ndim: int) -> tuple[int, ...]:
        """Half of sigma."""
        return (step_for(self.sigma),) * ndim

    def move(self, places: np.ndarray, grid: Grid) -> np.ndarray:
        """Where the `places` come from."""
        own = Grid(grid.shape, self.steps(len(grid.shape)))
        noise = np.random.default_rng(self.seed).standard_normal(own.nodes, dtype=np.float32)
        smoothed = smooth(noise, tuple(self.sigma / step for step in own.steps))
        slopes = np.stack([np.gradient(smoothed, axis=axis) for axis in range(smoothed.ndim)]).astype(np.float32)
        # The largest within the array: the outermost nodes lie beyond it.
        peaks = np.array([max(float(np.abs(one).max()), 1e-12) for one in own.enlarge(slopes)], np.float32)
        field = slopes * (np.float32(self.largest) / peaks.reshape(-1, *[1] * smoothed.ndim))
        return places + own.refine(field, grid)


@kind("elastic", listed=True)
def elastic(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """One for each sigma."""
    if not options.elastic or not options.elastic_alpha:
        return []
    alpha, seed = options.elastic_alpha, int(rng.integers(2**31))
    return [
        Drawn(f"elastic_alpha_{alpha:g}_sigmoid_{sigma:g}_", (Elastic(alpha, sigma, seed, frame.aspect),))
        for sigma in options.elastic_sigmas
    ]


@kind("distortion", listed=True)
def distortion(rng: np.random.Generator, options: AugmentationSection, frame: Frame) -> list[Drawn]:
    """One for each amount."""
    if not options.distortion:
        return []
    seed, sigma = int(rng.integers(2**31)), options.distortion_sigma
    return [
        Drawn(f"distorted_{amount:g}_rsigma{sigma:g}_", (Distortion(amount * max(frame.shape[-2:]), sigma, seed),))
        for amount in options.distortion_amounts
    ]

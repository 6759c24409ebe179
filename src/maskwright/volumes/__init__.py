"""Scans and label maps with their geometry: reading, reorienting, resampling, measuring, writing."""

from maskwright.volumes.volume import Grid, Source, Volume

__all__ = ["Grid", "Source", "Volume"]

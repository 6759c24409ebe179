"""Along which axes a training sees mirrored inputs; only along these may a model be asked for them later."""

from __future__ import annotations

from maskwright.config.schema import AugmentationSection


def mirrored_axes(options: AugmentationSection, *, volumes: bool) -> tuple[int, ...]:
    """Axes of one input, from 0: rows and columns, of volumes slices, rows and columns."""
    if options.mode == "off":
        return ()
    names = ("dflip", "vflip", "hflip") if volumes else ("vflip", "hflip")
    return tuple(
        axis
        for axis, name in enumerate(names)
        if getattr(options, name)
        and (options.mode == "enumerate" or options.probabilities.get(name, options.probability) > 0)  # type: ignore[call-overload]
    )

"""Keys of [prepare] that nnU-Net's `dataset.json` says, where nobody set them."""

from __future__ import annotations

from typing import Any

from maskwright.config.dataset_json import Dataset, find_dataset
from maskwright.config.schema import PrepareSection
from maskwright.errors import MaskwrightError
from maskwright.labels.regions import parts


def with_dataset(options: PrepareSection) -> tuple[PrepareSection, list[str]]:
    """[prepare] with what `dataset.json` beside the scans says and nobody set, and what was taken from it.

    Raises:
        MaskwrightError: the file is damaged, or a case has several channels, of which slices are not made.
    """
    dataset = find_dataset(options.scans_dir)
    if dataset is None or options.scans_dir is None:
        return options, []
    found: dict[str, Any] = {}
    if options.scans_dir.resolve() == dataset.path.parent:
        found["scans_dir"] = dataset.images
    if options.labels_dir is None and dataset.truth.is_dir():
        found["labels_dir"] = dataset.truth
    if not options.structures:
        found |= _structures(dataset)
    if dataset.split_channels and options.scan_pattern is None:
        named = ", ".join(f"{number:04d} {name}" for number, name in enumerate(dataset.channels))
        raise MaskwrightError(
            f"has {len(dataset.channels)} channels a case ({named}), and slices are made of one",
            where=dataset.path,
            fix=r"Choose one, as --set prepare.scan_pattern='(.+)_0000\.'; or train on the scans themselves "
            "(model.image_depth), which takes all channels.",
        )
    note = dataset.count_note()
    taken = ", ".join(f"prepare.{name}" for name in found)
    return options.model_copy(update=found), [
        *([f"{dataset.path} says {taken}"] if found else []),
        *([note] if note else []),
    ]


def _structures(dataset: Dataset) -> dict[str, Any]:
    """`structures`, `ignore` and `regions`: of regions, each number is a structure by itself."""
    ignore = {} if dataset.ignore is None else {"ignore": [dataset.ignore]}
    if not dataset.regions:
        return {"structures": {name: [number] for name, number in dataset.labels.items() if number}, **ignore}
    names = parts(dataset.regions)
    regions = {region: [names[number] for number in numbers] for region, numbers in dataset.regions.items()}
    return {"structures": {name: [number] for number, name in names.items()}, "regions": regions, **ignore}

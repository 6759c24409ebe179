"""Keys that a data set says itself, where nobody set them: folders, classes, regions and channels of nnU-Net's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskwright.config.dataset_json import Dataset, find_dataset
from maskwright.config.schema import Configuration

_MASK_KEYS = {"classes", "levels", "colors", "regions", "threshold", "algorithm", "format"}


def completed(config: Configuration) -> tuple[Configuration, list[str]]:
    """The configuration with what `dataset.json` beside its images says and nobody set, and what was taken from it.

    Raises:
        MaskwrightError: the file is damaged.
    """
    images = config.data.images
    masks_open = not _is_set(config.mask, _MASK_KEYS) and not _is_set(config.model, {"num_classes"})
    channels_open = not _is_set(config.data, {"channel_patterns"}) and not _is_set(config.model, {"image_channels"})
    if images is None or not (masks_open or channels_open or config.data.masks is None):
        return config, []
    dataset = find_dataset(images)
    if dataset is None:
        return config, []
    data, mask, model = _folders(config, dataset, images), dict[str, Any](), dict[str, Any]()
    if masks_open:
        keys = dataset.mask_keys()
        model["num_classes"] = keys.pop("num_classes")
        mask = {name: value for name, value in keys.items() if name != "ignore" or config.mask.ignore is None}
    if channels_open and (patterns := dataset.split_channels):
        data["channel_patterns"], model["image_channels"] = patterns, len(patterns)
    changes = {"data": data, "mask": mask, "model": model}
    if not any(changes.values()):
        return config, []
    sections = {name: getattr(config, name).model_copy(update=values) for name, values in changes.items() if values}
    taken = ", ".join(f"{name}.{key}" for name, values in changes.items() for key in values)
    note = dataset.count_note()
    return config.model_copy(update=sections), [f"{dataset.path} says {taken}", *([note] if note else [])]


def completed_scoring(config: Configuration, truth: Path) -> tuple[Configuration, list[str]]:
    """What `dataset.json` beside the truth says of label maps, where nobody said anything of them.

    Raises:
        MaskwrightError: the file is damaged.
    """
    section = config.mask
    said = (section.classes, section.levels, section.colors, section.regions, section.threshold, section.algorithm)
    if any(said) or section.format != "auto" or _is_set(config.model, {"num_classes"}):
        return config, []
    dataset = find_dataset(truth)
    if dataset is None:
        return config, []
    keys = dataset.mask_keys()
    model = config.model.model_copy(update={"num_classes": keys.pop("num_classes")})
    if section.ignore is not None:
        keys.pop("ignore", None)
    return config.model_copy(update={"model": model, "mask": section.model_copy(update=keys)}), [
        f"{dataset.path} says what the label maps hold: {', '.join(dataset.regions or dataset.labels)}"
    ]


def _folders(config: Configuration, dataset: Dataset, images: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if images.resolve() == dataset.path.parent:
        found["images"] = dataset.images
    if config.data.masks is None and dataset.truth.is_dir():
        found["masks"] = dataset.truth
    return found


def _is_set(section: Any, keys: set[str]) -> bool:
    return bool(section.model_fields_set & keys)

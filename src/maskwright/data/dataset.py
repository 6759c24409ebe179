"""The pairs of one part at the network's size, from the cache or decoded anew, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.config.schema import Configuration, DataSection
from maskwright.data.cache import default_folder, entry_name, open_entry
from maskwright.data.images import read_images
from maskwright.data.neighbours import neighbour_indices
from maskwright.data.pairs import Pair
from maskwright.data.part import PartFiles
from maskwright.data.preprocess import InputRule, network_input, resize_label
from maskwright.data.records import Record, read_pair
from maskwright.data.samples import SampleId
from maskwright.data.slabs import Slab, SlabWriter
from maskwright.errors import MaskwrightError
from maskwright.labels.names import names_of_all
from maskwright.labels.rule import LabelRule

_IMAGES, _LABELS = "images.raw", "labels.raw"
_THREADS = 4
_VERSION = 4


@dataclass(frozen=True)
class Dataset:
    """Pairs of one part, each at the network's size."""

    pairs: Sequence[Pair]
    records: Sequence[Record]
    label_rule: LabelRule
    input_rule: InputRule
    cached: tuple[Slab, Slab] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.pairs)

    def steps(self, batch_size: int) -> None:
        """An epoch has every pair once."""

    def sample(self, sample: SampleId, index: int) -> tuple[np.ndarray, np.ndarray]:
        """What a training sees as that sample: the whole pair, whichever sample it is."""
        return self.load(index)

    def around(self, sample: SampleId, index: int) -> tuple[np.ndarray, np.ndarray, None]:
        """The same; there is nothing around a picture."""
        return *self.load(index), None

    def pair_of(self, index: int) -> Pair:
        """The pair of an index."""
        return self.pairs[index]

    def load(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Image `(H, W, input_channels)` in the file's levels and label `(H, W)` uint8 of a pair."""
        around = self._neighbours[index] if self.input_rule.neighbours else [index]
        images = {place: self._image(place) for place in dict.fromkeys(around) if place != index}
        images[index], label = self.pair(index)
        return np.concatenate([images[place] for place in around], axis=2) if len(around) > 1 else images[index], label

    @cached_property
    def _neighbours(self) -> list[list[int]]:
        rule = self.input_rule
        return neighbour_indices([pair.name for pair in self.pairs], rule.neighbours, rule.slice_pattern)

    def pair(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Image `(H, W, channels)` and label `(H, W)` at the network's size, without neighbours."""
        if self.cached:
            images, labels = self.cached
            return images.read(index), labels.read(index)
        image, label = read_pair(self.pairs[index], self.label_rule)
        rule = self.input_rule
        return network_input(image, rule, self.pairs[index].image), resize_label(label, rule.height, rule.width)

    def _image(self, index: int) -> np.ndarray:
        if self.cached:
            return self.cached[0].read(index)
        return network_input(read_images(self.pairs[index].images), self.input_rule, self.pairs[index].image)


def open_dataset(
    part: PartFiles,
    label: LabelRule,
    rule: InputRule,
    data: DataSection,
    *,
    say: Callable[[str], None] = lambda message: None,
    step: Callable[[], None] = lambda: None,
) -> Dataset:
    """Pairs at the network's size: decoded into the cache, unless it is off or too small for them.

    Raises:
        MaskwrightError: pairs that cannot be used; all are listed.
    """
    pairs = part.pairs
    plain = Dataset(pairs, part.records, label, rule)
    if not data.cache:
        return plain
    size = entry_size(len(pairs), rule)
    folder = data.cache_dir or default_folder()

    def build(target: Path) -> None:
        images, labels = SlabWriter(target / _IMAGES), SlabWriter(target / _LABELS)

        def keep(index: int) -> None:
            image, truth = plain.pair(index)
            images.write(index, image)
            labels.write(index, truth)
            step()

        try:
            with ThreadPoolExecutor(_THREADS) as pool:
                list(pool.map(keep, range(len(pairs))))
        finally:
            images.close()
            labels.close()

    content = [[pair.name, list(files)] for pair, files in zip(pairs, part.hashes, strict=True)]
    entry = open_entry(folder, cache_name(content, label, rule), size, data.cache_limit_gb, build)
    if entry is None:
        say(f"cache: not used, {size / 1e9:.2f} GB do not fit into data.cache_limit_gb = {data.cache_limit_gb:g}")
        return plain
    say(f"cache: {size / 1e9:.2f} GB of decoded pictures in {folder} (data.cache = false turns it off)")
    images = Slab(entry / _IMAGES, (rule.height, rule.width, rule.channels), rule.dtype)
    labels = Slab(entry / _LABELS, (rule.height, rule.width), "uint8")
    return replace(plain, cached=(images, labels))


def entry_size(count: int, rule: InputRule) -> int:
    """Bytes of `count` pairs in the cache."""
    pixels = rule.height * rule.width
    return count * pixels * (rule.channels * np.dtype(rule.dtype).itemsize + 1)


def cache_name(content: Sequence[Any], label: LabelRule, rule: InputRule) -> str:
    """The name of the cache's entry for pairs.

    Neighbours are not part of it, because each slice is kept by itself; nor is what only whole scans need, nor how
    levels become floats, where all pictures have the same depth.
    """
    beside = (
        "intensity", "neighbours", "slice_pattern", "window", "orientation", "body_border", "spacing", "fit",
        "pixel_size", "pixel_unit",
    )  # fmt: skip
    settings = {name: value for name, value in asdict(rule).items() if name not in beside}
    return entry_name("pictures", _VERSION, content, asdict(label), settings)


def input_rule(config: Configuration, dtype: str) -> InputRule:
    """The rule for the network's input, for pictures of a depth; the range of levels is yet that of 8 bits.

    Raises:
        MaskwrightError: neighbouring slices are wanted, and nothing keeps a patient's slices together.
    """
    data, model = config.data, config.model
    if data.neighbours and data.patient_pattern is None and (data.images or data.valid.images is None):
        raise MaskwrightError(
            "is not set, and without it the slices of a patient would be torn apart",
            where="[data] patient_pattern",
            fix="Set it, or name folders of training and validation, or set data.neighbours = 0.",
        )
    if data.fit == "resize" and (data.pixel_size != 1 or data.pixel_unit != "px"):
        raise MaskwrightError(
            "has no meaning where pictures are squeezed or stretched to the network's input",
            where="[data] pixel_size" if data.pixel_size != 1 else "[data] pixel_unit",
            fix='Set data.fit = "pad" or "patch", or remove it.',
        )
    return InputRule(
        height=model.image_height,
        width=model.image_width,
        channels=model.image_channels,
        dtype=dtype,
        resize=data.resize,
        color_conversion=data.color_conversion,
        gamma=data.gamma,
        sharpening=data.sharpening,
        intensity=data.intensity,
        neighbours=data.neighbours,
        slice_pattern=data.slice_pattern if data.neighbours else "",
        window=data.window or "",
        body_border=data.body_border,
        orientation=data.orientation,
        channel_patterns=tuple(data.channel_patterns),
        fit=data.fit,
        pixel_size=data.pixel_size,
        pixel_unit=data.pixel_unit,
    )


def class_names(config: Configuration) -> list[str]:
    """Names of all classes (or regions), background first.

    Raises:
        MaskwrightError: `mask.classes` has another number of them: some would stand at another class than is meant.
    """
    if config.mask.regions:
        return ["background", *config.mask.regions]
    count, given = max(config.model.num_classes, 2), list(config.mask.classes)
    if given and (named := names_of_all(given, count)):
        return named
    if given:
        raise MaskwrightError(
            f"has {len(given)} names ({', '.join(given)}), and model.num_classes says {config.model.num_classes}, "
            f"which is {count} classes with the background",
            where="[mask] classes",
            fix="Name each class, background first, or correct model.num_classes.",
        )
    return ["background", "foreground"] if count == 2 else ["background", *(f"class {i}" for i in range(1, count))]

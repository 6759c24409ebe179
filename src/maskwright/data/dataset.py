"""The pairs of one part at the network's size, from the cache or decoded anew, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from maskwright.config.schema import Configuration, DataSection
from maskwright.data.cache import Slab, default_folder, entry_size, open_entry
from maskwright.data.images import read_image, read_images
from maskwright.data.label_rules import decide_rule
from maskwright.data.labels import LabelRule
from maskwright.data.neighbours import neighbour_indices
from maskwright.data.pairs import Pair
from maskwright.data.preprocess import InputRule, adjust, network_input, resize_label
from maskwright.data.records import Record, examine, read_pair
from maskwright.data.samples import SampleId
from maskwright.errors import MaskwrightError

_LOOKED_AT = 64  # masks that tell what the levels mean, where the configuration does not


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
        images[index], label = self._pair(index)
        return np.concatenate([images[place] for place in around], axis=2) if len(around) > 1 else images[index], label

    @cached_property
    def _neighbours(self) -> list[list[int]]:
        rule = self.input_rule
        return neighbour_indices([pair.name for pair in self.pairs], rule.neighbours, rule.slice_pattern)

    def _pair(self, index: int) -> tuple[np.ndarray, np.ndarray]:
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
    pairs: Sequence[Pair],
    label: LabelRule,
    rule: InputRule,
    data: DataSection,
    *,
    say: Callable[[str], None] = lambda message: None,
    step: Callable[[], None] | None = None,
) -> Dataset:
    """Read and check every pair, and keep them decoded in the cache unless it is off or they are too many for it.

    Raises:
        MaskwrightError: with the whole list of pairs that cannot be used.
    """
    size = entry_size(len(pairs), rule) / 1e9
    if data.cache and size <= data.cache_limit_gb:
        folder = data.cache_dir or default_folder()
        say(f"cache: {size:.2f} GB of decoded pictures in {folder} (data.cache = false turns it off)")
        images, labels, records = open_entry(folder, pairs, label, rule, data.cache_limit_gb, step)
        return Dataset(pairs, records, label, rule, (images, labels))
    if data.cache:
        say(f"cache: not used, {size:.2f} GB are more than data.cache_limit_gb = {data.cache_limit_gb:g}")
    # What cannot be made an input is told now, not by the first batch that needs it.
    records = examine(
        pairs, label, use=lambda index, image, truth: _require_input(image, rule, pairs[index]), step=step
    )
    return Dataset(pairs, records, label, rule)


def _require_input(image: np.ndarray, rule: InputRule, pair: Pair) -> None:
    adjust(image[:8, :8], rule, pair.image)


def input_rule(config: Configuration, dtype: str) -> InputRule:
    """The rule for the network's input, for pictures of a depth; the range of levels is yet that of 8 bits.

    Raises:
        MaskwrightError: neighbouring slices are wanted, and nothing keeps a patient's slices together.
    """
    data, model = config.data, config.model
    if data.neighbours and data.patient_pattern is None:
        raise MaskwrightError(
            "is not set, and without it the slices of a patient would be torn apart",
            where="[data] patient_pattern",
            fix="Set it, or set data.neighbours = 0.",
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
    )


def label_rule(config: Configuration, pairs: Sequence[Pair]) -> LabelRule:
    """The rule for masks: from the configuration, or from what some of the masks hold."""
    chosen = [pairs[i] for i in np.unique(np.linspace(0, len(pairs) - 1, _LOOKED_AT).astype(int))]
    masks = (read_image(pair.mask, palette=True) for pair in chosen)
    return decide_rule(config.mask, config.model.num_classes, masks)


def class_names(config: Configuration) -> list[str]:
    """Names of all classes (or regions), background first."""
    if config.mask.regions:
        return ["background", *config.mask.regions]
    count, given = max(config.model.num_classes, 2), list(config.mask.classes)
    if len(given) == count:
        return given
    if len(given) == count - 1:
        return ["background", *given]
    return ["background", "foreground"] if count == 2 else ["background", *(f"class {i}" for i in range(1, count))]

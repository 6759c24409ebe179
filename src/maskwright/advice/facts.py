"""What lies in a data set: pairs, patients, classes, sizes, levels, and how thin its structures are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from maskwright.advice.intensities import foreground_ends, is_ct
from maskwright.advice.layouts import Layout
from maskwright.advice.patients import Candidate, candidates, chosen
from maskwright.advice.structures import Structures, look_at_masks, spread
from maskwright.config import Configuration
from maskwright.config.loading import from_overrides
from maskwright.data.duplicates import find_duplicates
from maskwright.data.images import read_images
from maskwright.data.map_values import values_in
from maskwright.data.mask_meaning import Decision
from maskwright.data.mask_values import look
from maskwright.data.pairs import Pair
from maskwright.data.records import Record, examine
from maskwright.data.remarks import remarks
from maskwright.data.resolution import Spacing, pixel_spacing
from maskwright.data.splits import SPLITS, Splits, collect
from maskwright.errors import MaskwrightError
from maskwright.labels.configured import ignored
from maskwright.plan.masks import decide
from maskwright.plan.scans import examine_scans
from maskwright.progress import Reporter
from maskwright.volumes.read import stem

_MOST_CLASSES = 64  # more numbers are objects, or levels
_DENSE = 0.5  # of the class numbers that some mask must have
_VOID = (255, 65535)
_DIFFER = 1.1  # times from the smallest pixel to the largest from which the files' own sizes are gone by
_OPTICAL = 0.02  # mm; larger pixels may be the dots an inch of a print, which photographs carry and nobody measured
_TINT = 0.02  # of the largest level: what compression makes of grey


@dataclass(frozen=True)
class Facts:
    """What was found.

    Attributes:
        layout: where it lies. records: of each part, or of `all`.
        tried: patterns for patients, and which is taken. classes: `model.num_classes`. why: what masks mean.
        structures: of pictures. spacings: size of each picture's pixels in mm, as `records`, where its file says it.
        notes: what a user should know. twins: cases that are in two parts, or nearly. grey: no picture that was looked
            at has colours, also where it is stored as if it had. hounsfield: of CT, the levels between which
            structures lie. large: pictures that are read by windows, so that records are of pieces of them.
    """

    layout: Layout
    records: dict[str, list[Record]]
    tried: list[Candidate]
    patients: Candidate | None
    classes: int
    why: str
    structures: Structures = field(default_factory=Structures)
    notes: tuple[str, ...] = ()
    twins: int = 0
    grey: bool = False
    spacings: dict[str, list[Spacing | None]] = field(default_factory=dict)
    hounsfield: tuple[float, float] | None = None
    large: int = 0

    @property
    def usual(self) -> float | None:
        """mm of a pixel, the median over all pictures; None where a file does not say it."""
        known = [spacing for spacings in self.spacings.values() for spacing in spacings if spacing]
        if not known or len(known) < len(self.everything):
            return None
        return float(np.median([math.sqrt(down * across) for down, across in known]))

    @property
    def differ(self) -> bool:
        """Whether pixels of some pictures are known to be larger than those of others, as through a microscope."""
        steps = [step for spacings in self.spacings.values() for spacing in spacings for step in spacing or ()]
        return self.usual is not None and _DIFFER * min(steps) < max(steps) < _OPTICAL

    @property
    def ct(self) -> bool:
        """Whether these are scans in Hounsfield units."""
        return self.layout.scans and is_ct(self.learnt)

    def sizes(self, part: str, *, measured: bool) -> list[tuple[float, float]]:
        """Height and width of each picture of a part in px, or in pixels of the usual size (`measured`)."""
        sizes: list[tuple[float, float]] = [(record.height, record.width) for record in self.records[part]]
        if not measured or self.usual is None:
            return sizes
        known = [spacing for spacing in self.spacings[part] if spacing]
        return [(tall * down / self.usual, wide * across / self.usual)
                for (tall, wide), (down, across) in zip(sizes, known, strict=True)]  # fmt: skip

    @property
    def everything(self) -> list[Record]:
        """The records of all parts."""
        return [record for records in self.records.values() for record in records]

    @property
    def learnt(self) -> list[Record]:
        """Those of all parts but the test."""
        return [record for part, records in self.records.items() if part != "test" for record in records]

    @property
    def sided(self) -> bool:
        """Whether left and right are known to differ: scans, and grey pictures of patients."""
        return self.layout.scans or (self.patients is not None and self.grey)

    def shares(self) -> np.ndarray:
        """Of each class its share of the known pixels that are learnt from."""
        pixels = np.sum([record.class_pixels for record in self.learnt], axis=0)
        return pixels / max(pixels.sum(), 1)

    def colours(self) -> Counter[int]:
        """How many pictures have so many channels."""
        return Counter(record.channels for record in self.everything)


def look_at(layout: Layout, overrides: Sequence[str], reporter: Reporter) -> Facts:
    """Read all of a data set once.

    Args:
        overrides: what the user says of it, as `section.key=value`.

    Raises:
        MaskwrightError: files that cannot be used (all are listed), or masks that can mean several things: what is said
            then names the key that settles it.
    """
    keys = [f"{key}={path}" for key, path in layout.keys().items()]
    if layout.scans:
        keys.append("model.image_depth=16")  # which is what makes them volumes
    config = from_overrides([*keys, *overrides])
    splits = _pairs(config, layout)
    tried = candidates({part: names_of(pairs) for part, pairs in splits.items()})
    patients = None if "patient_pattern" in config.data.model_fields_set else chosen(tried)
    if patients:
        config = from_overrides([*keys, *overrides, f"data.patient_pattern={patients.pattern}"])
        splits = _pairs(config, layout)
    notes = remarks(config.data, splits, scans=layout.scans)
    config, decided = _classes(config, splits, layout, reporter)
    records = {}
    for part, pairs in splits.items():
        if layout.scans:
            records[part] = examine_scans(pairs, decided.rule, config, reporter)
        else:
            with reporter.task(f"reading {part}", len(pairs), "pairs") as step:
                records[part] = examine(pairs, decided.rule, step=step)
    learnt = [pair for part, pairs in splits.items() if part != "test" for pair in pairs]
    structures = Structures() if layout.scans else look_at_masks(learnt, decided.rule)
    parts = list(records.values())
    twins = sum(len(find_duplicates(one, other)) for k, one in enumerate(parts) for other in parts[:k])
    spacings = {} if layout.scans else {
        part: [pixel_spacing(pair.image) for pair in pairs] for part, pairs in splits.items()
    }  # fmt: skip
    found = Facts(
        layout, records, tried, patients, config.model.num_classes, decided.why, structures,
        (*notes, *decided.notes), twins, not layout.scans and _are_grey(splits), spacings,
        large=len({pair.image for pairs in splits.values() for pair in pairs if pair.window}),
    )  # fmt: skip
    return replace(found, hounsfield=foreground_ends(learnt, decided.rule)) if found.ct else found


def names_of(pairs: Sequence[Pair]) -> list[str]:
    """The names of pictures: of one in pieces once."""
    return list(dict.fromkeys(stem(pair.image) if pair.window else pair.name for pair in pairs))


def _are_grey(splits: Splits) -> bool:
    pairs = [pair for some in splits.values() for pair in some]
    for place in spread(len(pairs)):
        image = read_images(pairs[place].images, pairs[place].window)
        if image.ndim == 3 and np.abs(image.astype(np.float32) - image[..., :1]).max() > _TINT * image.max():
            return False
    return True


def _pairs(config: Configuration, layout: Layout) -> Splits:
    """All pairs: of the parts that are given, or as `all`."""
    fit = {} if "fit" in config.data.model_fields_set else {"fit": "patch"}  # by which large pictures are read at all
    whole = config.data.model_copy(update={"valid_fraction": 0.0, "test_fraction": 0.0, **fit})
    if "all" in layout.parts:
        return {"all": collect(whole, ("train",), scans=layout.scans)["train"]}
    return collect(whole, [part for part in SPLITS if part in layout.parts], scans=layout.scans)


def _classes(
    config: Configuration, splits: Splits, layout: Layout, reporter: Reporter
) -> tuple[Configuration, Decision]:
    """One structure, or as many classes as the masks have numbers; what masks mean then."""
    if config.mask.regions or "num_classes" in config.model.model_fields_set:
        return config, decide(config, splits, scans=layout.scans)
    masks = {part: [pair.mask_part for pair in pairs] for part, pairs in splits.items()}
    with reporter.task("looking at masks", sum(map(len, masks.values())), "masks") as step:
        seen = look(masks, step, frozenset({"test"}), values_in if layout.scans else None)
    void = ignored(config.mask)
    numbers = {number for number in seen.numbers() if number not in (*_VOID, void)}
    if config.mask.levels or config.mask.colors:
        count = max(len(config.mask.levels), len(config.mask.colors))
    elif numbers <= {0.0, 1.0} or not all(float(number).is_integer() for number in numbers):
        count = 1
    else:
        count = int(max(numbers)) + 1
        if len(numbers) < _DENSE * count:  # 0 and 15 are no 16 classes: what they are is for the user to say
            count = 1
    one, several = (config.model_copy(update={"model": config.model.model_copy(update={"num_classes": n})})
                    for n in (1, max(2, count)))  # fmt: skip
    if count <= 2:
        return one, decide(one, splits, scans=layout.scans)
    try:
        if count <= _MOST_CLASSES:
            return several, decide(several, splits, scans=layout.scans)
        return one, decide(one, splits, scans=layout.scans)
    except MaskwrightError as error:
        try:
            return one, decide(one, splits, scans=layout.scans)
        except MaskwrightError:
            raise error from None

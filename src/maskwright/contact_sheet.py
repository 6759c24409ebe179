"""A contact sheet of what the configured augmentation does: originals beside augmented pairs, with label outlines."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from maskwright.augment.affine import Affine
from maskwright.augment.base import Drawn
from maskwright.augment.pipeline import draw, each_kind, record, variants
from maskwright.config import Configuration
from maskwright.data.dataset import Dataset, input_rule
from maskwright.data.filters import resize
from maskwright.data.levels import mixed_range
from maskwright.data.loader import Batches
from maskwright.data.patches import Patches, patches_of
from maskwright.data.pictures import make
from maskwright.data.preprocess import resize_label
from maskwright.data.records import common_dtype, depths
from maskwright.data.samples import SampleId
from maskwright.data.wholes import FreshWholes
from maskwright.errors import MaskwrightError
from maskwright.inference.overlay import overlay
from maskwright.plan import Plan
from maskwright.plan.masks import decide
from maskwright.plan.split import split
from maskwright.progress import Reporter
from maskwright.training.prepare import picture_input_rule, steps_of
from maskwright.training.samples import Augmenter

TOGETHER = "all together"
_TOGETHER_ROWS = 4
_LOOKED_AT = 48  # pairs among which those are chosen that show much foreground
_EDGE, _GAP, _CAPTION = 256, 6, 26  # px
_WORDS = 34  # letters that fit over a tile
_PAPER, _INK, _FAINT = (24, 24, 27), (244, 244, 245), (161, 161, 170)


@dataclass(frozen=True)
class Row:
    """One transform on some pairs."""

    name: str
    sources: list[str]
    drawn: list[Drawn]
    tiles: list[np.ndarray]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        pairs = zip(self.sources, self.drawn, strict=True)
        return {"name": self.name, "pairs": [{"source": name, "drawn": record(one)} for name, one in pairs]}


def training_batches(config: Configuration, plan: Plan | None = None) -> Batches:
    """The batches of the training that `config` describes; only the pairs that are asked for are read.

    Args:
        plan: of the run whose training it was; without one the pairs are those that a new training would have.

    Raises:
        MaskwrightError: no training pairs, or their masks cannot be told.
    """
    if config.model.image_depth:
        raise MaskwrightError(
            "shows pictures, not volumes", where="maskwright augment", fix="Name a configuration without image_depth."
        )
    settings = config.train
    if plan is not None:
        pairs, label, rule = plan.pairs("train"), plan.label_rule, picture_input_rule(config, plan)
    else:
        splits, _ = split(config)
        everything = [pair for pairs in splits.values() for pair in pairs]
        found = depths(everything)
        pairs, rule = splits["train"], input_rule(config, common_dtype(found))
        if mixed := mixed_range(rule, everything, found):
            rule = dataclasses.replace(rule, low=mixed[0], high=mixed[1])
        label = decide(config, splits).rule
    dataset: Dataset | Patches = Dataset(pairs, [], label, rule)
    if rule.fit != "resize":
        made = partial(make, label=label, rule=rule)
        dataset = patches_of(FreshWholes(pairs, made), pairs, [], label, rule, settings.foreground_share)
    # Copies of what is trained on are written by the training alone.
    augment = Augmenter(config.augmentation.model_copy(update={"debug": False}))
    return Batches(
        dataset, settings.batch_size, seed=settings.seed, shuffle=True, augment=augment,
        steps=steps_of(config, dataset),
    )  # fmt: skip


def every_transform(batches: Batches, config: Configuration, count: int, seed: int, reporter: Reporter) -> list[Row]:
    """Each transform that is on, by itself, then all together; on the `count` pairs with the most foreground of some.

    Raises:
        MaskwrightError: the augmentation is off.
    """
    options, augment = config.augmentation, Augmenter(config.augmentation)
    if options.mode == "off":
        raise MaskwrightError(
            "is off, so there is nothing to show",
            where="[augmentation] mode",
            fix="Set it to random or enumerate, for example with --set augmentation.mode=random.",
        )
    chosen = _most_foreground(batches, count, reporter)
    middle = batches.dataset.input_rule.middle
    shape = chosen[0][2].shape
    names = _names(config, shape)
    rows = []
    with reporter.task("augmenting", len(names), "rows") as advance:
        for number, name in enumerate(names):
            drawn, tiles = [], []
            for place, (_, image, label) in enumerate(chosen):
                rng = np.random.default_rng((seed, number, place))
                one = _draw(rng, config, name, shape)
                drawn.append(one)
                moved, moved_label = augment.apply(image, label, one)
                tiles += [tile(middle(image), label), tile(middle(moved), moved_label)]
            rows.append(Row(name, [source for source, _, _ in chosen], drawn, tiles))
            advance()
    return rows


def one_sample(batches: Batches, epoch: int, place: int) -> Row:
    """A sample of the training as it was: epoch and place from 0.

    Raises:
        MaskwrightError: the epoch has no such place.
    """
    order = batches.order(epoch)
    if not 0 <= place < len(order):
        raise MaskwrightError(
            f"an epoch has {len(order)} samples", where=f"--replay {epoch}:{place}", fix="Count them from 0."
        )
    pair = batches.dataset.pair_of(int(order[place]))
    sample = SampleId(batches.seed, epoch, place)
    image, label = (np.asarray(one) for one in batches.dataset.sample(sample, int(order[place])))
    assert isinstance(batches.augment, Augmenter)
    drawn = draw(sample.rng(), batches.augment.options, label.shape)
    moved, moved_label = batches.pair(sample, int(order[place]))
    middle = batches.dataset.input_rule.middle
    tiles = [tile(middle(image), label), tile(middle(moved), moved_label)]
    return Row(f"sample {sample} of seed {batches.seed}", [pair.name], [drawn], tiles)


def _names(config: Configuration, shape: tuple[int, ...]) -> list[str]:
    rng = np.random.default_rng(0)
    if config.augmentation.mode == "enumerate":
        return [one.prefix for one in variants(rng, config.augmentation, shape)[1:]]
    return [*each_kind(rng, config.augmentation, shape), *[TOGETHER] * _TOGETHER_ROWS]


def _draw(rng: np.random.Generator, config: Configuration, name: str, shape: tuple[int, ...]) -> Drawn:
    if name == TOGETHER:
        return draw(rng, config.augmentation, shape)
    if config.augmentation.mode == "enumerate":
        return next(one for one in variants(rng, config.augmentation, shape) if one.prefix == name)
    return each_kind(rng, config.augmentation, shape)[name]


def _most_foreground(batches: Batches, count: int, reporter: Reporter) -> list[tuple[str, np.ndarray, np.ndarray]]:
    dataset = batches.dataset
    indices = np.unique(np.linspace(0, len(dataset) - 1, min(_LOOKED_AT, len(dataset))).astype(int))
    found: list[tuple[int, str, np.ndarray, np.ndarray]] = []
    with reporter.task("looking for pairs to show", len(indices), "pairs") as advance:
        for index in indices:
            image, label = dataset.sample(SampleId(batches.seed, 0, int(index)), int(index))
            found.append((int((label > 0).sum()), dataset.pairs[index].name, image, label))
            found = sorted(found, key=lambda one: -one[0])[:count]
            advance()
    return [(name, image, label) for _, name, image, label in found]


def tile(image: np.ndarray, label: np.ndarray) -> np.ndarray:
    """A pair at the size of the sheet; outlines are drawn after enlarging, so that they stay fine."""
    height, width = label.shape
    ratio = _EDGE / max(height, width)
    size = max(1, round(height * ratio)), max(1, round(width * ratio))
    resized = resize(image, *size, "area" if ratio < 1 else "cubic")
    marks = resize_label(label, *size)
    canvas = np.empty((_EDGE, _EDGE, 3), np.uint8)
    canvas[:] = _PAPER
    top, left = (_EDGE - size[0]) // 2, (_EDGE - size[1]) // 2
    canvas[top : top + size[0], left : left + size[1]] = overlay(resized, marks, (255, 220, 0))
    return canvas


def picture(rows: Sequence[Row]) -> np.ndarray:
    """The sheet, `(H, W, 3)` uint8: a row a transform, originals beside what became of them."""
    columns = max(len(row.tiles) for row in rows)
    width = columns * (_EDGE + _GAP) + _GAP
    height = len(rows) * (_EDGE + _CAPTION + _GAP) + _GAP
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for number, row in enumerate(rows):
        top = _GAP + number * (_EDGE + _CAPTION + _GAP)
        pen.text((_GAP + 2, top + 3), row.name.strip("_"), _INK, font)
        for place, one in enumerate(row.tiles):
            left = _GAP + place * (_EDGE + _GAP)
            if place % 2:
                pen.text((left + 2, top + 3), describe(row.drawn[place // 2]), _FAINT, font)
            sheet.paste(Image.fromarray(one), (left, top + _CAPTION))
    return np.asarray(sheet)


def describe(drawn: Drawn) -> str:
    """A few words on what was drawn: the transforms, and the numbers of one that stands alone."""
    transforms = [*drawn.spatial, *drawn.intensity]
    if not transforms:
        return "unchanged"
    if len(transforms) > 1:
        names = ", ".join(dict.fromkeys(type(one).__name__.lower() for one in transforms))
        return names if len(names) <= _WORDS else f"{len(transforms)} transforms"
    if isinstance(transforms[0], Affine):
        return _affine(np.array(transforms[0].matrix)[-2:, -2:])
    numbers = [(name, value) for name, value in record(drawn)[0].items() if name != "seed"]
    return ", ".join(f"{name} {value:.4g}" for name, value in numbers if isinstance(value, int | float))


def _affine(matrix: np.ndarray) -> str:
    area = 1 / np.linalg.det(matrix)
    if area < 0:
        return "mirrored"
    angle = np.degrees(np.arctan2(matrix[0, 1] - matrix[1, 0], matrix[0, 0] + matrix[1, 1]))
    return f"{angle:+.1f} degrees, {np.sqrt(area):.2f} times as large"

"""Prediction of pictures: decoded ahead in threads, run in batches, brought back to their own size."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from maskwright.config.schema import PredictSection
from maskwright.data.cases import CaseFiles
from maskwright.data.images import read_images
from maskwright.data.levels import settled
from maskwright.data.neighbours import read_levels
from maskwright.data.preprocess import InputRule
from maskwright.data.resolution import Spacing, spacing_for
from maskwright.data.scale import network_values, seen_size
from maskwright.errors import MaskwrightError
from maskwright.inference.decision import decision
from maskwright.inference.engines import Engine
from maskwright.inference.masks import restore
from maskwright.inference.postprocess import cleaning
from maskwright.inference.tiles import predict_tiles
from maskwright.inference.windows import slabs
from maskwright.volumes.read import stem

_THREADS = 2
Source = TypeVar("Source")
Item = TypeVar("Item")


@dataclass(frozen=True)
class Picture:
    """A decoded picture `(H, W[, C])`, its levels as the network sees them, `(H, W, C)`, and its input, `(h, w, C)`.

    The input is as large as the network's, or larger. Of it the first `size` rows and columns are the picture.
    """

    image: np.ndarray
    levels: np.ndarray
    inputs: np.ndarray
    size: tuple[int, int]


def picture(
    image: np.ndarray, levels: np.ndarray, rule: InputRule, where: object = None, spacing: Spacing | None = None
) -> Picture:
    """A picture of what was decoded and its levels, neighbours among them.

    Args:
        spacing: size of its pixels in mm, where the rule's scale is one of mm or µm.

    Raises:
        MaskwrightError: it must be seen whole, and is larger than the network's input.
    """
    size = seen_size(levels.shape, rule, spacing)
    return Picture(image, levels, network_values(levels, rule, where, spacing), size)


def rule_of_set(
    engine: Engine,
    pictures: Sequence[Sequence[Path]],
    options: PredictSection,
    say: Callable[[str], None] = lambda message: None,
) -> InputRule:
    """How the network sees pictures that are predicted together: its rule with their black and white.

    Args:
        pictures: the files of each. say: told what was taken, and how to have it otherwise.

    Raises:
        MaskwrightError: `predict.levels` are no two levels.
    """
    return settled(engine.metadata.input_rule, pictures, options.levels, say)


def load_picture(rule: InputRule, files: CaseFiles) -> Picture:
    """Decode a picture and make the network's input of it.

    Raises:
        MaskwrightError: it cannot be read, or has other channels than the network.
    """
    return as_picture(files.paths[0], read_images(files.paths), rule)


def as_picture(path: Path, image: np.ndarray, rule: InputRule) -> Picture:
    """The network's input of a decoded picture, its neighbours with it where the rule asks for them.

    Args:
        path: of the picture, or of its first channel.
        rule: with the levels of the set that it belongs to (`rule_of_set`).
    """
    levels = read_levels(path, image, rule)
    return picture(image, levels, rule, path, spacing_for(path, rule))


def ahead(
    sources: Sequence[Source], load: Callable[[Source], Item], count: int
) -> Iterator[tuple[Source, Item | MaskwrightError]]:
    """What `load` makes of each source, in order, `count` prepared ahead in threads; errors are handed on as values."""

    def attempt(source: Source) -> Item | MaskwrightError:
        try:
            return load(source)
        except MaskwrightError as error:
            return error

    with ThreadPoolExecutor(_THREADS) as pool:
        queue: deque[tuple[Source, Future[Item | MaskwrightError]]] = deque()
        for source in sources:
            queue.append((source, pool.submit(attempt, source)))
            if len(queue) > count:
                first, future = queue.popleft()
                yield first, future.result()
        for first, future in queue:
            yield first, future.result()


def run_batches(
    engine: Engine,
    sources: Sequence[Source],
    load: Callable[[Source], Item],
    picture_of: Callable[[Any], Picture],
    batch_size: int,
) -> Iterator[tuple[Source, Item | MaskwrightError, np.ndarray | None]]:
    """Run the network over sources of any kind.

    Yields:
        The source, what `load` made of it (or its error), and its probabilities `(h, w, K)` at the size at which the
        network saw it (None for an error), in the order of the sources.
    """
    if engine.metadata.input_rule.fit != "resize":
        for source, item in ahead(sources, load, 2):
            if isinstance(item, MaskwrightError):
                yield source, item, None
            else:
                yield source, item, windowed(engine, picture_of(item), batch_size)
        return
    waiting: list[tuple[Source, Item | MaskwrightError]] = []

    def flush() -> Iterator[tuple[Source, Item | MaskwrightError, np.ndarray | None]]:
        good = [picture_of(item).inputs for _, item in waiting if not isinstance(item, MaskwrightError)]
        found = iter(engine.probabilities(np.stack(good), batch_size) if good else [])
        for source, item in waiting:
            yield source, item, None if isinstance(item, MaskwrightError) else next(found)
        waiting.clear()

    for source, item in ahead(sources, load, 2 * batch_size):
        waiting.append((source, item))
        if sum(not isinstance(one, MaskwrightError) for _, one in waiting) == batch_size:
            yield from flush()
    yield from flush()


def windowed(engine: Engine, picture: Picture, batch_size: int, overlap: float = 0.5) -> np.ndarray:
    """Probabilities `(h, w, K)` of a picture at the network's scale, in windows where it is larger than one.

    Args:
        overlap: of neighbouring windows, as a share of their edge.
    """
    blocks = [block for _, block in slabs(engine, picture.inputs, batch_size, overlap)]
    return np.concatenate(blocks)[: picture.size[0], : picture.size[1]]


def full_probabilities(
    engine: Engine, picture: Picture, small: np.ndarray | None, options: PredictSection, *, tiled: bool
) -> np.ndarray:
    """Probabilities `(H, W, K)` at the picture's own size: from those of the network's size, or in tiles.

    A network for pictures at one scale sees them in windows, tiled or not.

    Raises:
        MaskwrightError: tiles of another size are wanted, which would change that scale.
    """
    height, width = picture.image.shape[:2]
    blur = options.blur_size if options.blur else None
    tiles = options.tiles
    if engine.metadata.input_rule.fit != "resize":
        if tiled and tiles.size:
            raise MaskwrightError(
                "is given, and this model sees pictures in windows of its own, at one scale",
                where="[predict.tiles] size",
                fix="Leave it out; such a model needs no --tiles.",
            )
        small = windowed(engine, picture, options.batch_size) if small is None else small
    elif tiled:
        small = predict_tiles(engine, picture.levels, tiles.size, tiles.overlap, options.batch_size)
    assert small is not None
    return restore(small, height, width, blur)


def predict_image(
    engine: Engine,
    files: Path | Sequence[Path],
    options: PredictSection,
    *,
    tiled: bool = False,
    rule: InputRule | None = None,
) -> np.ndarray:
    """The mask `(H, W)` of class numbers of one picture.

    Args:
        files: of the picture, or of its channels.
        rule: with the levels of the set that it belongs to (`rule_of_set`); a set by itself where None.

    Raises:
        MaskwrightError: it cannot be read.
    """
    paths = (files,) if isinstance(files, Path) else tuple(files)
    rule = rule or rule_of_set(engine, [paths], options)
    return segment_picture(engine, load_picture(rule, CaseFiles(stem(paths[0]), paths)), options, tiled=tiled)


def segment_picture(engine: Engine, picture: Picture, options: PredictSection, *, tiled: bool = False) -> np.ndarray:
    """The mask `(H, W)` of class numbers of a decoded picture."""
    return found_in(engine, picture, options, tiled=tiled)[0]


def found_in(
    engine: Engine, picture: Picture, options: PredictSection, *, tiled: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The mask `(H, W)` of class numbers of a decoded picture, and its probabilities `(H, W, K)`."""
    small = None
    if not tiled and engine.metadata.input_rule.fit == "resize":
        small = engine.probabilities(picture.inputs[None])[0]
    full = full_probabilities(engine, picture, small, options, tiled=tiled)
    label = decision(engine.metadata, options)(full)
    return cleaning(engine.metadata, options.postprocess)(label), full

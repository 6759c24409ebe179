"""Another model's weights as the beginning of a training: what fits is taken, and said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.config.schema import TrainSection
from maskwright.data.pairs import shorten
from maskwright.data.records import Record
from maskwright.errors import MaskwrightError
from maskwright.models.metadata import Metadata
from maskwright.models.saving import load_model
from maskwright.plan import Plan
from maskwright.progress import Reporter
from maskwright.storage import write_json
from maskwright.training.run import Run, read_training_images
from maskwright.untrusted.text import read_json

_LEAST = 0.5  # of the weights that must fit; with fewer it is another network


@dataclass(frozen=True)
class Start:
    """What a training began with.

    Attributes:
        source: the model's file. taken: places of weights that came from it, among those of the network's main output.
    """

    source: Path
    taken: tuple[int, ...]

    def rates(self, model: Any, share: float, spread: str = "equal") -> dict[str, float]:
        """The share of the learning rate of each variable that learns more slowly than the others, by its path.

        Args:
            spread: `equal`, or `by_depth`: from `share` for the first layer by equal factors to 1 for the last, as in
                Howard and Ruder 2018 (arXiv 1801.06146), whose factor between neighbours is 2.6.
        """
        if share == 1:
            return {}
        variables = [model.weights[place] for place in self.taken if model.weights[place].trainable]
        if spread == "equal":
            return {variable.path: share for variable in variables}
        layers = [layer for layer in model._flatten_layers(include_self=False) if layer.weights]
        depth = {id(variable): place for place, layer in enumerate(layers) for variable in layer.weights}
        order = sorted({depth[id(variable)] for variable in variables})
        steps = {place: number / max(len(order) - 1, 1) for number, place in enumerate(order)}
        return {variable.path: share ** (1 - steps[depth[id(variable)]]) for variable in variables}

    def freeze(self, model: Any) -> None:
        """Let layers that were taken whole keep their weights and statistics."""
        kept = {id(model.weights[place]) for place in self.taken}
        for layer in model._flatten_layers(include_self=False):
            if layer.weights and all(id(variable) in kept for variable in layer.weights):
                layer.trainable = False


def begin(model: Any, metadata: Metadata, settings: TrainSection, run: Run, reporter: Reporter, *,
          resume: bool) -> Start | None:  # fmt: skip
    """Take what fits of `train.start_from` into a network; where a training goes on, only recall what was taken.

    Args:
        model: the network's main output; its layers may have other outputs too.

    Raises:
        MaskwrightError: the file is no model of ours, or hardly anything of it fits.
    """
    if settings.start_from is None:
        return None
    if settings.start_rate in (0, 1) and settings.start_spread == "by_depth":
        raise MaskwrightError(
            f"has nothing to spread: at start_rate = {settings.start_rate:g} all layers learn alike, or not at all",
            where="[train] start_spread",
            fix="Set train.start_rate to the share of the first layer, as 0.01, or leave start_spread out.",
        )
    source = model_file(settings.start_from)
    if resume:
        note = read_json(run.start_file, like={"taken": [int]})
        start = Start(source, tuple(note["taken"]))
        if not all(0 <= place < len(model.weights) for place in start.taken):
            raise MaskwrightError("names weights that this network has not", where=run.start_file, fix="Train anew.")
    else:
        start = _take(model, metadata, source, reporter)
    if settings.start_rate == 0:
        start.freeze(model)
    return start


def model_file(path: Path) -> Path:
    """The model of a run folder, or the file itself."""
    return Run(path).model_file if path.is_dir() else path


def note_start(run: Run, start: Start) -> None:
    """Keep what was taken, for going on."""
    write_json(run.start_file, {"source": str(start.source), "taken": list(start.taken)})


def seen_before(start: Start, plan: Plan, reporter: Reporter) -> list[Record]:
    """What the model that a training starts from had been trained on, as far as its run folder says.

    Who of them is in validation or test is said: their scores would be too good. `evaluate` finds them too.
    """
    records = read_training_images(Run(start.source.parent))
    if not records:
        reporter.warn(f"start: whom {start.source} has seen is not known; it may be those that this run is scored on")
    hashes, patients = {one.image_hash for one in records}, {one.patient for one in records}
    for part, what in (("valid", "validation"), ("test", "test")):
        entries = plan.part(part)
        same = [
            one for one in entries if hashes & set(one.hashes) or (plan.by_patient and one.pair.patient in patients)
        ]
        again = sorted({one.pair.patient for one in same})
        if again:
            who = f"{len(again)} of the {what} part, whose scores will be too good: {shorten(again)}"
            reporter.warn(f"start: {start.source} was trained on {who}")
    return records


def _take(model: Any, metadata: Metadata, source: Path, reporter: Reporter) -> Start:
    import keras

    other, known = load_model(source)
    if known.architecture != metadata.architecture:
        raise MaskwrightError(
            f"is a {known.architecture}, and a {metadata.architecture} is to be trained",
            where=source,
            fix=f'Set model.name = "{known.architecture}" (with its options), or start from another model.',
        )
    pairs = align(other.weights, model.weights)
    taken, adapted = [], False
    for mine, theirs in pairs:
        target, value = model.weights[mine], keras.ops.convert_to_numpy(other.weights[theirs])
        fitting = fitted(value, tuple(target.shape), first=mine == pairs[0][0])
        if fitting is not None:
            adapted |= fitting.shape != value.shape
            target.assign(fitting)
            taken.append(mine)
    sizes = [int(np.prod(variable.shape)) for variable in model.weights]
    share = sum(sizes[place] for place in taken) / sum(sizes)
    if share < _LEAST:
        raise MaskwrightError(
            f"fits only in {share:.0%} of the weights of the network that is to be trained",
            where=source,
            fix="Set the network's options (base_filters, num_layers, …) as the config.toml of that run has them.",
        )
    left = [variable.path for place, variable in enumerate(model.weights) if place not in set(taken)]
    told = f"start: {share:.1%} of the weights come from {source}"
    told += ", the first layer's made to fit the channels" if adapted else ""
    reporter.say(told + (f"; new are {', '.join(left[:4])}{' …' if len(left) > 4 else ''}" if left else ""))
    return Start(source, tuple(taken))


def align(theirs: Sequence[Any], mine: Sequence[Any]) -> list[tuple[int, int]]:
    """Which variable of one network is which of another: by place where both have as many, else by kind and shape."""
    if len(theirs) == len(mine):
        return [(place, place) for place in range(len(mine))]
    ours, others = ([(one.path.rsplit("/", 1)[-1], tuple(one.shape)) for one in part] for part in (mine, theirs))
    blocks = SequenceMatcher(None, ours, others, autojunk=False).get_matching_blocks()
    return [(a + n, b + n) for a, b, size in blocks for n in range(size)]


def fitted(value: np.ndarray, shape: tuple[int, ...], *, first: bool) -> np.ndarray | None:
    """A weight in the shape that is wanted; None where it does not fit.

    Args:
        first: the first kernel `(…, channels, filters)`, which is made to fit other channels: one channel takes the
            sum, of more channel k starts as channel k mod those that there were, scaled by their numbers.
    """
    if value.shape == shape:
        return value
    if not first or value.ndim < 4 or value.ndim != len(shape):
        return None
    if (*value.shape[:-2], value.shape[-1]) != (*shape[:-2], shape[-1]):
        return None
    before, now = value.shape[-2], shape[-2]
    if now == 1:
        return value.sum(axis=-2, keepdims=True)
    return value[..., [k % before for k in range(now)], :] * (before / now)

"""The training loop: epochs of steps, and after each epoch everything that must not be lost.

The loop is ours and not Keras's `fit`, so that an epoch can be replayed exactly after an interruption, and so that the
time spent waiting for data is known; each step is Keras's own `train_on_batch`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from maskwright.config import Configuration
from maskwright.data.label_rules import region_table
from maskwright.data.labels import IGNORED
from maskwright.data.loader import Batches
from maskwright.errors import MaskwrightError, choices
from maskwright.progress import Reporter, duration
from maskwright.training.schedules import EarlyStopping, ReduceOnPlateau, planned, reducer_patience

Row = dict[str, float]


@dataclass
class State:
    """Where a training stands, between epochs; plain values, so that a checkpoint can hold it."""

    epoch: int = 0
    rows: list[Row] = field(default_factory=list)
    stopping: dict[str, Any] = field(default_factory=dict)
    reducer: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"epoch": self.epoch, "rows": self.rows, "stopping": self.stopping, "reducer": self.reducer}


def compile_model(model: Any, config: Configuration) -> None:
    """Give the model its optimiser, loss and metrics.

    Raises:
        MaskwrightError: a name that does not exist.
    """
    loss, metrics = objective(model, config)
    model.compile(make_optimizer(config), loss, metrics=metrics, jit_compile=compiled())


def make_optimizer(config: Configuration) -> Any:
    """The configured optimiser, fresh."""
    import keras

    train = config.train
    options: dict[str, Any] = {"learning_rate": train.learning_rate, "clipvalue": train.clipvalue}
    if train.optimizer == "AdamW":
        options["weight_decay"] = train.weight_decay
    if train.optimizer == "SGD":
        options |= {"momentum": 0.99, "nesterov": True}
    return getattr(keras.optimizers, train.optimizer)(**options)


def compiled() -> bool | str:
    """Keras's `jit_compile`: TensorFlow is faster without XLA on a CPU (12.5 against 9.3 images/s)."""
    import keras

    return False if keras.backend.backend() == "tensorflow" else "auto"


def objective(model: Any, config: Configuration) -> tuple[Callable[[Any, Any], Any], list[Any]]:
    """The loss of a network with all its outputs joined, and its metrics.

    Raises:
        MaskwrightError: a name that does not exist.
    """
    from maskwright.losses import choose_loss, regional
    from maskwright.metrics import get_metric
    from maskwright.models.supervision import supervised

    train, channels = config.train, config.model.num_classes
    # In patches of volumes what lies beyond the scan is ignored too.
    ignore = IGNORED if config.mask.ignore is not None or config.model.image_depth else None
    loss, side_outputs = choose_loss(train.loss, train.class_weights, ignore), model.output.shape[-1] > channels
    regions = region_table(config.mask, channels)
    loss = loss if regions is None else regional(loss, regions)
    metrics = [get_metric(name, channels if side_outputs else None, ignore, regions) for name in train.metrics]
    return supervised(loss, channels, train.deep_supervision_weights) if side_outputs else loss, metrics


def fit(
    model: Any,
    train: Batches,
    valid: Batches | None,
    config: Configuration,
    state: State,
    reporter: Reporter,
    *,
    after_epoch: Callable[[State, bool], None],
    whole_volumes: Callable[[], float] | None = None,
    stop_asked: Callable[[], bool] = lambda: False,
) -> State:
    """Train a compiled model from `state` on, until the last epoch, early stopping or a request to stop.

    Args:
        model: compiled, or `Adversarial`; its weights and optimiser belong to `state`.
        train, valid: batches; without `valid` the training loss decides.
        whole_volumes: gives the Dice of whole validation volumes, which becomes `val_dice`.
        after_epoch: called with the new state and whether the epoch was the best so far; it saves.
        stop_asked: asked after each epoch.
    """
    settings, watch = config.train, watched_entry(model, config, valid is not None, whole_volumes is not None)
    stopping = EarlyStopping(**({"patience": settings.patience} | state.stopping))
    stopping.patience = settings.patience
    waits = reducer_patience(settings.patience, settings.reducer_patience)
    reducer = ReduceOnPlateau(**({"factor": settings.reducer_factor, "patience": waits} | state.reducer))
    while state.epoch < settings.epochs and not stopping.stop:
        reduces = settings.learning_rate_schedule == "reduce"
        if not reduces or state.epoch <= settings.warmup_epochs:
            share = planned(settings.learning_rate_schedule, state.epoch, settings.epochs, settings.warmup_epochs)
            model.optimizer.learning_rate = settings.learning_rate * share
        row = _epoch(model, train, valid, state.epoch, settings.epochs, reporter, whole_volumes)
        watched = row[watch] if "loss" in watch else -row[watch]
        best = stopping.update(watched)
        if reduces and settings.learning_rate_reducer and state.epoch >= settings.warmup_epochs:
            model.optimizer.learning_rate = reducer.update(watched, row["learning_rate"])
        state = State(state.epoch + 1, [*state.rows, row], vars(stopping).copy(), vars(reducer).copy())
        reporter.say(describe(row, settings.epochs, best))
        after_epoch(state, best)
        if stop_asked():
            reporter.say("stopped, as the file break_training asks")
            break
    if stopping.stop:
        reporter.say(f"no better {watch} for {stopping.waited} epochs: stopped early")
    return state


def watched_entry(model: Any, config: Configuration, validates: bool, whole: bool) -> str:
    """The log entry that chooses the best epoch.

    Raises:
        MaskwrightError: there is none of the name that is asked for.
    """
    found = ["loss", *(metric.name for metric in objective(getattr(model, "model", model), config)[1])]
    found += [f"val_{name}" for name in found] if validates else []
    found += ["val_dice"] if whole else []
    wanted = config.train.watch or ("val_dice" if whole else "val_loss" if validates else "loss")
    if wanted not in found:
        raise MaskwrightError(f"there is no log entry {wanted!r}", where="[train] watch", fix=choices(wanted, found))
    return wanted


def _epoch(
    model: Any,
    train: Batches,
    valid: Batches | None,
    epoch: int,
    epochs: int,
    reporter: Reporter,
    whole_volumes: Callable[[], float] | None,
) -> Row:
    row: Row = {"epoch": float(epoch + 1)}
    begin = time.perf_counter()
    mean = _Mean()
    with reporter.task(f"epoch {epoch + 1}/{epochs}", train.steps, "steps") as advance:
        for images, labels in train.epoch(epoch):
            mean.add(model.train_on_batch(images, labels, return_dict=True), len(images))
            spent = time.perf_counter() - begin
            advance(
                note=f"loss {mean.values()['loss']:.4f}  {mean.count / spent:.1f} img/s  "
                f"{train.waited / spent:.0%} waiting for data"
            )
    spent = time.perf_counter() - begin
    row |= mean.values()
    if valid:
        row |= {f"val_{name}": value for name, value in validate(model, valid).items()}
    if whole_volumes:
        row["val_dice"] = whole_volumes()
    return row | {
        "learning_rate": float(model.optimizer.learning_rate),
        "seconds": time.perf_counter() - begin,
        "images_per_second": mean.count / spent,
        "waiting": train.waited / spent,
    }


def validate(model: Any, valid: Batches) -> Row:
    """Loss and metrics over the validation batches."""
    mean = _Mean()
    for images, labels in valid.epoch(0):
        mean.add(model.test_on_batch(images, labels, return_dict=True), len(images))
    return mean.values()


class _Mean:
    """Means over the pictures of an epoch of what Keras says of each batch (it starts anew at every batch)."""

    def __init__(self) -> None:
        self.count = 0
        self.sums: Row = {}

    def add(self, logs: dict[str, Any], count: int) -> None:
        self.count += count
        for name, value in logs.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value) * count

    def values(self) -> Row:
        return {name: total / self.count for name, total in self.sums.items()}


def describe(row: Row, epochs: int, best: bool) -> str:
    """One line about an epoch."""
    hidden = {"epoch", "seconds", "images_per_second", "waiting", "learning_rate"}
    values = "  ".join(f"{name} {value:.4f}" for name, value in row.items() if name not in hidden)
    left = duration(row["seconds"] * (epochs - row["epoch"]))
    speed = f"{row['images_per_second']:.1f} img/s, {row['waiting']:.0%} waiting for data"
    return (
        f"epoch {row['epoch']:.0f}/{epochs}  {values}  lr {row['learning_rate']:.2g}  ({duration(row['seconds'])}, "
        f"{speed}, {left} left){'  best' if best else ''}"
    )

"""The training loop: epochs of steps, and after each epoch everything that must not be lost.

The loop is ours and not Keras's `fit`, so that an epoch can be replayed exactly after an interruption, and so that the
time spent waiting for data is known; each step is Keras's own `train_on_batch`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from maskwright.config import Configuration
from maskwright.config.schema import TrainSection
from maskwright.data.loader import Batches
from maskwright.errors import MaskwrightError, choices
from maskwright.labels.configured import region_table
from maskwright.progress import Reporter, duration
from maskwright.training.budget import Budget
from maskwright.training.epoch import Loop, run_epoch
from maskwright.training.optimizers import make_optimizer
from maskwright.training.schedules import EarlyStopping, ReduceOnPlateau, planned, reducer_patience
from maskwright.training.state import Row, State


def compile_model(model: Any, config: Configuration, rates: Mapping[str, float] | None = None) -> None:
    """Give the model its optimiser, loss and metrics.

    Args:
        rates: the share of the learning rate of variables that learn more slowly than the others, by their paths.

    Raises:
        MaskwrightError: as `objective`.
    """
    from maskwright.models.fused import fuse

    fuse(model)
    loss, metrics = objective(model, config)
    variables = model.trainable_variables
    shares = [(rates or {}).get(variable.path, 1.0) for variable in variables]
    model.compile(make_optimizer(config, shares), loss, metrics=metrics, jit_compile=compiled())
    # Keras would build it while it traces the first step, and then has to trace that step again.
    model.optimizer.build(variables)


def compiled() -> bool | str:
    """Keras's `jit_compile`: TensorFlow is faster without XLA on a CPU (12.5 against 9.3 images/s)."""
    import keras

    return False if keras.backend.backend() == "tensorflow" else "auto"


def objective(model: Any, config: Configuration) -> tuple[Callable[[Any, Any], Any], list[Any]]:
    """The loss of a network with all its outputs joined, and its metrics.

    Both are tried on small masks of the network's kind (`losses.trial`).

    Raises:
        MaskwrightError: a name that does not exist, or a loss or metric that cannot train or judge this network.
    """
    from maskwright.losses import choose_loss
    from maskwright.metrics import get_metrics
    from maskwright.models.supervision import supervised

    train, channels = config.train, config.model.num_classes
    side_outputs, regions = model.output.shape[-1] > channels, region_table(config.mask, channels)
    try_objective(config)
    loss = choose_loss(train.loss, train.class_weights, regions=regions)
    metrics = get_metrics(train.metrics, channels if side_outputs else None, regions)
    return supervised(loss, channels, train.deep_supervision_weights) if side_outputs else loss, metrics


def try_objective(config: Configuration) -> None:
    """Try the loss and the metrics of a configuration on small masks of its network's kind.

    Raises:
        MaskwrightError: as `objective`.
    """
    from maskwright.losses import Kind, try_loss
    from maskwright.metrics import try_metric

    train, model = config.train, config.model
    kind = Kind(
        dims=3 if model.image_depth else 2,
        channels=model.num_classes,
        regions=bool(config.mask.regions),
        logits=model.final_activation == "linear",
    )
    try_loss(train.loss, tuple(train.class_weights), kind)
    for name in train.metrics:
        try_metric(name, kind)


def fit(
    model: Any,
    train: Batches,
    validation: Callable[[], Row] | None,
    config: Configuration,
    state: State,
    reporter: Reporter,
    *,
    after_epoch: Callable[[State, bool], None],
    within_epoch: Callable[[State], None] = lambda state: None,
    stop_asked: Callable[[], bool] = lambda: False,
    budget: Budget | None = None,
    replay: Sequence[Row] = (),
) -> State:
    """Train a compiled model from `state` on, until the last epoch, early stopping or a request to stop.

    Args:
        model: compiled, or `Adversarial`; its weights and optimiser belong to `state`.
        validation: gives the entries of an epoch that begin with `val_`; without it the training loss decides.
        after_epoch: called with the new state and whether the epoch is the one to keep so far; it saves.
        within_epoch: called every `train.checkpoint_minutes`; it saves too. stop_asked: asked after each epoch.
        budget: the time that there is; by it epochs become fewer, and one that would not end in time is cut short.
        replay: the epochs of a training that is repeated: there are as many, of as many steps, at their learning rates.

    Raises:
        MaskwrightError: the loss is no longer a finite number; epoch, step and samples are named.
    """
    settings, watch = config.train, watched_entry(model, config, validation is not None)
    last = settings.keep == "last"  # then nothing is chosen by scores: neither epoch nor length nor learning rate
    patience = 0 if last or replay else settings.patience
    stopping = EarlyStopping(**({"patience": patience} | state.stopping))
    stopping.patience = patience
    waits = reducer_patience(settings.patience, settings.reducer_patience)
    reducer = ReduceOnPlateau(**({"factor": settings.reducer_factor, "patience": waits} | state.reducer))
    budget = budget or Budget()
    loop = Loop(model, train, validation, config, reporter, budget, within_epoch, replay)
    budget.before = state.before + budget.spent - state.spent
    while state.epoch < (epochs := len(replay) or _affordable(state, settings, budget)) and not stopping.stop:
        reduces = settings.learning_rate_schedule == "reduce"
        if replay:
            model.optimizer.learning_rate = replay[state.epoch]["learning_rate"]
        elif not state.part and (not reduces or state.epoch <= settings.warmup_epochs):
            share = planned(settings.learning_rate_schedule, state.epoch, epochs, settings.warmup_epochs)
            model.optimizer.learning_rate = settings.learning_rate * share
        row = run_epoch(loop, state)
        value, tie = watched(row, watch)
        best = stopping.update(value, tie) or last
        if (
            reduces
            and not replay
            and settings.learning_rate_reducer
            and not last
            and state.epoch >= settings.warmup_epochs
        ):
            model.optimizer.learning_rate = reducer.update(value, row["learning_rate"], tie)
        done = state.epoch + 1, [*state.rows, row], vars(stopping).copy(), vars(reducer).copy()
        state = State(*done, budget.spent, budget.before)
        reporter.say(describe(row, len(replay) or _affordable(state, settings, budget), best and not last))
        after_epoch(state, best)
        state.spent = budget.spent
        if stop_asked():
            reporter.say("stopped, as the file break_training asks")
            break
    if state.epoch < settings.epochs and not stopping.stop and state.epoch >= epochs and not replay:
        reporter.say(f"ended after {state.epoch} of {settings.epochs} epochs: train.minutes = {settings.minutes:g}")
    if stopping.stop:
        reporter.say(f"no better {watch} for {stopping.waited} epochs: stopped early")
    return state


def _affordable(state: State, settings: TrainSection, budget: Budget) -> int:
    return budget.epochs(settings.epochs, [row["seconds"] for row in state.rows], state.spent)


def watched(row: Row, watch: str) -> tuple[float, float]:
    """The value by which epochs are compared, small is good, and what decides between equal ones: the loss.

    A score that is undefined (no truth of the validation has any class) counts as the worst.
    """
    tie = row.get("val_loss", row["loss"])
    if "loss" in watch:
        return row[watch], tie
    return (0.0 if math.isnan(row[watch]) else -row[watch]), tie


def watched_entry(model: Any, config: Configuration, validates: bool) -> str:
    """The log entry that chooses the best epoch.

    Raises:
        MaskwrightError: there is none of the name that is asked for.
    """
    found = ["loss", *(metric.name for metric in objective(getattr(model, "model", model), config)[1])]
    found += [*(f"val_{name}" for name in found), "val_dice"] if validates else []
    wanted = config.train.watch or ("val_dice" if validates else "loss")
    if wanted not in found:
        raise MaskwrightError(f"there is no log entry {wanted!r}", where="[train] watch", fix=choices(wanted, found))
    return wanted


def describe(row: Row, epochs: int, best: bool) -> str:
    """One line about an epoch."""
    hidden = {"epoch", "steps", "seconds", "images_per_second", "waiting", "learning_rate"}
    values = "  ".join(f"{name} {value:.4f}" for name, value in row.items() if name not in hidden)
    left = duration(row["seconds"] * (epochs - row["epoch"]))
    speed = f"{row['images_per_second']:.1f} img/s, {row['waiting']:.0%} waiting for data"
    return (
        f"epoch {row['epoch']:.0f}/{epochs}  {values}  lr {row['learning_rate']:.2g}  ({duration(row['seconds'])}, "
        f"{speed}, {left} left){'  best' if best else ''}"
    )

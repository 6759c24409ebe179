"""One epoch: its steps, its validation, and what is kept of it while it goes on.

What a step does depends on seed, epoch and step alone, so an epoch that was interrupted goes on after the last step
that was kept, and ends with the same weights to the last bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from maskwright.config import Configuration
from maskwright.data.loader import Batches
from maskwright.data.pairs import Pair, shorten
from maskwright.errors import MaskwrightError
from maskwright.progress import Reporter
from maskwright.training.averaging import averaged
from maskwright.training.budget import Budget
from maskwright.training.means import Means
from maskwright.training.state import Row, State


@dataclass(frozen=True)
class Loop:
    """What all epochs of a training have in common; see `fit`."""

    model: Any
    train: Batches
    validation: Callable[[], Row] | None
    config: Configuration
    reporter: Reporter
    budget: Budget
    within_epoch: Callable[[State], None] = lambda state: None
    replay: Sequence[Row] = ()

    def steps(self, epoch: int) -> int:
        """Of an epoch: all, or as many as it had in the training that is repeated."""
        done = self.replay[epoch].get("steps") if self.replay else None
        return self.train.steps if done is None else int(done)


def run_epoch(loop: Loop, state: State) -> Row:
    """Train the epoch after `state`, or the rest of it, and judge it.

    Raises:
        MaskwrightError: the loss is no longer a finite number; epoch, step and samples are named.
    """
    epoch, model, train, settings = state.epoch, loop.model, loop.train, loop.config.train
    first, earlier = state.part.get("step", 0), state.part.get("seconds", 0.0)
    mean = Means(state.part.get("count", 0), dict(state.part.get("sums", {})))
    last = loop.steps(epoch)
    begin = kept = time.perf_counter()
    seen = mean.count
    with loop.reporter.task(f"epoch {epoch + 1}/{settings.epochs}", train.steps, "steps") as advance:
        if first:
            advance(first)
        for step, (images, labels) in enumerate(train.epoch(epoch, first), start=first):
            model.reset_metrics()  # before Keras 3.15 they would go on from the last batch
            logs = model.train_on_batch(images, labels, return_dict=True)
            if not math.isfinite(logs["loss"]):
                raise _not_finite(f"loss of step {step + 1}", train.pairs(epoch, step), epoch, loop.config)
            mean.add(logs, len(images))
            now = time.perf_counter()
            spent = now - begin
            advance(
                note=f"loss {mean.values()['loss']:.4f}  {(mean.count - seen) / spent:.1f} img/s  "
                f"{train.waited / spent:.0%} waiting for data"
            )
            if step + 1 == last:
                break
            if loop.budget.ends():
                loop.reporter.say(
                    f"epoch {epoch + 1} ends after {step + 1} of its {train.steps} steps: "
                    f"train.minutes = {settings.minutes:g}"
                )
                break
            if 0 < 60 * settings.checkpoint_minutes <= now - kept:
                part = {"step": step + 1, "seconds": earlier + spent, "count": mean.count, "sums": mean.sums}
                loop.within_epoch(replace(state, part=part, spent=loop.budget.spent, before=loop.budget.before))
                kept = time.perf_counter()
    spent = time.perf_counter() - begin
    row: Row = {"epoch": float(epoch + 1)} | mean.values()
    if loop.validation:
        with averaged(model):
            row |= loop.validation()
        loop.budget.judging = time.perf_counter() - begin - spent
        if not math.isfinite(row["val_loss"]):
            raise _not_finite("validation loss", (), epoch, loop.config)
    return row | {
        "steps": float(step + 1),
        "learning_rate": float(model.optimizer.learning_rate),
        "seconds": earlier + time.perf_counter() - begin,
        "images_per_second": (mean.count - seen) / spent,
        "waiting": train.waited / spent,
    }


def _not_finite(what: str, pairs: Sequence[Pair], epoch: int, config: Configuration) -> MaskwrightError:
    """The message for a training whose numbers have run away: where, on what, and what can be done."""
    settings = config.train
    samples = f" on {shorten([pair.name for pair in pairs])}" if pairs else ""
    ways = [f"lower train.learning_rate (it is {settings.learning_rate:g})"]
    ways += ["set train.clipvalue = 0.5"] if settings.clipvalue is None else []
    ways += ['set train.precision = "float32"'] if settings.precision != "float32" else []
    kept = f"; the best model of the {epoch} epochs before is kept" if epoch else "; no model was written"
    return MaskwrightError(
        f"the {what} is no finite number{samples}: the training has run away{kept}",
        where=f"epoch {epoch + 1}",
        fix=f"Look at these samples, {', '.join(ways)}, or choose another loss; then train anew.",
    )

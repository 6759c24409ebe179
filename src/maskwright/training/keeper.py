"""What is kept after each epoch: the best model, history, plots, the worst validation case, the checkpoint."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, Self

from maskwright.config import Configuration
from maskwright.models.metadata import Metadata
from maskwright.models.saving import build, save_model
from maskwright.models.supervision import joined, main_output
from maskwright.progress import Reporter
from maskwright.storage import require_free, require_space, write_bytes, write_error
from maskwright.training.averaging import averaged
from maskwright.training.checkpoint import save_checkpoint
from maskwright.training.epoch_change import EpochPredictions
from maskwright.training.outputs import TensorBoard, draw_curves, write_epoch_files
from maskwright.training.run import Run, write_validation
from maskwright.training.state import State
from maskwright.training.validation import Validation

_REDRAWN = 5.0  # seconds between two drawings of the curves, which take as long as a small epoch


class Keeper:
    """Saves after each epoch; the checkpoint comes last, so that a kill before it repeats the whole epoch.

    Curves are drawn every few seconds, and where the training, which runs in its context, ends or is stopped.
    """

    def __init__(
        self, run: Run, config: Configuration, model: Any, learner: Any, metadata: Metadata, reporter: Reporter
    ) -> None:
        self.run, self.config, self.model, self.learner, self.metadata = run, config, model, learner, metadata
        self.reporter = reporter
        self.validation: Validation | None = None  # where it is judged; made once the run folder is there
        # The saved model computes in float32 on any machine, and carries no optimiser.
        every = build(metadata, outputs="all")
        self.whole, self.plain = joined(every), main_output(every)
        self.tensorboard = TensorBoard(run.path / "tensorboard") if config.train.tensorboard else None
        self.predictions = EpochPredictions(config, model, metadata)
        self._undrawn: list[dict[str, float]] = []
        self._drawn = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        with suppress(Exception) if error else nullcontext():  # what stopped the training is what is told
            self._draw()

    def go_on(self, state: State) -> None:
        """Where a training is resumed: its curves may have been cut off before they were drawn."""
        self._undrawn = state.rows

    def _draw(self) -> None:
        if self._undrawn:
            draw_curves(self.run, self.config, self._undrawn)
            self.reporter.pictures(self.run.pictures)
            self._undrawn, self._drawn = [], time.monotonic()

    def after_epoch(self, state: State, best: bool) -> None:
        row = state.rows[-1]
        with averaged(self.learner):
            if best:
                self._save_best(row)
                if self.validation:
                    write_validation(self.run, self.validation.each)
            self.predictions.write(state.epoch)
        if self.validation and (found := self.validation.worst_case()):
            write_bytes(self.run.worst_file, found[1])
        write_epoch_files(self.run, self.config, state.rows)
        self._undrawn = state.rows
        if time.monotonic() - self._drawn > _REDRAWN:
            self._draw()
        if self.tensorboard:
            self.tensorboard.write(row)
        save_checkpoint(self.run.checkpoint_file, self.learner, state.as_dict())

    def within_epoch(self, state: State) -> None:
        """Keep where an epoch is that takes long."""
        save_checkpoint(self.run.checkpoint_file, self.learner, state.as_dict())

    def _save_best(self, row: dict[str, float]) -> None:
        self.whole.set_weights(self.model.get_weights())
        training = {"epoch": int(row["epoch"]), "loss": self.config.train.loss, **row}
        save_model(self.plain, self.run.model_file, dataclasses.replace(self.metadata, training=training))
        settings = self.config.train
        if settings.model_dir is None:
            return
        target = settings.model_dir / settings.best_model_file
        # Keras chooses the content by the ending: weights only, or everything.
        ending = ".weights.h5" if settings.save_weights_only else target.suffix or ".h5"
        temporary = target.with_name(f".{target.stem}{ending}")
        require_free(target)
        # HDF5's library crashes the process on a full disk, so the room is looked at first.
        require_space(settings.model_dir, 2**20 + sum(array.nbytes for array in self.plain.get_weights()))
        try:
            with _absl_quiet():
                (self.plain.save_weights if settings.save_weights_only else self.plain.save)(temporary)
            temporary.replace(target)
        except OSError as error:
            raise write_error(target, error) from error
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _absl_quiet() -> Iterator[None]:
    """Keras warns at every epoch that .h5 is an old format; it is the one that the configuration asks for."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)

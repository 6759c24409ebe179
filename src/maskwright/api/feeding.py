"""The batches of a training, for networks and loops of others."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maskwright.config import Loaded
from maskwright.errors import MaskwrightError, choices
from maskwright.labels.regions import IGNORED
from maskwright.progress import Reporter

if TYPE_CHECKING:
    from maskwright.data.loader import Batch, Batches
    from maskwright.plan import Plan

_PARTS = ("train", "valid")
_OPEN: weakref.WeakSet[Any] = weakref.WeakSet()  # epochs that somebody may have left before their end


@atexit.register
def _end_threads() -> None:
    """End what prepares batches while Python is still whole; threads that it ends itself may abort the process."""
    for epoch in list(_OPEN):
        epoch.close()


class Feed:
    """Batches of images and labels; `dataset` makes it.

    Each iteration is an epoch: of training in an order and with variations of its own, as `maskwright train` sees it;
    of validation always the same. What is in a batch depends on the seed, the epoch and its place in it alone.

    A batch is images `(B, H, W, C)` float32, normalised as the configuration says, and labels `(B, H, W, 1)` float32:
    class numbers, 0 background, and 255 where nothing is known; of volumes `(B, D, H, W, C)` and `(B, D, H, W, 1)`.
    """

    def __init__(self, batches: Batches, plan: Plan) -> None:
        self._batches, self._plan = batches, plan
        self.epoch = 0  #: the next one

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(height, width, channels) of an image, or (depth, height, width, channels)."""
        return self._batches.dataset.input_rule.shape

    @property
    def class_names(self) -> list[str]:
        """Of all classes, background first."""
        return list(self._plan.class_names)

    def __len__(self) -> int:
        """Batches of an epoch."""
        return self._batches.steps

    def __iter__(self) -> Iterator[Batch]:
        number, self.epoch = self.epoch, self.epoch + 1
        batches = self._batches.epoch(number)
        _OPEN.add(batches)
        return batches

    def as_tf(self, *, weights: bool = True) -> Any:
        """As a `tf.data.Dataset`, for `keras.Model.fit`.

        Args:
            weights: give weights `(B, H, W)` too, 0 where nothing is known (the label is 0 there) and 1 elsewhere, with
                which Keras multiplies its losses: 255 would be a number for them. Without, the labels have 255 there,
                as losses of `maskwright.losses.get_loss` expect it.

        Raises:
            MaskwrightError: TensorFlow is not installed.
        """
        from maskwright.backend import tensorflow_dataset

        shape = self.input_shape
        if not weights:
            return tensorflow_dataset(self, [shape, (*shape[:-1], 1)])
        return tensorflow_dataset(_Weighted(self), [shape, (*shape[:-1], 1), shape[:-1]])

    def as_torch(self) -> Any:
        """As a `torch.utils.data.DataLoader` of tensors with channels last, as here; 255 is for `ignore_index`.

        Raises:
            MaskwrightError: PyTorch is not installed.
        """
        from maskwright.backend import torch_loader

        return torch_loader(self)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.input_shape))
        return f"<Feed of {len(self)} batches of {self._batches.batch_size}: {shape}, {', '.join(self.class_names)}>"


class _Weighted:
    """Images, labels without 255, and weights that are 0 where it was."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def __len__(self) -> int:
        return len(self._feed)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        for images, labels in self._feed:
            known = labels != IGNORED
            yield images, np.where(known, labels, np.float32(0)), known[..., 0].astype(np.float32)


def dataset(
    config: str | Path | Loaded,
    part: str = "train",
    *,
    overrides: Sequence[str] = (),
    allow_leak: bool = False,
    reporter: Reporter | None = None,
) -> Feed:
    """The batches that the training of a configuration would see, for a network or a loop of your own.

    Nothing is written but the cache of decoded pictures.

    Args:
        part: `train` or `valid`. overrides: `section.key=value`.

    Raises:
        MaskwrightError: as `train`, of what must fail before the first step; or there is no such part.
    """
    from maskwright.api.learning import load_config
    from maskwright.training.prepare import prepare
    from maskwright.training.prepare_volumes import prepare_volumes
    from maskwright.training.train import make_batches

    if part not in _PARTS:
        raise MaskwrightError(f"there is no part {part!r} to learn from", where="dataset", fix=choices(part, _PARTS))
    loaded = config if isinstance(config, Loaded) else load_config(config, overrides)
    # Copies of what is trained on are written by a training alone.
    augmentation = loaded.config.augmentation.model_copy(update={"debug": False})
    settings = loaded.config.model_copy(update={"augmentation": augmentation})
    ready = (prepare_volumes if settings.model.image_depth else prepare)(
        settings, reporter or Reporter(), allow_leak=allow_leak
    )
    train, valid = make_batches(ready, settings, fresh=False)
    chosen = train if part == "train" else valid
    if chosen is None:
        raise MaskwrightError(
            "there are no validation cases", where=loaded.path, fix="Set data.valid_fraction, or name data.valid."
        )
    return Feed(chosen, ready.plan)

"""Adversarial training: a discriminator learns to tell true masks from predicted ones, and the network to pass it.

After Li et al. 2021 (doi 10.1186/s12880-021-00694-1): the loss of the network is its segmentation loss plus a weight
times the cross-entropy of a discriminator that calls its masks true.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from maskwright.config import Configuration
from maskwright.labels.configured import region_table
from maskwright.losses.truth import read_truth
from maskwright.models import blocks
from maskwright.training.fit import compiled, objective
from maskwright.training.optimizers import make_optimizer

_LEVELS = 4
_SLOPE = 0.2


def discriminator(image_shape: tuple[int, ...], classes: int, filters: int = 32) -> keras.Model:
    """A convolutional network that says of each part of a picture whether its mask is a true one.

    What the paper leaves open is decided so: image and mask are joined along the channels; four convolutions of 4 px
    with stride 2 and leaky ReLU, of `filters` to 8 · `filters` channels, as in PatchGAN (Isola et al. 2017, arXiv
    1611.07004), without normalisation, so that true and predicted masks never share a batch's statistics; edges stop
    being halved at 4 px; a last convolution gives one logit a part.

    Args:
        image_shape: `(H, W, C)` or `(D, H, W, C)`. classes: channels of the mask.

    Returns:
        A model of `[image, mask]` to logits `(B, …, 1)` float32.
    """
    image = keras.Input(image_shape, name="image")
    mask = keras.Input((*image_shape[:-1], classes), name="mask")
    x = blocks.concat(image, mask)
    for level in range(_LEVELS):
        strides = tuple(2 if edge > 4 else 1 for edge in x.shape[1:-1])
        x = blocks.conv(x, filters * 2**level, 4, strides=strides)
        x = layers.LeakyReLU(negative_slope=_SLOPE)(x)
    logits = blocks.layer("Conv", x)(1, 3, padding="same", dtype="float32")(x)
    return keras.Model([image, mask], logits, name="discriminator")


class Adversarial:
    """A network and its discriminator, trained in turns; to the training loop it looks like the network alone.

    Args:
        model: compiled for segmentation; with side outputs, the discriminator sees the first `classes` channels.
        config: `train.adversarial_*`, and what `fit.objective` reads.
    """

    def __init__(self, model: keras.Model, config: Configuration) -> None:
        train, self.classes = config.train, config.model.num_classes
        self.model = model
        self.regions = region_table(config.mask, self.classes)
        verdict = keras.losses.BinaryCrossentropy(from_logits=True)
        self.judge = discriminator(tuple(model.input_shape[1:]), self.classes, train.adversarial_filters)
        judging = keras.optimizers.Adam(train.adversarial_learning_rate, beta_1=0.5)
        self.judge.compile(judging, verdict, jit_compile=compiled())
        found = model.output
        opinion = self.judge([*model.inputs, found[..., : self.classes]])
        self.both = keras.Model(model.inputs, [found, opinion], name="adversarial")
        loss, metrics = objective(model, config)
        self._losses = [f"{name}_loss" for name in self.both.output_names]
        self._prefix = f"{self.both.output_names[0]}_"
        weights = [1.0, train.adversarial_weight]
        self.judge.trainable = False  # while the network learns to pass it
        self.both.compile(
            make_optimizer(config),
            loss=[loss, verdict],
            loss_weights=weights,
            metrics=[metrics, []],
            jit_compile=compiled(),
        )
        self.both.optimizer.build(self.both.trainable_variables)
        self.judge.trainable = True
        self.judge.optimizer.build(self.judge.trainable_variables)

    @property
    def optimizer(self) -> Any:
        """The network's optimiser, whose learning rate the loop changes."""
        return self.both.optimizer

    @property
    def checkpoint_variables(self) -> list[Any]:
        """All that a continued training needs: both networks and both optimisers."""
        return [
            *self.both.variables,
            *self.judge.variables,
            *self.both.optimizer.variables,
            *self.judge.optimizer.variables,
        ]

    def train_on_batch(self, images: np.ndarray, labels: np.ndarray, *, return_dict: bool = True) -> dict[str, float]:
        """One step of the discriminator, on true and predicted masks alike, and one of the network."""
        predicted = ops.convert_to_numpy(self.model.predict_on_batch(images))[..., : self.classes]
        true = self._as_masks(labels, predicted)
        count = len(images)
        shape = (2 * count, *self.judge.output_shape[1:])
        answers = np.zeros(shape, np.float32)
        answers[:count] = 1
        both = [np.concatenate([images, images]), np.concatenate([true, predicted])]
        self.judge.trainable = True
        judged = self.judge.train_on_batch(both, answers, return_dict=True)
        self.judge.trainable = False
        logs = self.both.train_on_batch(images, [labels, answers[:count]], return_dict=True)
        return self._plain(logs) | {"discriminator_loss": float(judged["loss"])}

    def reset_metrics(self) -> None:
        """Start the metrics of both anew."""
        self.both.reset_metrics()
        self.judge.reset_metrics()

    def predict_on_batch(self, images: np.ndarray) -> Any:
        """Of the network."""
        return self.model.predict_on_batch(images)

    def _as_masks(self, labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """True masks in the form of predicted ones; where the truth is not known, what was predicted."""
        truth = read_truth(labels, self.classes, self.regions)
        masks, known = (ops.convert_to_numpy(part) for part in truth)
        return np.where(known > 0, masks, predicted)

    def _plain(self, logs: dict[str, Any]) -> dict[str, float]:
        """Keras's names without those of the outputs: loss is the segmentation's, as in validation."""
        segmentation, adversarial = self._losses
        rest = {
            name.removeprefix(self._prefix): float(value)
            for name, value in logs.items()
            if name not in {"loss", segmentation, adversarial}
        }
        return {"loss": float(logs[segmentation]), **rest, "adversarial_loss": float(logs[adversarial])}

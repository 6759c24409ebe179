"""[train]: loss, optimiser, length of the training, and what it writes on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from maskwright.config.schema.base import HIGHEST_SEED, Section, key


def _plain_name(value: str) -> str:
    if not value or value in (".", "..") or any(mark in value for mark in "/\\:"):
        raise ValueError(f"must be a file's name without a folder, got {value!r}")
    return value


FileName = Annotated[str, AfterValidator(_plain_name)]


class TrainSection(Section):
    """Loss, optimiser, length of the training, and what it writes on the way."""

    epochs: int = key(50, "Largest number of epochs.", reference="train.epochs", ge=1)
    minutes: float | None = key(
        None,
        "Longest time that the training may take, from its call on: reading, decoding, validation and saving counted. "
        "Where its epochs would take longer, fewer are done, and the schedule of the learning rate ends with them; one "
        "that would not end in time is cut short.",
        unit="minutes",
        example=30.0,
        gt=0,
    )
    start_from: Path | None = key(
        None,
        "A run folder or model of Maskwright whose weights the training starts from (`train --from`): what fits is "
        "taken and said; classes, channels and size may be others, the architecture must be the same.",
        example="runs/first",
    )
    start_rate: float = key(
        1.0,
        "The share of the learning rate with which what was taken goes on learning; 0 keeps it as it is.",
        ge=0,
        le=1,
    )
    start_spread: Literal["equal", "by_depth"] = key(
        "equal",
        "How that share goes through the network. `equal`: all that was taken learns at it. `by_depth`: the first "
        "layer at it, the last that was taken at the whole rate, those between by equal factors.",
        example="by_depth",
    )
    class_prior: bool = key(
        False,
        "Begin with the share of each class as the answer everywhere, instead of a half: small structures are learnt "
        "sooner.",
    )
    batch_size: int = key(4, "Pictures a step.", reference="train.batch_size", ge=1)
    steps_per_epoch: int | None = key(
        None,
        "Steps an epoch; every training picture once where absent, of patches so many that they cover all pictures.",
        example=200,
        reference="train.steps_per_epoch",
        ge=1,
    )
    foreground_share: float = key(
        0.33, "Patches of volumes and pictures: share of those that hold some structure for certain.", ge=0, le=1
    )
    validation_steps: int | None = key(
        None,
        "Batches of the validation set to use, taken evenly from all patients; all of them where absent.",
        example=100,
        reference="train.validation_steps",
        ge=1,
    )
    loss: str = key(
        "bce_dice_loss",
        "A loss of Maskwright, as in `dice_ce_loss` or `tversky_loss(alpha=0.3, beta=0.7)`, or of Keras, as in "
        "`BinaryFocalCrossentropy(gamma=2.0)`.",
        reference="model.loss",
    )
    class_weights: list[float] = key(
        [],
        "How heavy each class is, background first (two numbers for one structure); for losses that have such weights "
        "(`cross_entropy_loss`, `dice_ce_loss`, `focal_loss`).",
        example=[1.0, 5.0],
    )
    deep_supervision_weights: list[Annotated[float, Field(ge=0)]] = key(
        [],
        "Networks with deep supervision: how heavy each output is, the main one first. Each is half as heavy as the "
        "one before where absent.",
        example=[1.0, 0.5, 0.25],
    )
    adversarial_weight: float = key(
        0.0,
        "Over 0: a discriminator of image and mask is trained beside the network, and its verdict is added to the loss "
        "with this weight (Li et al. 2021).",
        example=0.01,
        ge=0,
    )
    adversarial_learning_rate: float = key(1e-4, "The discriminator's learning rate.", gt=0)
    adversarial_filters: int = key(32, "Filters of the discriminator's first level.", ge=1, le=512)
    metrics: list[str] = key(["dice_coef"], "Metrics beside the loss, by their names.", reference="model.metrics")
    plot_metrics: list[str] | None = key(
        None,
        "The two log entries that go to train_metrics.csv and its plot; the first metric and its validation "
        "twin where absent.",
        example=["dice_coef", "val_dice_coef"],
        reference="train.metrics",
        min_length=2,
        max_length=2,
    )
    optimizer: Literal["Adam", "AdamW", "SGD"] = key(
        "AdamW",
        "The optimiser; `SGD` has Nesterov's momentum of 0.99, as nnU-Net's.",
        reference="model.optimizer",
    )
    learning_rate: float = key(0.001, "Its learning rate.", reference="model.learning_rate", gt=0)
    weight_decay: float = key(0.004, "AdamW: its weight decay.", ge=0)
    learning_rate_schedule: Literal["reduce", "polynomial", "cosine"] = key(
        "reduce",
        "`polynomial` (nnU-Net's, to the power of 0.9) and `cosine` fall to 0 over the epochs; they are for trainings "
        "of a planned length. `reduce` only does what `learning_rate_reducer` says.",
    )
    warmup_epochs: int = key(0, "The learning rate rises to its value over so many epochs first.", unit="epochs", ge=0)
    weight_average: float = key(
        0.0,
        "Over 0: validation and the model file take a moving average of the weights, of which each step keeps this "
        "share.",
        example=0.99,
        ge=0,
        lt=1,
    )
    clipvalue: float | None = key(
        None, "Clip each element of the gradient to this size.", example=0.5, reference="model.clipvalue", gt=0
    )
    watch: str | None = key(
        None,
        "The log entry that says which epoch is the best, that stops early and lowers the learning rate: small is good "
        "if it is a loss, else large. Absent: `val_dice`, the Dice of decided masks, all slices of a patient together "
        "(or whole volumes); between equal ones the validation loss decides.",
        example="val_loss",
    )
    keep: Literal["best", "last"] = key(
        "best",
        "Which epoch becomes the model. With `last` nothing is chosen by scores of the validation: neither the epoch, "
        "nor the length, nor the learning rate; so the scores of a cross-validation are those of new patients.",
    )
    patience: int = key(
        10,
        "Stop after this many epochs without a better value of `watch`; 0 never stops.",
        unit="epochs",
        reference="train.patience",
    )
    learning_rate_reducer: bool = key(
        True,
        "Lower the learning rate when the value of `watch` stays; with the schedule `reduce` only.",
        reference="train.learning_rate_reducer",
    )
    reducer_factor: float = key(0.5, "By this factor.", reference="train.reducer_factor", gt=0, lt=1)
    reducer_patience: int | None = key(
        None,
        "After this many epochs; half of `patience` (5 if that is 0) where absent.",
        unit="epochs",
        example=4,
        reference="train.reducer_patience",
        ge=1,
    )
    seed: int = key(137, "Seed of the weights, the order, the augmentation and the split.", ge=0, le=HIGHEST_SEED)
    precision: Literal["auto", "float32", "mixed_bfloat16"] = key(
        "auto", "Arithmetic: `auto` takes bfloat16 where the processor has it and it was measured to be faster."
    )
    workers: int | None = key(
        None,
        "Threads that prepare batches ahead of the training step; as many as processor cores, at most 8, where absent.",
        example=4,
        ge=1,
        le=64,
    )
    stuck_after: float = key(
        300.0,
        "Stop with the name of the file when the next batch has not been prepared for so long; 0 waits for ever.",
        unit="s",
        ge=0,
    )
    checkpoint_minutes: float = key(
        10.0,
        "Keep where the training is so often within an epoch too, for `--resume`; 0: after epochs only.",
        unit="minutes",
        ge=0,
    )
    deterministic: bool = key(True, "Same seed, same weights to the last bit, on one machine.")
    tensorboard: bool = key(False, "Write TensorBoard logs into the run folder.")
    show_summary: bool = key(False, "Print the network's layers before training.", reference="model.show_summary")
    save_weights_only: bool = key(
        False, "The file in `model_dir` holds weights only.", reference="train.save_weights_only"
    )
    best_model_file: FileName = key("best_model.h5", "Its name.", reference="train.best_model_file")
    model_dir: Path | None = key(
        None,
        "Folder of a copy of the best model under the reference's name.",
        example="models",
        reference="train.model_dir",
    )
    eval_dir: Path | None = key(
        None,
        "Folder of train_losses.csv, train_metrics.csv and their plots.",
        example="eval",
        reference="train.eval_dir",
    )
    epoch_change_infer: bool = key(
        False,
        "Predict some pictures after each epoch, with the weights as they are.",
        reference="train.epoch_change_infer",
    )
    epoch_change_infer_dir: Path = key(
        Path("./epoch_change_infer"), "Folder of those predictions.", reference="train.epoch_change_infer_dir"
    )
    epoch_change_tiledinfer: bool = key(False, "The same in tiles.", reference="train.epoch_change_tiledinfer")
    epoch_change_tiledinfer_dir: Path = key(
        Path("./epoch_change_tiledinfer"), "Folder of those predictions.", reference="train.epoch_change_tiledinfer_dir"
    )
    num_infer_images: int = key(
        1, "How many pictures of `predict.images_dir`, in name order.", reference="train.num_infer_images", ge=1
    )

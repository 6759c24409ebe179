"""Losses and metrics of Keras on the tensors of `truth.py`: each gets its truth in the form that it is written for.

They see all classes, the background too, as Keras defines them. Elementwise losses are means over the known pixels
(Keras's own reduction would divide by all of them), Dice and Tversky sum where truth is known, metrics get what is
known as sample weights.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from maskwright.errors import MaskwrightError
from maskwright.losses.truth import Function, Tensor, mean_known, with_background

# Written for classes that exclude each other: one structure gets its background as a second one. The others of these
# look at how channels relate, which one channel cannot show.
_CATEGORICAL = ("Categorical", "Sparse", "TopK", "OneHot")
_RELATIVE = {"CosineSimilarity", "KLDivergence", "PearsonCorrelation", "ConcordanceCorrelation"}
_OVERLAP = {"Dice", "Tversky"}  # sums over pixels, not a value for each
_NUMBERS = ("Sparse", "CategoricalGeneralized")  # their truth is class numbers
_OTHER = {
    "CTC": "compares sequences",
    "Circle": "compares embeddings",
    "Loss": "has no formula",
    "Metric": "has no formula",
    "Mean": "does not look at the truth",
    "Sum": "does not look at the truth",
    "MeanMetricWrapper": "has no formula",
}


def check_task(found: Any, where: str) -> None:
    """Refuse what does not compare masks.

    Raises:
        MaskwrightError: Keras has it for another task.
    """
    kind = type(found).__name__
    if kind in _OTHER:
        raise MaskwrightError(
            f"Keras's {kind} {_OTHER[kind]}; it cannot compare masks",
            where=where,
            fix="Take one of Maskwright's, as in dice_ce_loss or dice_coef.",
        )


def loss_of_keras(found: Any, name: str) -> Function:
    """A loss of Keras as `f(truth, prediction, known)`.

    Raises:
        MaskwrightError: it is for another task, or is to be a sum.
    """
    check_task(found, "[train] loss")
    if found.reduction == "sum":
        raise MaskwrightError(
            f"{name}: a sum over pixels would depend on how many of them are known",
            where="[train] loss",
            fix="Leave `reduction` out: losses are means over the known pixels.",
        )
    found.reduction = None
    if type(found).__name__ in _OVERLAP:
        return lambda truth, prediction, known: _overlap(found, truth, prediction, known)

    def elementwise(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
        true, predicted = _channels(found, truth, prediction, known)
        if type(found).__name__.startswith(_NUMBERS):
            true = ops.argmax(true, axis=-1)
            left_out = found.get_config().get("ignore_class")
            if left_out is not None:
                known = known * ops.cast(ops.not_equal(true, left_out), "float32")[..., None]
        return mean_known(found(true, predicted)[..., None], known)

    return elementwise


def _overlap(found: Any, truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Where the loss has an `axis`, the mean of its values, each of some known pixels."""
    values = found(truth, prediction)
    if len(values.shape) == 0:
        return values
    counts = ops.max(known * ops.ones_like(prediction), axis=found.axis)
    return mean_known(values[..., None], counts[..., None])


def metric_arguments(found: Any, truth: Tensor, prediction: Tensor, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What a metric of Keras is updated with: truth, prediction and sample weights, a row a pixel.

    Raises:
        MaskwrightError: it counts another number of classes.
    """
    kind = type(found).__name__
    classes = max(2, prediction.shape[-1])
    if kind == "BinaryIoU":  # decides each channel by its threshold
        known = known * ops.ones_like(prediction)
        return ops.reshape(truth, (-1,)), ops.reshape(prediction, (-1,)), ops.cast(ops.reshape(known, (-1,)), "int32")
    if getattr(found, "num_classes", classes) != classes:
        raise MaskwrightError(
            f"{kind} is of num_classes = {found.num_classes}, and masks have {classes}, the background counted",
            where="[train] metrics",
            fix=f"Write num_classes={classes}.",
        )
    if kind == "Accuracy":
        truth, prediction = _numbers(truth), _numbers(prediction)
    elif hasattr(found, "sparse_y_true"):  # the IoU family
        both = with_background(truth, prediction, known)
        truth = _numbers(truth) if found.sparse_y_true else both[0]
        prediction = _numbers(prediction) if found.sparse_y_pred else both[1]
        known = ops.cast(known, "int32")
    elif kind in {"F1Score", "FBetaScore"}:
        if (
            found.threshold is None and prediction.shape[-1] == 1
        ):  # Keras takes the largest channel, of which there is one
            prediction = ops.cast(prediction >= 0.5, "float32")
    else:
        truth, prediction = _channels(found, truth, prediction, known)
        truth = ops.cast(ops.argmax(truth, -1), "float32")[..., None] if kind.startswith(_NUMBERS) else truth
    rows = [ops.reshape(one, (-1, one.shape[-1])) for one in (truth, prediction)]
    if kind.startswith(_NUMBERS):
        rows[0] = ops.reshape(rows[0], (-1,))
    return rows[0], rows[1], ops.reshape(known, (-1,))


def metric_result(found: Any) -> Tensor:
    """The value of a metric of Keras; of one that gives a value a class, the mean over those after the background."""
    values = found.result()
    if len(values.shape) == 0:
        return values
    return ops.mean(values[1:] if values.shape[0] > 1 else values)


def _channels(found: Any, truth: Tensor, prediction: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Truth and prediction with the channels that `found` is written for.

    Where not known both are of the first class: it counts nothing, but some formulas divide by the sum of a pixel, and
    what is not a number stays so with a weight of 0.
    """
    kind = type(found).__name__
    if kind.startswith(_CATEGORICAL) or kind in _RELATIVE:
        both = with_background(truth, prediction, known)
        if prediction.shape[-1] == 1 and has_logits(found):
            truth, prediction = (
                both[0],
                ops.concatenate([ops.zeros_like(prediction), prediction], -1),
            )  # softmax: sigmoid
        else:
            truth, prediction = both
    channels = prediction.shape[-1]
    if channels == 1:
        return truth, prediction
    first = (1 - known) * ops.cast(ops.arange(channels) == 0, "float32")
    return truth + first, prediction + first


def has_logits(found: Any) -> bool:
    """Whether a loss or metric of Keras expects logits."""
    return bool(found.get_config().get("from_logits", False))


def _numbers(masks: Tensor) -> Tensor:
    """Class numbers `(…, 1)`; one structure is decided at 0.5."""
    if masks.shape[-1] == 1:
        return ops.cast(masks >= 0.5, "int32")
    return ops.expand_dims(ops.cast(ops.argmax(masks, axis=-1), "int32"), -1)

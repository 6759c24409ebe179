"""Keras objects from text such as `BinaryFocalCrossentropy(gamma=2.0)`, without running any of it."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from maskwright.errors import MaskwrightError

# Of ours, for any number of classes: what is offered where another is refused, and what need not be tried.
SAFE_LOSSES = ("bce_dice_loss", "dice_ce_loss", "cross_entropy_loss", "focal_loss")
SAFE_METRICS = ("dice_coef", "dice_per_image", "iou_coef", "sensitivity", "precision")


class Called(NamedTuple):
    """`name(option=value)`, read without running it."""

    name: str
    arguments: list[Any]
    options: dict[str, Any]


def read_call(text: str) -> Called | None:
    """What `name`, `name(…)` or `some.module.name(…)` says, with literal arguments; None where it is no such text.

    Raises:
        MaskwrightError: an argument is no literal.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    call = node if isinstance(node, ast.Call) else None
    name = _last_name(call.func if call else node)
    if name is None:
        return None
    try:
        arguments = [ast.literal_eval(argument) for argument in call.args] if call else []
        options = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg} if call else {}
    except (ValueError, TypeError, MemoryError, RecursionError) as error:
        raise _refused(text, error) from None
    return Called(name, arguments, options)


def keras_object(text: str, module: Any) -> Any | None:
    """An object of a Keras module from `Name`, `Name(…)` or `tf.keras.….Name(…)` with literal arguments.

    Returns:
        The object, or None where the module has no class of that name.

    Raises:
        MaskwrightError: the text is no such call, or Keras refuses the arguments.
    """
    called = read_call(text)
    kind = getattr(module, called.name, None) if called else None
    if called is None or not isinstance(kind, type):
        return None
    arguments, options = called.arguments, called.options
    if arguments and isinstance(arguments[0], str):  # published files give a loss its name in first place
        options.setdefault("name", arguments.pop(0))
    try:
        return kind(*arguments, **options)
    except (ValueError, TypeError) as error:
        raise _refused(text, error) from None


def _refused(text: str, error: Exception) -> MaskwrightError:
    return MaskwrightError(
        f"{text} cannot be made ({error})",
        where="[train]",
        fix="Only literal arguments are read, as in Name(option=1.0).",
    )


def _last_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None

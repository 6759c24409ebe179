"""Architectures of other Keras 3 packages, as `provider:name`; a fixed list, so that a file can never name any import.

Theirs are wrapped so that they take and give what ours do, and are then trained, saved, run and exported alike.
"""

from __future__ import annotations

import importlib
import inspect
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from maskwright.errors import MaskwrightError, choices

if TYPE_CHECKING:
    import keras

    from maskwright.models.registry import Architecture

PROVIDERS = ("keras_hub", "medicai")  # a package, and the file of its name in this folder


def is_provided(name: str) -> bool:
    """Whether a name is one of another package's architectures."""
    return ":" in name


def find_provided(name: str) -> Architecture:
    """The architecture that `provider:name` means.

    Raises:
        MaskwrightError: no such provider or architecture, or its package is not installed.
    """
    provider, _, wanted = name.partition(":")
    if provider not in PROVIDERS:
        raise MaskwrightError(
            f"there is no provider of architectures {provider!r}",
            where="[model] name",
            fix=choices(provider, list(PROVIDERS)),
        )
    if not installed(provider):
        raise MaskwrightError(
            f"{name} comes from the package {provider}, which is not installed",
            where="[model] name",
            fix='pip install "maskwright[zoo]"',
        )
    models = provided(provider)
    if wanted not in models:
        raise MaskwrightError(
            f"{provider} gives us no architecture {wanted!r}", where="[model] name", fix=choices(wanted, list(models))
        )
    return models[wanted]


def installed(provider: str) -> bool:
    """Whether a provider's package is there."""
    return find_spec(provider) is not None


def provided(provider: str) -> dict[str, Architecture]:
    """What an installed provider gives, by its own names."""
    found: dict[str, Architecture] = importlib.import_module(f"{__package__}.{provider}").models()
    return found


def with_options(build: Any, options: dict[str, Any]) -> Any:
    """`build(input_shape, classes, **options)` whose options can be listed, and have these defaults."""

    def complete(input_shape: tuple[int, ...], classes: int, **given: Any) -> keras.Model:
        return build(input_shape, classes, **options | given)

    kind = inspect.Parameter
    complete.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [kind("input_shape", kind.POSITIONAL_OR_KEYWORD), kind("classes", kind.POSITIONAL_OR_KEYWORD)]
        + [kind(name, kind.KEYWORD_ONLY, default=value) for name, value in options.items()]
    )
    complete.__doc__ = build.__doc__
    return complete


def wrapped(inner: keras.Model, classes: int, final_activation: str, name: str) -> keras.Model:
    """A network of logits as one of ours: from `image` to float32 probabilities."""
    import keras

    from maskwright.models.blocks import probabilities

    inputs = keras.Input(inner.input_shape[1:], name="image")
    return keras.Model(inputs, probabilities(inner(inputs), classes, final_activation), name=name)


def refused(name: str, error: Exception) -> MaskwrightError:
    """What a package says of options that it does not take."""
    return MaskwrightError(
        f"{name} cannot be built ({' '.join(str(error).split())})",
        where="[model.options]",
        fix=f"`maskwright models {name}` lists its options.",
    )

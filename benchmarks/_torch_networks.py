"""A PyTorch network of MONAI or segmentation-models-pytorch, trained or run on request, in a process of its own.

    python _torch_networks.py NAME PRECISION

Says as JSON how many parameters it has and how it trains and predicts, then reads `train N` or `predict N` from
standard input, a line at a time, and answers with the seconds that N steps took. Channels last, BCE and Dice, Adam
(fused). Each of the two runs by `torch.compile` (prediction with its weights frozen) or eagerly, whichever is faster in
a trial before the timing; where the compiler fails, eagerly. What compiling takes is not part of any time.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from collections.abc import Callable

import torch

PICTURES, VOLUMES = (4, 1, 256, 256), (1, 1, 64, 64, 64)
WIDTHS = (16, 32, 64, 128, 256)
BATCH_NORM = ("batch", {"affine": True})
TRIALS = 3
Step = Callable[[], object]


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
    low = precision == "mixed_bfloat16"
    steps, how = {}, {}
    # Prediction first: what freezing leaves behind must not slow training down, and it works on a copy.
    for what, make in (("predict", predicting), ("train", training)):
        ways = {}
        for way in ("eager", "compiled"):
            try:
                ways[way] = make(copy.deepcopy(network), shape, layout, low, way == "compiled")
                ways[way]()  # compiles
            except Exception as error:  # noqa: BLE001  the compiler fails in many ways, and eager is the answer to all
                print(f"{name}: {what} {way}: {type(error).__name__}: {error}"[:300], file=sys.stderr)
                ways.pop(way, None)
        trial = {way: min(seconds(step, 1) for _ in range(TRIALS)) for way, step in ways.items()}
        best = min(trial, key=trial.__getitem__)
        steps[what], how[what] = ways[best], {"way": best, "trial": {way: round(t, 4) for way, t in trial.items()}}
    print(json.dumps({"parameters": sum(one.numel() for one in network.parameters()), **how}), flush=True)
    for line in sys.stdin:
        what, count = line.split()
        print(seconds(steps[what], int(count)), flush=True)


def seconds(step: Step, count: int) -> float:
    begin = time.perf_counter()
    for _ in range(count):
        step()
    return time.perf_counter() - begin


def training(
    network: torch.nn.Module, shape: tuple[int, ...], layout: torch.memory_format, low: bool, compiled: bool
) -> Step:
    """One step of training on random images; network, loss and their gradients are compiled together."""
    network.train()
    image = torch.rand(shape).to(memory_format=layout)
    label = (image > 0.5).float()
    optimizer = torch.optim.Adam(network.parameters(), 1e-4, fused=True)

    def loss() -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            logits = first(network(image))
        logits = logits.float()
        p = torch.sigmoid(logits)
        dice = (2 * (p * label).sum() + 1) / (p.sum() + label.sum() + 1)
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, label) + 1 - dice

    loss_of = torch.compile(loss) if compiled else loss

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss_of().backward()
        optimizer.step()

    return step


def predicting(
    network: torch.nn.Module, shape: tuple[int, ...], layout: torch.memory_format, low: bool, compiled: bool
) -> Step:
    """One prediction of random images; compiled with the weights frozen, so that they are laid out once."""
    network.eval()
    image = torch.rand(shape).to(memory_format=layout)

    def forward(image: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            return torch.sigmoid(first(network(image)).float())

    called = torch.compile(forward, options={"freezing": True}) if compiled else forward

    def step() -> None:
        # The compiler freezes under no_grad alone; eagerly, inference_mode saves a little more.
        with torch.no_grad() if compiled else torch.inference_mode():
            called(image)

    return step


def first(found: object) -> torch.Tensor:
    """The one output of a network that may answer with a list."""
    return found[0] if isinstance(found, list | tuple) else found


if __name__ == "__main__":
    main()

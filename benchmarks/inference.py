"""The engines side by side: one network on batches that lie ready in memory, in turns.

    python benchmarks/inference.py [--rounds 5]

A U-Net of 5 levels and 16 filters (1.9 M parameters) on 4 pictures of 256x256. `predict_on_batch` is Keras's own call
in float32; masks are compared with its masks. Where torch and MONAI are installed, PyTorch channels last runs a network
of the same size (MONAI's BasicUNet) in float32 and bfloat16.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import tempfile
from pathlib import Path

import numpy as np
from _common import interleaved

BATCH, EDGE = 4, 256


def main() -> None:
    from maskwright.backend import seed_everything
    from maskwright.data.labels import LabelRule
    from maskwright.data.preprocess import InputRule
    from maskwright.inference.runtimes import open_runtime
    from maskwright.models.metadata import Metadata
    from maskwright.models.saving import build, save_model

    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=10)
    options = parser.parse_args()
    seed_everything(137, deterministic=False)
    metadata = Metadata("unet", {}, 1, ["background", "organ"], InputRule(EDGE, EDGE, 1), LabelRule())
    images = np.random.default_rng(0).random((BATCH, EDGE, EDGE, 1), np.float32)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_model(build(metadata), folder / "model.keras", metadata)
        ways = {
            f"{engine} {precision}": open_runtime(engine, folder / "model.keras", precision, folder)
            for engine, precision in (
                ("keras", "float32"), ("keras", "mixed_bfloat16"), ("onnx", "float32"), ("openvino", "float32"),
                ("openvino", "mixed_bfloat16"),
            )
        }  # fmt: skip
        found = {name: engine.probabilities(images) for name, engine in ways.items()}
        calls = {name: (lambda engine=engine: engine.probabilities(images)) for name, engine in ways.items()}
        calls |= torch_calls()

        def repeated(call):  # type: ignore[no-untyped-def]
            return lambda: [call() for _ in range(options.calls)]

        seconds = interleaved({name: repeated(call) for name, call in calls.items()}, options.rounds)
    speeds = {name: BATCH * options.calls / min(values) for name, values in seconds.items()}
    base, expected = speeds["keras float32"], found["keras float32"]
    middle = np.median(expected)
    for name, speed in speeds.items():
        line = f"{name:<34}{speed:8.1f} img/s  {speed / base:5.2f} times predict_on_batch"
        if name in found:
            one, other = expected >= middle, found[name] >= middle
            dice = 2 * (one & other).sum() / (one.sum() + other.sum())
            line += f"  largest difference {np.abs(found[name] - expected).max():.1e}, Dice {dice:.4f}"
        print(line)
    print(json.dumps({"benchmark": "inference", "unit": "img/s", **{k: round(v, 1) for k, v in speeds.items()}}))


def torch_calls():  # type: ignore[no-untyped-def]
    if not all(map(importlib.util.find_spec, ("torch", "monai"))):
        return {}
    import torch
    from monai.networks.nets import BasicUNet

    torch.set_num_threads(2)
    widths = (16, 32, 64, 128, 256, 16)
    network = BasicUNet(2, 1, 1, widths, norm="batch", act="relu").to(memory_format=torch.channels_last).eval()
    image = torch.rand(BATCH, 1, EDGE, EDGE).to(memory_format=torch.channels_last)

    def call(low: bool) -> None:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=low):
            network(image)

    return {
        "PyTorch channels last float32": lambda: call(False),
        "PyTorch channels last bfloat16": lambda: call(True),
    }


if __name__ == "__main__":
    main()

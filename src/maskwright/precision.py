"""Which arithmetic is faster on this machine: float32, or bfloat16 where the processor has it."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.backend import accelerators, import_keras, processor_name
from maskwright.errors import MaskwrightError
from maskwright.storage import write_json
from maskwright.untrusted.text import read_json

_BF16_FLAGS = {"avx512_bf16", "amx_bf16"}


def processor_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself; known on Linux only, elsewhere taken as no."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(line.startswith("flags") and _BF16_FLAGS & set(line.split()) for line in text.splitlines())


def choose_precision(wanted: str, folder: Path, network: Callable[[], Any] | None = None) -> str:
    """`float32` or `mixed_bfloat16` for `auto`: the faster one on this machine, where the processor has bfloat16.

    The measurement (some seconds, of a U-Net) is kept in `folder`, so that one machine always answers alike.

    Args:
        network: builds what is to be trained; without, the answer is for a network of plain convolutions.
    """
    if wanted != "auto":
        return wanted
    if network is None:
        return _faster(folder)
    return "float32" if _faster(folder) == "float32" or slow_in_bfloat16(network()) else "mixed_bfloat16"


def _faster(folder: Path) -> str:
    keras = import_keras()
    if keras.backend.backend() != "tensorflow" or accelerators() or not processor_has_bfloat16():
        return "float32"
    note = folder / "precision.json"
    machine = f"{processor_name()} keras {metadata.version('keras')} fused"
    try:
        known = read_json(note, like={str: {"precision": str}})
    except MaskwrightError:  # measured anew
        known = {}
    if machine not in known:
        ratio = measure_bfloat16()
        known[machine] = {
            "bfloat16_speed": round(ratio, 2),
            "precision": "mixed_bfloat16" if ratio > 1.05 else "float32",
        }
        write_json(note, known)
    return str(known[machine]["precision"])


def slow_in_bfloat16(model: Any) -> bool:
    """Whether a network has convolutions of each channel by itself.

    Their gradients take two to five times as long in bfloat16 as in float32 on a CPU (TensorFlow 2.21, AMX), which
    more than undoes what the other layers gain.
    """
    kinds = import_keras().layers
    apart = (kinds.DepthwiseConv1D, kinds.DepthwiseConv2D, kinds.SeparableConv1D, kinds.SeparableConv2D)
    return any(isinstance(layer, apart) or getattr(layer, "groups", 1) > 1 for layer in model._flatten_layers())


def measure_bfloat16(steps: int = 6, edge: int = 128, layers: int = 4) -> float:
    """How many times faster a U-Net of so many layers trains on pictures of so many pixels an edge in bfloat16 than in
    float32, on this machine."""
    from maskwright.losses import get_loss
    from maskwright.models.fused import fuse
    from maskwright.models.registry import create_model

    keras = import_keras()
    rng = np.random.default_rng(0)
    images = rng.random((4, edge, edge, 1), dtype=np.float32)
    labels = (images > 0.5).astype(np.float32)
    seconds = {}
    before = keras.config.dtype_policy()
    try:
        for policy in ("float32", "mixed_bfloat16"):
            keras.config.set_dtype_policy(policy)
            model = create_model("unet", images.shape[1:], num_layers=layers)
            fuse(model)  # as in training
            model.compile("adam", get_loss("bce_dice_loss"), jit_compile=False)
            times = []
            for _ in range(steps + 1):
                begin = time.perf_counter()
                model.train_on_batch(images, labels)
                times.append(time.perf_counter() - begin)
            seconds[policy] = min(times[1:])
    finally:
        keras.config.set_dtype_policy(before)
    return seconds["float32"] / seconds["mixed_bfloat16"]

"""What depends on the machine and on Keras's backend: quiet start, seeds, determinism, arithmetic, devices."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from maskwright.errors import MaskwrightError
from maskwright.storage import write_json

_BF16_FLAGS = {"avx512_bf16", "amx_bf16"}


def prepare_environment() -> None:
    """Keep TensorFlow from filling the terminal; must run before Keras is first imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextmanager
def _native_messages_hidden() -> Iterator[None]:
    """Hide what TensorFlow's C++ prints while it starts, before its own log level counts; errors are exceptions."""
    if "keras" in sys.modules:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device, not a path
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def import_keras() -> Any:
    """Keras on the backend of `KERAS_BACKEND` (TensorFlow where unset).

    Raises:
        MaskwrightError: that backend is not installed.
    """
    prepare_environment()
    try:
        with _native_messages_hidden():
            import keras

            keras.ops.zeros(1)  # starts the devices, which has messages of its own
    except ModuleNotFoundError as error:
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        raise MaskwrightError(
            f"Keras cannot start its backend {backend} ({error})",
            where="KERAS_BACKEND",
            fix=f'Install it (pip install "maskwright[{backend}]") or unset KERAS_BACKEND.',
        ) from None
    return keras


def seed_everything(seed: int, *, deterministic: bool) -> None:
    """Seed Python, NumPy and Keras; make TensorFlow repeat to the last bit where asked (which costs nothing)."""
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    if deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def processor_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself; known on Linux only, elsewhere taken as no."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(line.startswith("flags") and _BF16_FLAGS & set(line.split()) for line in text.splitlines())


def choose_precision(wanted: str, folder: Path) -> str:
    """`float32` or `mixed_bfloat16` for `auto`: the faster one on this machine, where the processor has bfloat16.

    The measurement (some seconds) is kept in `folder`, so that one machine always answers alike.
    """
    if wanted != "auto":
        return wanted
    keras = import_keras()
    if keras.backend.backend() != "tensorflow" or accelerators() or not processor_has_bfloat16():
        return "float32"
    note = folder / "precision.json"
    machine = f"{processor_name()} tensorflow {metadata.version('keras')}"
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if machine not in known:
        ratio = measure_bfloat16()
        known[machine] = {
            "bfloat16_speed": round(ratio, 2),
            "precision": "mixed_bfloat16" if ratio > 1.05 else "float32",
        }
        write_json(note, known)
    return str(known[machine]["precision"])


def measure_bfloat16(steps: int = 6) -> float:
    """How many times faster a small U-Net trains in bfloat16 than in float32 on this machine."""
    import numpy as np

    from maskwright.losses import bce_dice_loss
    from maskwright.models.registry import create_model

    keras = import_keras()
    rng = np.random.default_rng(0)
    images = rng.random((4, 128, 128, 1), dtype=np.float32)
    labels = (images > 0.5).astype(np.float32)
    seconds = {}
    before = keras.config.dtype_policy()
    try:
        for policy in ("float32", "mixed_bfloat16"):
            keras.config.set_dtype_policy(policy)
            model = create_model("unet", images.shape[1:], num_layers=4)
            model.compile("adam", bce_dice_loss, jit_compile=False)
            times = []
            for _ in range(steps + 1):
                begin = time.perf_counter()
                model.train_on_batch(images, labels)
                times.append(time.perf_counter() - begin)
            seconds[policy] = min(times[1:])
    finally:
        keras.config.set_dtype_policy(before)
    return seconds["float32"] / seconds["mixed_bfloat16"]


def accelerators() -> list[str]:
    """Names of the GPUs (or TPUs) that Keras's backend sees."""
    keras = import_keras()
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return [device.name for device in tf.config.list_physical_devices("GPU")]
    if backend == "jax":
        import jax

        return [str(device) for device in jax.devices() if device.platform != "cpu"]
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def processor_name() -> str:
    """The processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def versions() -> dict[str, str | None]:
    """Versions of what results depend on; None where it is not installed."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    names = (
        "maskwright",
        "keras",
        "tensorflow",
        "tensorflow-cpu",
        "jax",
        "torch",
        "numpy",
        "opencv-python-headless",
        "pillow",
        "pydantic",
        "nibabel",
    )
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found

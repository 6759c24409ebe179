"""The engines side by side: one network on batches that lie ready in memory, in turns.

    python benchmarks/inference.py [--rounds 5]

A U-Net of 5 levels and 16 filters (1.9 M parameters) on 4 pictures of 256x256. `predict_on_batch` is Keras's own call
in float32; masks are compared with its masks. int8 is calibrated on the same random pictures. PyTorch runs a network of
the same size (MONAI's BasicUNet) in float32 and bfloat16, as architectures.py does: channels last, `torch.compile` or
eagerly, whichever is faster, from the same environment. Where benchmarks/.peers-nnunet is (see peers-nnunet.txt),
nnU-Net's predictor runs one of its own. What starts and compiles is not part of any time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
from _common import interleaved
from architectures import Worker, peers

BATCH, EDGE = 4, 256
HERE = Path(__file__).parent


def main() -> None:
    from maskwright.backend import seed_everything
    from maskwright.data.preprocess import InputRule
    from maskwright.inference.runtimes import open_runtime
    from maskwright.labels.rule import LabelRule
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
        ways["openvino int8"] = int8_engine(folder, metadata, images)
        found = {name: engine.probabilities(images) for name, engine in ways.items()}
        calls = {name: (lambda engine=engine: engine.probabilities(images)) for name, engine in ways.items()}

        def repeated(call):  # type: ignore[no-untyped-def]
            return lambda: [call() for _ in range(options.calls)]

        workers, by_torch = torch_calls(options.calls)
        whole = {name: repeated(call) for name, call in calls.items()} | by_torch
        with nnunet(BATCH * options.calls) as predictor:
            whole |= predictor
            seconds = interleaved(whole, options.rounds)
        for worker in workers.values():
            worker.close()
    speeds = {name: BATCH * options.calls / median(values) for name, values in seconds.items()}
    expected = found["keras float32"]
    middle = np.median(expected)
    for name, speed in speeds.items():
        times = [base / own for base, own in zip(seconds["keras float32"], seconds[name], strict=True)]
        line = f"{name:<40}{speed:8.1f} img/s  {median(times):5.2f} times predict_on_batch"
        line += f" ({min(times):.2f} to {max(times):.2f})"
        if name in found:
            one, other = expected >= middle, found[name] >= middle
            dice = 2 * (one & other).sum() / (one.sum() + other.sum())
            line += f"  largest difference {np.abs(found[name] - expected).max():.1e}, Dice {dice:.4f}"
        print(line)
    print(json.dumps({"benchmark": "inference", "unit": "img/s", **{k: round(v, 1) for k, v in speeds.items()}}))


def int8_engine(folder: Path, metadata, images):  # type: ignore[no-untyped-def]
    from maskwright.exporting import formats, int8
    from maskwright.inference.runtimes import open_runtime
    from maskwright.models.saving import load_model

    model, _ = load_model(folder / "model.keras")
    path = folder / "int8.xml"
    formats.write_openvino(model, metadata, path, lambda graph, out: int8.quantize(graph, list(images), out))
    return open_runtime("openvino", path, "float32", folder)


@contextmanager
def nnunet(count: int):  # type: ignore[no-untyped-def]
    """What predicts `count` slices by nnU-Net's predictor, where that is installed."""
    python = HERE / ".peers-nnunet" / "bin" / "python"
    if not python.exists():
        yield {}
        return
    # Threads that wait busily would take the cores from the others, whose turn it is.
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "2"}
    process = subprocess.Popen(
        [python, HERE / "_nnunet_predictor.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        while not (line := process.stdout.readline()).startswith("parameters"):
            if not line:
                raise SystemExit("nnU-Net's predictor did not start")
        print(f"nnU-Net's network: {line.strip()}")

        def call() -> None:
            process.stdin.write(f"{count}\n")
            process.stdin.flush()
            while process.stdout.readline().strip() != "done":
                pass

        call()
        yield {"nnU-Net's predictor float32": call}
    finally:
        process.stdin.close()
        process.wait()


def torch_calls(calls: int) -> tuple[dict[str, Worker], dict[str, Callable[[], object]]]:
    """Processes of PyTorch in both precisions, and what predicts `calls` batches by them."""
    workers = {
        f"PyTorch channels last {short}": Worker(str(peers()), "_torch_networks.py", "unet", precision)
        for short, precision in (("float32", "float32"), ("bfloat16", "mixed_bfloat16"))
    }
    found = {f"{name}, {worker.about['predict']['way']}": worker for name, worker in workers.items()}
    return found, {name: (lambda worker=worker: worker.seconds("predict", calls)) for name, worker in found.items()}


if __name__ == "__main__":
    main()

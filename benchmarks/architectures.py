"""How fast does each architecture train and predict on a CPU, beside the same one in PyTorch?

    python benchmarks/architectures.py [NAME ...] [--precision mixed_bfloat16] [--rounds 5]

Pictures of 256x256 in batches of four, volumes of 64x64x64 one at a time; two threads; the two sides take turns. Speeds
are medians over the rounds, a ratio is the median of the rounds' own ratios, with the smallest and the largest. Keras
runs a graph; PyTorch runs by `torch.compile` or eagerly, whichever is faster (named in the last column). MONAI has
BasicUNet, AttentionUnet, BasicUNetPlusPlus, DynUNet (nnU-Net's) and MedNeXt, segmentation-models-pytorch SegFormer and
DeepLabV3+; they live in benchmarks/.peers-models, made at the first run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
PEERS = HERE / ".peers-models"
PACKAGES = ["torch==2.13.0", "monai==1.6.1", "segmentation-models-pytorch==0.6.0", "einops"]
# What PyTorch has too, and the U-Nets among it that must be nearly as fast.
SHARED = ("unet", "attention_unet", "unet_plus_plus", "nnunet", "nnunet 3D", "mednext", "segformer", "deeplab_v3_plus")
UNETS = ("unet", "attention_unet", "unet_plus_plus", "nnunet", "nnunet 3D")
TURN = 2.0  # seconds that each side works in a round, about


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    python = peers()
    names = options.names or [*SHARED, *ours_alone()]
    print(f"{'':<18}{'parameters':>24}{'training img/s':>39}{'prediction img/s':>39}   {options.precision}")
    print(f"{'':<18}{'ours':>12}{'PyTorch':>12}" + f"{'ours':>9}{'PyTorch':>9}{'ratio (spread)':>21}" * 2)
    rows = {}
    for name in names:
        sides = {"ours": Worker(sys.executable, "_keras_networks.py", name, options.precision)}
        if name in SHARED:
            sides["torch"] = Worker(str(python), "_torch_networks.py", name, options.precision)
        rows[name] = measure(name, sides, options.rounds)
        show(name, rows[name])
    print(json.dumps({"benchmark": "architectures", "precision": options.precision, "unit": "img/s", "rows": rows,
                      "asked": {"unets": 0.9}}))  # fmt: skip


class Worker:
    """A process that has built a network and waits for work."""

    def __init__(self, python: str, script: str, name: str, precision: str) -> None:
        self.process = subprocess.Popen(
            [python, str(HERE / script), name, precision], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.about = json.loads(self._read())

    def seconds(self, what: str, count: int) -> float:
        assert self.process.stdin
        self.process.stdin.write(f"{what} {count}\n")
        self.process.stdin.flush()
        return float(self._read())

    def close(self) -> None:
        self.process.communicate()

    def _read(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args} has ended: run it by hand to see why")
        return line


def measure(name: str, sides: dict[str, Worker], rounds: int) -> dict[str, dict]:
    """Each side's images a second (median) and what it says of itself; `ratio`: median, smallest, largest."""
    images = 1 if name.endswith("3D") else 4
    found: dict[str, dict] = {side: dict(worker.about) for side, worker in sides.items()}
    found["ratio"] = {}
    for what in ("train", "predict"):
        counts = {side: max(1, round(TURN / worker.seconds(what, 1))) for side, worker in sides.items()}
        speeds: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(rounds):
            for side, worker in sides.items():
                speeds[side].append(images * counts[side] / worker.seconds(what, counts[side]))
        for side, values in speeds.items():
            found[side][f"{what} img/s"] = round(median(values), 2)
        if "torch" in speeds:
            ratios = [ours / theirs for ours, theirs in zip(speeds["ours"], speeds["torch"], strict=True)]
            found["ratio"][what] = [round(value, 2) for value in (median(ratios), min(ratios), max(ratios))]
    for worker in sides.values():
        worker.close()
    return found


def show(name: str, row: dict[str, dict]) -> None:
    ours, theirs = row["ours"], row.get("torch")
    text = f"{name:<18}{ours['parameters']:>12,.0f}" + (f"{theirs['parameters']:>12,.0f}" if theirs else f"{'':>12}")
    for what in ("train", "predict"):
        text += f"{ours[f'{what} img/s']:>9.1f}"
        if theirs:
            text += f"{theirs[f'{what} img/s']:>9.1f}" + "{:>6.2f} ({:.2f} to {:.2f})".format(*row["ratio"][what])
        else:
            text += f"{'':>30}"
    if theirs:
        text += "   " + ", ".join(f"{what} {theirs[what]['way']}" for what in ("train", "predict"))
    print(text, flush=True)


def ours_alone() -> list[str]:
    from maskwright.models.registry import architectures

    return [name for name in architectures() if name not in SHARED]


def peers() -> Path:
    """The Python of the other side's environment, made where it is missing."""
    python, done = PEERS / "bin" / "python", PEERS / "installed.txt"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        done.write_text("\n".join(PACKAGES))
    return python


if __name__ == "__main__":
    main()

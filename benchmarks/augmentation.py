"""How fast are augmented pairs made, and how fast do they reach the training step?

    python benchmarks/augmentation.py [--rounds 7]

First, affine and elastic deformation of a 512x512 image and label, against SciPy in the classical way and in one pass,
albumentations, MONAI and nnU-Net's batchgeneratorsv2, in turns, on one thread and on all cores (see _augmenters.py for
what each does). On one thread seconds of the processor are counted, on all cores those of the clock.
The others live in benchmarks/.peers, which is made from peers.txt at the first run. Second, pairs delivered in batches
by the loader, decoding of JPEG files included, and from the cache of decoded pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from _delivery import delivered

HERE = Path(__file__).parent
PEERS = HERE / ".peers"
# What we want to be at least, in times as fast.
ASKED = {"scipy": 25, "albumentations": 10, "monai": 20, "batchgeneratorsv2": 50}
NAMES = {"scipy": "classical", "scipy, one pass": "one_pass"}
OTHERS = ["scipy", "scipy, one pass", "albumentations", "monai", "batchgeneratorsv2"]
OURS = "maskwright"
TURN = 1.0  # seconds that each works in a round


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peers", type=Path, help="Python of an environment that has peers.txt installed")
    options = parser.parse_args()
    python = options.peers or peers()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    result: dict[str, object] = {"benchmark": "augmentation 512x512", "unit": "pairs/s", "cores": cores}
    for key, workers in (("", 1), ("_all_cores", cores)):
        speed, ratio = compare(python, workers, options.rounds)
        print(f"affine + elastic, 512x512, {workers} of {cores} cores")
        print(f"  {'':<24}{'pairs/s':>10}{'ours is':>28}{'asked':>8}")
        for name, value in speed.items():
            times = "{:.1f} times ({:.1f} to {:.1f})".format(*ratio[name]) if name in ratio else ""
            print(f"  {name:<24}{value:>10.1f}{times:>28}{ASKED.get(name, ''):>8}")
        result |= {f"pairs_per_second{key}": speed, f"ratio{key}": ratio}
    with tempfile.TemporaryDirectory() as folder:
        pairs = delivered(Path(folder), cores)
    print("delivered to the training step in batches, seed's augmentation, 512x512")
    for name, value in pairs.items():
        print(f"  {name:<44}{value:>10.1f} pairs/s")
    print(json.dumps(result | {"delivered": pairs, "asked": ASKED}))


def peers() -> Path:
    """The Python of the other libraries' environment, made where it is missing."""
    python = PEERS / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = PEERS / "installed.txt"
    wanted = (HERE / "peers.txt").read_text(encoding="utf-8")
    if not done.exists() or done.read_text(encoding="utf-8") != wanted:
        print(f"installing the other libraries into {PEERS} (once, some minutes)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", PEERS], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "-r", HERE / "peers.txt"]
        subprocess.run(install, check=True, stdout=sys.stderr)
        done.write_text(wanted, encoding="utf-8")
    return python


def compare(python: Path, workers: int, rounds: int) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Pairs per second of each, and how many times as fast ours is in the same round: median, smallest, largest."""
    contestants = {OURS: Contestant(Path(sys.executable), OURS, workers)}
    if workers > 1:
        contestants[f"{OURS}, threads"] = Contestant(Path(sys.executable), OURS, workers, "threads")
    contestants |= {name: Contestant(python, NAMES.get(name, name), workers) for name in OTHERS}
    try:
        counts = {name: one.calibrate() for name, one in contestants.items()}
        seconds: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(rounds):
            for name, one in contestants.items():
                seconds[name].append(one.run(counts[name]) / counts[name])
    finally:
        for one in contestants.values():
            one.stop()
    speed = {name: round(1 / median(values), 1) for name, values in seconds.items()}
    ratio = {}
    for name in OTHERS:
        low, *_, high = pairwise = sorted(t / o for t, o in zip(seconds[name], seconds[OURS], strict=True))
        ratio[name] = [round(value, 1) for value in (median(pairwise), low, high)]
    return speed, ratio


class Contestant:
    """An augmenter in a process of its own."""

    def __init__(self, python: Path, name: str, workers: int, how: str = "processes") -> None:
        # Libraries that multiply matrices would take all cores even where one was asked for.
        alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        environment = os.environ | alone | {"NO_ALBUMENTATIONS_UPDATE": "1"}
        self._process = subprocess.Popen(
            [python, HERE / "_augmenters.py", name, str(workers), how],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
        )  # fmt: skip
        if not self._read().startswith("ready"):
            raise RuntimeError(f"{name} does not start; run {python} {HERE / '_augmenters.py'} {name} 1")

    def _read(self) -> str:
        return self._process.stdout.readline()

    def run(self, count: int) -> float:
        """Seconds for `count` pairs."""
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        return float(self._read())

    def calibrate(self) -> int:
        """How many pairs fill a turn."""
        self.run(4)
        return max(4, round(TURN / self.run(8) * 8))

    def stop(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait(timeout=20)


if __name__ == "__main__":
    main()

"""Does memory grow with the size of a picture? Peak memory of training and prediction on slides of growing size.

    python benchmarks/slides.py [--edges 8192 16384 32768] [--pixel-size 8]

Tiled TIFFs in colour with their masks; two to train on and to validate, one step an epoch more than validation needs.
Counted is what a process holds itself (RssAnon); what the system keeps of files goes when others need it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile

_TILE = 512
_CONFIG = """
[data]
images = "images"
masks = "masks"
valid_fraction = 0.5
test_fraction = 0.0
fit = "patch"
pixel_size = {pixel_size}
cache_dir = "cache"
[model]
image_width = 256
image_height = 256
base_filters = 4
num_layers = 3
[train]
epochs = 1
steps_per_epoch = 20
precision = "float32"
[predict]
precision = "float32"
"""


def tiles(edge: int, seed: int, kind: str) -> Iterator[np.ndarray]:
    """Tiles of a slide with a round cell in most of them, or of its mask."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:_TILE, :_TILE]
    for _ in range((edge // _TILE) ** 2):
        centre, radius = rng.integers(150, 360, 2), int(rng.integers(40, 140))
        inside = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2) & (radius > 60)
        if kind == "masks":
            yield inside.astype(np.uint8) * 255
        else:
            grain = rng.integers(0, 40, (64, 64), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
            yield np.stack([200 - 90 * inside - grain, 170 - 100 * inside - grain, 190 - grain], axis=2).astype(
                np.uint8
            )


def write(folder: Path, edge: int, count: int = 2) -> None:
    """Slides and their masks, written tile by tile."""
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
        for number in range(count):
            shape = (edge, edge, 3) if kind == "images" else (edge, edge)
            tifffile.imwrite(folder / kind / f"S{number}.tif", tiles(edge, number, kind), shape=shape, dtype=np.uint8,
                             tile=(_TILE, _TILE), compression="zlib", bigtiff=True, metadata=None,
                             photometric="rgb" if kind == "images" else "minisblack")  # fmt: skip


def peak(command: list[str]) -> tuple[float, float]:
    """MiB that a process holds at most, and its seconds."""
    begin, most = time.perf_counter(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        except OSError:
            break
        most = max([most, *(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))])
        time.sleep(0.05)
    if process.wait():
        raise SystemExit(f"failed: {' '.join(command)}")
    return most / 1024, time.perf_counter() - begin


def main() -> None:
    """A line for each size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--edges", type=int, nargs="+", default=[8192 + 512, 16384, 32768])
    parser.add_argument("--pixel-size", type=float, default=8)
    options = parser.parse_args()
    program = [sys.executable, "-m", "maskwright"]
    for edge in options.edges:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(folder, edge)
            (folder / "config.toml").write_text(_CONFIG.format(pixel_size=options.pixel_size), encoding="utf-8")
            found: dict[str, float] = {"edge": edge, "megapixels": round(edge * edge / 1e6)}
            size = sum(path.stat().st_size for path in folder.rglob("*.tif"))
            found["files MiB"] = round(size / 2**20)
            for what, command in {
                "train": ["train", str(folder / "config.toml"), "--run", str(folder / "run"), "--quiet"],
                "predict": ["predict", str(folder / "run"), str(folder / "images" / "S0.tif"), "--output",
                            str(folder / "out"), "--quiet"],
            }.items():  # fmt: skip
                memory, seconds = peak([*program, *command])
                found |= {f"{what} MiB": round(memory), f"{what} s": round(seconds)}
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()

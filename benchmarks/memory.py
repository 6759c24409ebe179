"""Does memory grow with the data set? Peak resident memory of `maskwright train` on 500 and on 10,000 images.

    python benchmarks/memory.py [--small 500] [--large 10000]

Each in a process of its own, one epoch over every picture, with an empty cache, so that decoding is part of it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from _common import show, write_pictures

_CHILD = """
import resource, sys
from maskwright.cli import main
code = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
sys.exit(code)
"""
_CONFIG = """
[data]
images = "images"
masks = "masks"
patient_pattern = 'P(\\d+)'
cache_dir = "cache"
test_fraction = 0.0
[model]
image_width = 128
image_height = 128
base_filters = 4
num_layers = 3
[train]
epochs = 1
batch_size = 16
precision = "float32"
"""


def peak(folder: Path, count: int) -> float:
    """MiB at the peak of one training."""
    write_pictures(folder, count, 128, channels=1)
    (folder / "config.toml").write_text(_CONFIG, encoding="utf-8")
    command = [sys.executable, "-c", _CHILD, "train", str(folder / "config.toml"), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", type=int, default=500)
    parser.add_argument("--large", type=int, default=10_000)
    options = parser.parse_args()
    found = {}
    for count in (options.small, options.large):
        with tempfile.TemporaryDirectory() as name:
            found[f"{count} images"] = peak(Path(name), count)
    small, large = found.values()
    show("peak memory of a training", found, "MiB", {"ratio": round(large / small, 3), "asked": 1.1})


if __name__ == "__main__":
    main()

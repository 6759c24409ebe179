"""How long `--help` takes, as a whole process.

python benchmarks/startup.py
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from _common import interleaved, show


def main() -> None:
    ways = {
        f"maskwright {' '.join(words)}": (
            lambda words=words: subprocess.run(
                [sys.executable, "-m", "maskwright", *words], capture_output=True, check=True
            )
        )
        for words in (["--help"], ["score", "--help"], ["train", "--help"])
    }
    seconds = interleaved(ways, 9)
    show(
        "start of the command line",
        {name: 1000 * median(values) for name, values in seconds.items()},
        "ms",
        {"asked": 300},
    )


if __name__ == "__main__":
    main()

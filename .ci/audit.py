"""Known weaknesses of what CI installs, by pip-audit; where its data cannot be reached, that is said, and no error.

    python .ci/audit.py FILE...

FILE is a file of pinned versions with hashes. Exit code 1 where a weakness is known.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def audited(file: str) -> tuple[list[str], list[str], list[str]]:
    """Packages that were looked up, that could not be, and weaknesses in words."""
    words = ["-m", "pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off", "--timeout", "15"]
    done = subprocess.run(
        [sys.executable, *words, "--format", "json", "-r", file], check=False, capture_output=True, text=True
    )
    if not done.stdout.strip():  # the service did not answer at all
        return [], [(done.stderr.strip().splitlines() or ["no answer"])[-1][:200]], []
    asked, missed, weak = [], [], []
    for one in json.loads(done.stdout)["dependencies"]:
        if "skip_reason" in one:
            missed.append(one["name"])
            continue
        asked.append(one["name"])
        for found in one["vulns"]:
            mended = ", ".join(found["fix_versions"]) or "no version yet"
            weak.append(f"{one['name']} {one['version']}: {found['id']}, mended in {mended}")
    return asked, missed, weak


def main() -> int:
    """Say what was found; 1 where it is something."""
    weak: list[str] = []
    for file in sys.argv[1:]:
        asked, missed, found = audited(file)
        weak += found
        said = (
            f"{len(asked)} packages looked up" if asked else "its data cannot be reached from here: nothing looked up"
        )
        print(f"{Path(file).name}: {said}" + (f", {len(missed)} could not be" if asked and missed else ""))
    for line in sorted(set(weak)):
        print(line)
    return int(bool(weak))


if __name__ == "__main__":
    sys.exit(main())

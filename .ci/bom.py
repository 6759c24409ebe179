"""A software bill of materials (CycloneDX 1.6, JSON) of an environment that the wheel was installed into.

    python .ci/bom.py ENVIRONMENT BILL

ENVIRONMENT is the environment's Python. The viewer's two libraries, which lie in the wheel and which no Python package
names, are taken from what npm locked. The bill is held against CycloneDX's schema.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def of_environment(python: str) -> dict[str, Any]:
    """What is installed, by cyclonedx-py."""
    words = ["-m", "cyclonedx_py", "environment", "--sv", "1.6", "--of", "JSON", "--output-reproducible"]
    words += ["--pyproject", str(ROOT / "pyproject.toml"), python]
    done = subprocess.run([sys.executable, *words], check=True, stdout=subprocess.PIPE)
    bill: dict[str, Any] = json.loads(done.stdout)
    return bill


def of_viewer() -> list[dict[str, Any]]:
    """What the viewer is packed of, by package-lock.json."""
    wanted = json.loads((ROOT / "viewer" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    locked = json.loads((ROOT / "viewer" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    found = []
    for name, version in wanted.items():
        entry = locked[f"node_modules/{name}"]
        if entry["version"] != version:
            raise SystemExit(f"viewer: {name} is locked at {entry['version']}, and package.json says {version}")
        place = f"pkg:npm/{name.replace('@', '%40')}@{version}"
        found.append({"type": "library", "bom-ref": place, "name": name, "version": version, "purl": place,
                      "licenses": [{"license": {"id": entry["license"]}}]})  # fmt: skip
    return found


def main() -> None:
    """Write the bill, and say how much is in it."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    python, target = sys.argv[1], Path(sys.argv[2])
    bill = of_environment(python)
    bill["components"] += of_viewer()
    text = json.dumps(bill, indent=1)
    if (wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)) is not None:
        raise SystemExit(f"the bill is none by CycloneDX's schema: {wrong}")
    target.write_text(text + "\n", encoding="utf-8")
    print(f"{len(bill['components'])} components -> {target}")


if __name__ == "__main__":
    main()

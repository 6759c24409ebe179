"""What is in a wheel and in a source distribution: what must be there is, and neither holds tests or data.

python .ci/contents.py WHEEL SOURCE
"""

from __future__ import annotations

import sys
import tarfile
import zipfile

VIEWER = ["index.html", "vendor/niivue.js", "vendor/swagger-ui-bundle.js", "vendor/LICENCES.txt"]
# Kinds of files that are code, text, or the viewer's own.
KINDS = {"py", "typed", "html", "css", "js", "svg", "txt", "md", "json", "toml", "mjs", "ico", "webmanifest", ""}


def wrong_in(names: list[str], within: tuple[str, ...], needed: list[str]) -> list[str]:
    """What is missing, beyond the folders that it should have, or of a kind that it should not hold."""
    found = [f"lacks {name}" for name in needed if name not in names]
    for name in names:
        last = name.rsplit("/", 1)[-1]
        kind = last.rsplit(".", 1)[-1].lower() if "." in last.lstrip(".") else ""
        if not name.startswith(within) or "test" in name.split("/")[:-1] or "tests" in name.split("/"):
            found.append(f"holds {name}")
        elif kind not in KINDS and not last.startswith("."):
            found.append(f"holds {name}, of a kind that is neither code nor text")
    return found


def main() -> int:
    """Say what is wrong; 1 where something is."""
    wheel, source = sys.argv[1:]
    with zipfile.ZipFile(wheel) as archive:
        names = [one for one in archive.namelist() if not one.endswith("/")]
    version = wheel.rsplit("/", 1)[-1].split("-")[1]
    needed = [f"maskwright/serving/static/{name}" for name in VIEWER] + ["maskwright/py.typed"]
    wrong = [f"the wheel {one}" for one in wrong_in(names, ("maskwright/", f"maskwright-{version}.dist-info/"), needed)]
    print(f"wheel: {len(names)} files, {sum(one.file_size for one in zipfile.ZipFile(wheel).infolist()) / 1e6:.1f} MB")
    with tarfile.open(source) as packed:
        inner = [one.name.split("/", 1)[1] for one in packed.getmembers() if one.isfile()]
    plain = ("src/maskwright/", "viewer/", "hatch_build.py", "README.md", "LICENSE", "CHANGELOG.md", "PKG-INFO",
             "pyproject.toml", ".gitignore")  # fmt: skip
    wrong += [f"the source {one}" for one in wrong_in(inner, plain, ["pyproject.toml", "viewer/package-lock.json"])]
    print(f"source: {len(inner)} files")
    print("\n".join(wrong))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())

"""Our own format: TOML, read strictly and written with only what differs from the defaults, or with everything."""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from typing import Any, get_origin

import tomli_w
from pydantic import ValidationError

from maskwright.config.paths import fields, subsection
from maskwright.config.schema import Configuration, Section
from maskwright.errors import MaskwrightError, choices
from maskwright.typed import shown
from maskwright.untrusted.text import parse_toml

_PROMISE, _END = "The last line says that nothing is missing.", "# nothing is missing"


def read_toml(text: str, path: Path, overrides: dict[str, Any]) -> Configuration:
    """Read and check a TOML configuration; `overrides` are values by our `section.key`.

    Raises:
        MaskwrightError: no TOML, an unknown key (with the nearest valid one), or a value that is not accepted.
    """
    if f"# {_PROMISE}" in text and _END not in text.splitlines():
        raise MaskwrightError("is cut short: its last line is missing", where=path, fix="Copy it again.")
    tree = parse_toml(text, path)
    for name, value in overrides.items():
        *parents, leaf = name.split(".")
        node = tree
        for parent in parents:
            if not isinstance(node.setdefault(parent, {}), dict):
                return validate(tree, path)  # which says that it is no section
            node = node[parent]
        node[leaf] = value
    return validate(tree, path)


def validate(tree: dict[str, Any], path: Path | str) -> Configuration:
    """Make a `Configuration` of a tree of values, or say which key is wrong and what it accepts.

    Raises:
        MaskwrightError: with every problem of the tree, a line each.
    """
    try:
        return Configuration.model_validate(tree)
    except ValidationError as error:
        lines = [_explain(item) for item in error.errors()]
        raise MaskwrightError(
            "\n  ".join([_count(len(lines)), *lines]),
            where=path,
            fix="docs/reference/configuration.md lists every key.",
        ) from None


def _count(number: int) -> str:
    return "one key is not accepted" if number == 1 else f"{number} keys are not accepted"


def _explain(item: Any) -> str:
    loc = [str(part) for part in item["loc"]]
    if item["type"] == "extra_forbidden":
        return f"[{'.'.join(loc[:-1]) or 'top'}] {loc[-1]}: is no key. {choices(loc[-1], names(loc[:-1]))}"
    place = f"[{'.'.join(loc[:-1])}] {loc[-1]}" if len(loc) > 1 else loc[0]
    message = item["msg"].removeprefix("Value error, ")
    try:
        return f"{place}: {message}; read {shown(item['input'], 500)}"
    except ValueError:  # Python writes no number of more than 4300 digits
        return f"{place}: {message}"


def names(sections: list[str]) -> list[str]:
    """The keys and sub-sections that are valid in a section."""
    kind: type[Section] = Configuration
    for name in sections:
        field = kind.model_fields.get(name)
        inner = subsection(field) if field else None
        if inner is None:
            return []
        kind = inner
    return list(kind.model_fields)


def write_toml(config: Configuration, *, everything: bool = False, comments: list[str] | None = None) -> str:
    """The configuration as TOML text that reads back to an equal one; `comments` go on top.

    With everything in it, its first line promises a last one: a file that was cut between two lines would else be a
    sound one, with defaults for what is missing.
    """
    comments = [*(comments or []), *([_PROMISE, ""] if everything else [])]
    tree = config.model_dump(exclude_none=True, exclude_defaults=not everything)
    head = "".join(f"# {line}\n" if line else "#\n" for line in comments)
    return head + dumps(_plain(tree)) + (f"\n{_END}\n" if everything else "")


def dumps(tree: dict[str, Any]) -> str:
    """TOML text with short lists on one line, as people write them."""
    text = tomli_w.dumps(tree)
    joined = re.sub(
        r"\[\n(?: +[^\[\]\n]*,\n)+ *\]", lambda m: "[" + " ".join(m[0][1:-1].split()).rstrip(",") + "]", text
    )
    return re.sub(
        r"\[\n(?: +\[[^\[\]\n]*\],\n)+ *\]", lambda m: "[" + " ".join(m[0][1:-1].split()).rstrip(",") + "]", joined
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items() if not (isinstance(inner, dict) and not inner)}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value.as_posix() if isinstance(value, PurePath) else value


ALL_KEYS = [path for path, _ in fields(Configuration)]
TABLE_KEYS = {path for path, field in fields(Configuration) if get_origin(field.annotation) is dict}  # hold names

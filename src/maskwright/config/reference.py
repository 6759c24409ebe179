"""The reference system's dialect: what its keys mean in our schema, and what it did without saying so.

Most keys are found through the `reference=` that each key of the schema carries; what needs more than a new name
is in `dialect.py`. Nothing is dropped in silence: each unread key, failed value and mended mistake is a `Problem`.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from maskwright.config import dialect
from maskwright.config.ini import Entry, Problem, literal, parse
from maskwright.config.paths import fields
from maskwright.config.schema import Configuration

# `section.key` of the reference -> the same of our schema, and which keys may only be left out at a price.
KEYS: dict[str, str] = {
    str(field.json_schema_extra["reference"]): path
    for path, field in fields(Configuration)
    if isinstance(field.json_schema_extra, dict) and "reference" in field.json_schema_extra
}
KNOWN = [*KEYS, *dialect.ALIASES, *dialect.NO_EFFECT, *dialect.HANDLED]


def read_reference(text: str, overrides: dict[str, str]) -> tuple[Configuration, list[Problem]]:
    """Read a `train_eval_infer.config`; `overrides` are texts by the reference's own `section.key`.

    Never fails on what the file says: a value that cannot be read becomes the default, and a `Problem` says so.
    """
    entries, problems = parse(text)
    for name, value in overrides.items():
        section, key = name.split(".", 1)
        entries[name] = Entry(section, key, value, line=0)
    values = _values(entries, problems)
    lines = {name: entry.line or None for name, entry in entries.items()}
    known: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for name, value in values.items():
        target = dialect.ALIASES.get(name, name)
        if target in KEYS:
            if target in known and name in dialect.ALIASES:
                continue
            known[target] = value
            origin[target] = name
        elif name not in dialect.HANDLED and not _generator_key(name, values):
            problems.append(_unread(name, lines[name]))
    finding = dialect.Finding(values, lines, problems, generation=dialect.generation(entries))
    settled = dialect.interpret(known, finding)
    config = _validate({KEYS.get(name, name): value for name, value in settled.items()}, origin, lines, problems)
    problems.sort(key=lambda problem: problem.line or 0)
    return config, problems


def _values(entries: dict[str, Entry], problems: list[Problem]) -> dict[str, Any]:
    values = {}
    for name, entry in entries.items():
        try:
            values[name] = literal(entry.text) if entry.line else _lenient(entry.text)
        except ValueError as error:
            if name in KNOWN:
                problems.append(
                    Problem(
                        entry.line,
                        f"[{entry.section}] {entry.key}",
                        f"{entry.text!r} {error}; the default is taken, as the reference does in silence",
                    )
                )
            else:
                problems.append(_unread(name, entry.line))
    return values


def _lenient(text: str) -> Any:
    # What is typed on a command line needs no quotes.
    try:
        return literal(text)
    except ValueError:
        return {"true": True, "false": False, "none": None}.get(text.lower(), text)


def _generator_key(name: str, values: dict[str, Any]) -> bool:
    # The data-set generator's file shares [generator] with training; there `augmentation` does nothing.
    return name == "generator.augmentation" and "generator.dcms_dir" in values


def _unread(name: str, line: int | None) -> Problem:
    section, key = name.split(".", 1)
    place = f"[{section}] {key}"
    if name in dialect.NO_EFFECT:
        return Problem(line, place, dialect.NO_EFFECT[name])
    near = get_close_matches(name, KNOWN, n=1, cutoff=0.8) or [k for k in KNOWN if k.split(".", 1)[1] == key][:1]
    hint = "; did you mean [{}] {}?".format(*near[0].split(".", 1)) if near else ""
    return Problem(line, place, f"is read by nobody, neither there nor here{hint}")


def _validate(
    settings: dict[str, Any], origin: dict[str, str], lines: dict[str, int | None], problems: list[Problem]
) -> Configuration:
    """Validate, replacing each refused value by its default with a problem that names its line."""
    named = {path: origin.get(name, name) for name, path in KEYS.items()}
    while True:
        try:
            return Configuration.model_validate(nest(settings))
        except ValidationError as error:
            refused = {_path(item["loc"], settings): item for item in error.errors()}
            for path, item in refused.items():
                value = settings.pop(path)
                name = named[path]
                message = item["msg"].removeprefix("Value error, ")
                problems.append(
                    Problem(
                        lines.get(name),
                        "[{}] {}".format(*name.split(".", 1)),
                        f"{value!r} is refused ({message}); the default is taken",
                    )
                )


def _path(loc: tuple[int | str, ...], settings: dict[str, Any]) -> str:
    for length in range(len(loc), 0, -1):
        path = ".".join(map(str, loc[:length]))
        if path in settings:
            return path
    raise AssertionError(f"an error outside the settings: {loc}")


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    """`{"a.b": 1}` -> `{"a": {"b": 1}}`."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, leaf = path.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    return tree

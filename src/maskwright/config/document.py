"""What is generated from the schema: the reference page and the JSON Schema that editors complete and check with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from maskwright.config.paths import subsection
from maskwright.config.reference import nest
from maskwright.config.schema import Configuration, Section
from maskwright.config.toml import dumps

_HEAD = """# Configuration

<!-- Made by `maskwright config schema --markdown`; edit src/maskwright/config/schema/, not this page. -->

One TOML file says everything. Each key below has a default, so a file names only what differs. Unknown keys are
errors. Paths are relative to the file. Any key can be set on the command line: `--set train.epochs=10`.

A file in the format of the reference system (`train_eval_infer.config`) is read as well; the column *reference* names
the key there. `maskwright config convert` rewrites it as TOML.

An editor completes and checks the file with the schema that `maskwright config schema` prints (in VS Code with *Even
Better TOML*: put `#:schema maskwright.schema.json` on the first line).
"""


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the TOML file."""
    schema = Configuration.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Maskwright configuration"}


def markdown() -> str:
    """`docs/reference/configuration.md`: every key with meaning, type, unit, default and an example."""
    parts = [_HEAD]
    for path, kind, doc in _sections(Configuration, ""):
        parts.append(f"\n## [{path}]\n\n{doc}\n")
        for name, field in kind.model_fields.items():
            if subsection(field) is None:
                parts.append(_entry(path, name, field))
    return "".join(parts)


def _sections(kind: type[Section], prefix: str) -> Iterator[tuple[str, type[Section], str]]:
    for name, field in kind.model_fields.items():
        if inner := subsection(field):
            yield f"{prefix}{name}", inner, field.description or ""
            yield from _sections(inner, f"{prefix}{name}.")


def _entry(section: str, name: str, field: FieldInfo) -> str:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    facts = [f"{_type(field.annotation)}{_limits(field)}"]
    if unit := extra.get("unit"):
        facts.append(f"unit: {unit}")
    facts.append(f"default: {_shown(field.default)}")
    if reference := extra.get("reference"):
        facts.append("reference: `[{}] {}`".format(*str(reference).split(".", 1)))
    example = extra.get("example", field.default)
    block = dumps(nest({f"{section}.{name}": example.as_posix() if isinstance(example, PurePath) else example}))
    return f"\n### {section}.{name}\n\n{field.description}\n\n*{' · '.join(facts)}*\n\n```toml\n{block}```\n"


def _shown(value: Any) -> str:
    if value is None or value is PydanticUndefined:
        return "none"
    value = value.as_posix() if isinstance(value, PurePath) else value
    return "`" + dumps({"v": value}).partition("=")[2].strip() + "`" if value != {} else "none"


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f'`"{value}"`' for value in arguments)
    if origin in (list, tuple):
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return "table"
    if annotation is PurePath or (isinstance(annotation, type) and issubclass(annotation, PurePath)):
        return "path"
    if arguments:
        if hasattr(annotation, "__metadata__"):
            return _type(arguments[0])
        return " or ".join(dict.fromkeys(_type(part) for part in arguments if part is not type(None)))
    return {int: "integer", float: "number", str: "text", bool: "true or false"}.get(annotation, str(annotation))


def _limits(field: FieldInfo) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    found = [
        f"{sign} {value:g}"
        for item in field.metadata
        for name, sign in signs.items()
        if (value := getattr(item, name, None)) is not None
    ]
    return f", {' and '.join(found)}" if found else ""

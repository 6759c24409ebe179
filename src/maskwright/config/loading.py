"""From a file and `--set` to a checked configuration with absolute paths."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maskwright.config import dialect
from maskwright.config.completing import completed
from maskwright.config.ini import Problem
from maskwright.config.paths import PATH_KEYS, absolute
from maskwright.config.reference import KEYS, KNOWN, read_reference
from maskwright.config.schema import Configuration
from maskwright.config.toml import ALL_KEYS, TABLE_KEYS, read_toml, validate
from maskwright.errors import MaskwrightError, choices
from maskwright.storage import is_read_only
from maskwright.untrusted.text import parse_literal, parse_toml, read_text


@dataclass(frozen=True)
class Loaded:
    """A configuration, where it came from, and what its file said that it should not."""

    config: Configuration
    path: Path
    dialect: str  # "toml" or "reference"
    run_dir: Path  # the run folder that belongs to it
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what the data set said of itself


def load(path: Path | str, overrides: list[str] | None = None, *, run_dir: Path | str | None = None) -> Loaded:
    """Read a TOML file or the reference's INI, apply `section.key=value` overrides and make paths absolute.

    What the file names is relative to the file; what an override names is relative to the working directory. The run
    folder is `run_dir`, or `runs/<name of the file>` beside the file (in the working directory where the file's folder
    is read-only). Relative output folders lie beside the file too, or in the run folder where that is read-only. What
    nobody set and `dataset.json` beside the images says is taken from it.

    Raises:
        MaskwrightError: no such file, a bad override, (TOML) an unknown key or a bad value, or a damaged
            `dataset.json` beside the images.
    """
    path = Path(path)
    text = _read(path)
    folder = path.resolve().parent
    sealed = is_read_only(folder)
    run = Path(run_dir).absolute() if run_dir else (Path.cwd() if sealed else folder) / "runs" / path.stem
    outputs = run if sealed else folder
    pairs = dict(_split(item) for item in overrides or [])
    if is_reference(path, text):
        theirs, ours = _sort_overrides(pairs)
        config, problems = read_reference(text, theirs)
        if ours:
            config = _apply(config, ours)
        config, notes = completed(absolute(config, folder, outputs))
        return Loaded(config, path, "reference", run, problems, notes)
    config = read_toml(text, path, {_ours(name): _value(_ours(name), text) for name, text in pairs.items()})
    config, notes = completed(absolute(config, folder, outputs))
    return Loaded(config, path, "toml", run, notes=notes)


def is_reference(path: Path, text: str) -> bool:
    """Whether a configuration is in the reference's format: by its name, else by what a comment starts with."""
    if path.suffix.lower() in {".config", ".ini", ".cfg", ".conf"}:
        return True
    return path.suffix.lower() != ".toml" and any(line.lstrip().startswith(";") for line in text.splitlines())


def _read(path: Path) -> str:
    if path.is_dir():
        raise MaskwrightError(
            "is a folder, not a configuration file", where=path, fix="Name the .toml or .config file in it."
        )
    return read_text(
        path,
        fix="Check the path; `examples/` has files to start from.",
        absent="there is no such configuration file",
    )


def _split(item: str) -> tuple[str, str]:
    name, sign, value = item.partition("=")
    name = name.strip()
    if not sign or "." not in name:
        raise MaskwrightError(
            f"is not of the form section.key=value: {item!r}", where="--set", fix="For example: --set train.epochs=10"
        )
    return name, value.strip()


def _sort_overrides(pairs: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Overrides of the reference's own keys, and those of ours, which it lacks."""
    theirs, ours = {}, {}
    for name, text in pairs.items():
        section, key = name.rsplit(".", 1)
        lowered = f"{section}.{key.lower()}"
        if lowered in KNOWN:
            target = KEYS.get(dialect.ALIASES.get(lowered, lowered))
            theirs[lowered] = str(Path(text).expanduser().absolute()) if target in PATH_KEYS and text else text
        elif _is_ours(name):
            ours[name] = text
        else:
            raise MaskwrightError(f"there is no key {name}", where="--set", fix=choices(name, [*KNOWN, *ALL_KEYS]))
    return theirs, ours


def _is_ours(name: str) -> bool:
    """Whether it is a key of ours, or a name in a key that holds names (`prepare.structures.pancreas`)."""
    return name in ALL_KEYS or name.rpartition(".")[0] in TABLE_KEYS


def _apply(config: Configuration, ours: dict[str, str]) -> Configuration:
    tree = config.model_dump(exclude_unset=True)  # so that what nobody set is still known as such
    for name, text in ours.items():
        *parents, leaf = name.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = _value(name, text)
    return validate(tree, "--set")


def _ours(name: str) -> str:
    """Our name of a key that may be written by the reference's name."""
    if _is_ours(name):
        return name
    theirs = dialect.ALIASES.get(name, name)
    if theirs in KEYS:
        return KEYS[theirs]
    raise MaskwrightError(f"there is no key {name}", where="--set", fix=choices(name, ALL_KEYS))


def _value(name: str, text: str) -> Any:
    """What a value on the command line means: a Python or TOML literal, else text; paths from the working directory."""
    if name in PATH_KEYS:
        return Path(text.strip("\"'")).expanduser().absolute() if text else None
    try:
        return parse_literal(text)
    except (ValueError, SyntaxError):
        pass
    try:
        return parse_toml(f"value = {text}", "--set")["value"]
    except MaskwrightError:
        return {"true": True, "false": False, "none": None}.get(text.lower(), text)


def from_overrides(overrides: list[str], base: dict[str, Any] | None = None) -> Configuration:
    """The default configuration, `base` and `section.key=value` overrides, for a model without a configuration file."""
    pairs = dict(_split(item) for item in overrides)
    return _apply(validate(base or {}, "the model"), {_ours(name): text for name, text in pairs.items()})

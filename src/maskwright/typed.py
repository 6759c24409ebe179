"""Whether the fields of a dataclass hold what their annotations say, for values that came out of a file."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Check = Callable[[Any], bool]


def wrong_field(value: Any) -> str | None:
    """The first field of a dataclass (or of one within it) that holds something else than it says, in words.

    Whole numbers are no booleans, floats are finite, and a whole number is a float too.
    """
    kind: Any = type(value)
    for name, check in _checks(kind):
        inner = getattr(value, name)
        if is_dataclass(inner):
            if found := wrong_field(inner):
                return found
        elif not check(inner):
            return f"{name} is {shown(inner)}"
    return None


def shown(value: Any, most: int = 60) -> str:
    """A value as it is written, not longer than a line."""
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}…"


@cache
def _checks(kind: type) -> list[tuple[str, Check]]:
    hints = get_type_hints(kind)
    return [(field.name, _check(hints[field.name])) for field in fields(kind)]


def _check(hint: Any) -> Check:
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return lambda value: True
    if hint in (None, type(None)):
        return lambda value: value is None
    if hint is float:
        return lambda value: type(value) in (int, float) and math.isfinite(value)
    if origin is Literal:
        return lambda value: value in inner and type(value) in {type(one) for one in inner}
    if origin in (Union, types.UnionType):
        several = [_check(one) for one in inner]
        return lambda value: any(check(value) for check in several)
    if origin is tuple:
        return _tuple(inner)
    if origin is list:
        (each,) = map(_check, inner)
        return lambda value: type(value) is list and all(map(each, value))
    if origin is dict:
        key, item = map(_check, inner)
        return lambda value: type(value) is dict and all(map(key, value)) and all(map(item, value.values()))
    if hint in (int, str, bool):
        return lambda value: type(value) is hint
    return lambda value: isinstance(value, hint) and (not is_dataclass(value) or wrong_field(value) is None)


def _tuple(inner: tuple[Any, ...]) -> Check:
    checks = [_check(one) for one in inner if one is not Ellipsis]
    if inner[-1:] == (Ellipsis,):
        return lambda value: type(value) is tuple and all(map(checks[0], value))
    return lambda value: (
        type(value) is tuple
        and len(value) == len(checks)
        and all(check(one) for check, one in zip(checks, value, strict=True))
    )


NUMBER = (int, float, None)  # undefined ones are null


def unlike(value: Any, like: Any, name: str = "") -> str | None:
    """The first place where a value out of a JSON file is not like a pattern, in words.

    Args:
        like: a type; several in a tuple, None among them; `[pattern]` for a list; `{str: pattern}` for a dict of any
            keys; else a dict of the keys that there must be, those after a `?` only may. Others may be there too.
    """
    if isinstance(like, tuple):
        several = [unlike(value, one, name) for one in like]
        return None if None in several else several[0]
    if like is None or isinstance(like, type):
        kinds: tuple[Any, ...] = (int, float) if like is float else (like or type(None),)
        return None if type(value) in kinds else f"{name or 'it'} is {shown(value)}"
    if isinstance(like, list):
        if not isinstance(value, list):
            return f"{name or 'it'} is {shown(value)}, no list"
        return next(filter(None, (unlike(one, like[0], f"{name}[{i}]") for i, one in enumerate(value))), None)
    if not isinstance(value, dict):
        return f"{name or 'it'} is {shown(value)}, and not keys with values"
    for key, pattern in like.items():
        must = key is not str and not key.startswith("?")
        keys = list(value) if key is str else [key.removeprefix("?")]
        if must and key not in value:
            return f"{name or 'it'} has no {key}"
        for one in keys:
            if one in value and (found := unlike(value[one], pattern, f"{name}.{one}" if name else one)):
                return found
    return None

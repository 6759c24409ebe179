"""Values out of files against what their fields and patterns say."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from maskwright.typed import NUMBER, unlike, wrong_field


@dataclass(frozen=True)
class Inner:
    size: int = 1


@dataclass(frozen=True)
class Sample:
    count: int = 1
    share: float = 0.5
    name: str = "a"
    on: bool = False
    kind: Literal["x", "y"] = "x"
    fold: int | None = None
    edges: tuple[int, ...] = (1, 2)
    pair: tuple[int, str] = (1, "a")
    names: list[str] = field(default_factory=lambda: ["a"])
    facts: dict[str, Any] = field(default_factory=dict)
    path: Path = Path("a")
    inner: Inner = Inner()
    inners: tuple[Inner, ...] = (Inner(),)


GOOD = [("share", 1), ("fold", 3), ("edges", ()), ("kind", "y"), ("names", [])]
BAD = [
    ("count", "1"), ("count", 1.0), ("count", True), ("share", float("nan")), ("share", float("inf")), ("share", "a"),
    ("name", None), ("on", 1), ("kind", "z"), ("kind", ["x"]), ("fold", "1"), ("edges", (1, "2")), ("edges", [1, 2]),
    ("pair", (1,)), ("pair", ("a", 1)), ("names", [1]), ("names", "a"), ("facts", {1: 2}), ("path", "a"),
    ("inners", (Inner("1"),)),
]  # fmt: skip


def test_fields_that_hold_what_they_say():
    assert wrong_field(Sample()) is None
    for name, value in GOOD:
        assert wrong_field(replace(Sample(), **{name: value})) is None


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_field_that_holds_something_else_is_named(name, value):
    assert wrong_field(replace(Sample(), **{name: value})).startswith(f"{name} is ")


def test_a_field_within_another_is_named():
    assert wrong_field(Sample(inner=Inner("9" * 99))) == f"size is '{'9' * 59}…"


LIKE = {"n": int, "?maybe": (float, None), "list": [{"a": str}], "any": {str: NUMBER}}
FITS = {"n": 1, "list": [{"a": "x", "more": 1}], "any": {"p": None, "q": 1.5, "r": 2}, "other": []}


def test_what_is_like_its_pattern():
    assert unlike(FITS, LIKE) is None
    assert unlike(FITS | {"maybe": None}, LIKE) is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"n": "1"}, "n is '1'"), ({"n": True}, "n is True"), ({"n": 1.0}, "n is 1.0"), ({"maybe": "x"}, "maybe is 'x'"),
        ({"list": {}}, "list is {}, no list"), ({"list": [{"a": 1}]}, "list[0].a is 1"),
        ({"list": [{}]}, "list[0] has no a"), ({"any": {"p": []}}, "any.p is []"), ({"any": 3}, "any is 3, and not"),
    ],
)  # fmt: skip
def test_the_first_place_that_is_not_is_named(change, told):
    assert unlike(FITS | change, LIKE).startswith(told)


def test_a_key_that_must_be_there():
    assert unlike({}, LIKE) == "it has no n" and unlike([], LIKE).startswith("it is []")

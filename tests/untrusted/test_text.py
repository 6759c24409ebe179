import json

import pytest

from maskwright.errors import MaskwrightError
from maskwright.untrusted.text import parse_json, parse_literal, parse_toml, read_json, read_text

BROKEN = {
    "empty": b"", "cut": b'{"a": [1', "bytes": b"\xff\xfe{}", "zeros": b'{"a": "\0"}', "a zero": rb'{"a": "\u0000"}',
    "half a letter": rb'{"a": "\ud800"}', "deep": b"[" * 100_000, "deep and whole": b"[" * 900 + b"]" * 900,
    "endless": b'{"a": ' + b"9" * 5000 + b"}", "large": b'{"a": 99999999999999999999}', "a list": b"[]",
    "a number": b"1e999",
}  # fmt: skip


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_is_no_json_of_ours_is_refused_by_its_name(tmp_path, data):
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(MaskwrightError, match=r"a\.json: is no"):
        read_json(tmp_path / "a.json")


def test_json_that_is_right():
    value = {"a": [1, -2.5, None, True, "ü"], "b": {"c": float("inf")}}
    assert parse_json(json.dumps(value), "x") == value
    assert parse_json(b"\xef\xbb\xbf[3]", "x", list) == [3]
    assert parse_json("[" * 30 + "]" * 30, "x", None) and parse_json("9223372036854775807", "x", None) == 2**63 - 1


def test_what_it_must_hold_is_named():
    with pytest.raises(MaskwrightError, match=r"x: is no JSON file, or a damaged one: a is '1'"):
        parse_json('{"a": "1"}', "x", like={"a": int})


def test_a_file_is_read_up_to_its_limit_only(tmp_path):
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(1 << 40)  # a terabyte of nothing
    with pytest.raises(MaskwrightError, match=r"a\.json: has, or claims, 1024 GiB; at most 64 MiB are read"):
        read_json(tmp_path / "a.json")
    (tmp_path / "b.txt").write_text("four")
    assert read_text(tmp_path / "b.txt", 4) == "four"
    with pytest.raises(MaskwrightError, match="at most 3 bytes"):
        read_text(tmp_path / "b.txt", 3)


def test_what_is_no_file(tmp_path):
    with pytest.raises(MaskwrightError, match=r"gone: there is no such list"):
        read_json(tmp_path / "gone", absent="there is no such list")
    with pytest.raises(MaskwrightError, match="cannot be read"):
        read_json(tmp_path)


TOML = {
    "deep": "a = " + "[" * 100_000, "endless": "a = " + "9" * 5000, "large": "a = 99999999999999999999",
    "a hex": f"a = 0x{'f' * 5000}", "dots": "a" + ".a" * 100_000 + " = 1", "dots in a section": f"[{'a.' * 99999}a]",
    "quoted dots": '"a".' * 9999 + "a = 1", "a zero": r'a = "\u0000"', "long": "#" * (2 << 20), "no toml": "a = = 1",
    "deep tables": "a = " + "{b = " * 50 + "1" + "}" * 50,
}  # fmt: skip


@pytest.mark.parametrize("text", TOML.values(), ids=TOML)
def test_what_is_no_toml_of_ours_is_refused_by_its_name(text):
    with pytest.raises(MaskwrightError, match=r"^here: (is no valid TOML|has, or claims)"):
        parse_toml(text, "here")


def test_toml_that_is_right():
    points = "1.2." * 40
    assert parse_toml(f'a.b = 1\n[c]\nd = "{points}"\ne = ["{points}"]', "x") == {
        "a": {"b": 1}, "c": {"d": points, "e": [points]}
    }  # fmt: skip


LITERALS = ["[" * 100_000, "-" * 100_000 + "1", "9" * 5000, "(" * 300 + ")" * 300, "__import__('os')", "1 if 1 else 2",
            "{[]: 1}", "\0", "a" * (2 << 20), "~" * 5000 + "1"]  # fmt: skip


@pytest.mark.parametrize("text", LITERALS, ids=range(len(LITERALS)))
def test_what_is_no_literal(text):
    with pytest.raises((ValueError, SyntaxError)):
        parse_literal(text)

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.config.ini import literal, parse


def test_sections_keys_and_lines():
    entries, problems = parse("; c\n[test] \nImage_Path : 'a=b'\n# no\n  ; no\n[infer]\nx=3 # note\n")
    assert problems == []
    assert entries["test.image_path"].text == "'a=b'"
    assert (entries["test.image_path"].line, entries["infer.x"].line) == (3, 7)
    assert literal(entries["infer.x"].text) == 3


def test_values_continue_on_indented_lines():
    entries, _ = parse("[a]\nangles = [1,\n    2,\n  3]\nb = 1")
    assert literal(entries["a.angles"].text) == [1, 2, 3]
    assert literal(entries["a.b"].text) == 1


def test_of_doubled_keys_the_last_wins_and_is_told():
    entries, problems = parse("[a]\nx = 1\ny = 2\n[b]\n[a]\nx = 3\n")
    assert literal(entries["a.x"].text) == 3
    assert [problem.line for problem in problems] == [6]
    assert "line 2" in problems[0].message


def test_lines_that_say_nothing_are_told():
    _, problems = parse("loose = 1\n[a]\nno sign here\n")
    assert [problem.line for problem in problems] == [1, 3]


@pytest.mark.parametrize("text", ["[90. 180, 270,]", "3 ; note", "dice_loss", "__import__('os').getcwd()", "", "(1,"])
def test_what_is_no_literal_is_refused_and_never_run(text):
    with pytest.raises(ValueError, match="no Python literal"):
        literal(text)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
                    lambda inner: st.lists(inner, max_size=4), max_leaves=8))  # fmt: skip
def test_every_literal_reads_back(value):
    assert literal(repr(value)) == ast.literal_eval(repr(value)) == value


@given(st.text(max_size=300))
def test_no_text_whatever_breaks_the_reader(text):
    entries, _ = parse(text)
    for entry in entries.values():
        try:
            literal(entry.text)
        except ValueError:
            pass

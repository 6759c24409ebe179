import base64
import os
import re

import pytest

from maskwright import progress
from maskwright.progress import Reporter, duration


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (75, "1:15"), (3661, "1:01:01")])
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_lines_where_nobody_watches(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_PLAIN_EVERY", -1)
    with Reporter().task("reading", 4, "pairs") as advance:
        for _ in range(4):
            advance(note="[fine]")
    out, err = capsys.readouterr()
    assert out == "" and "reading: 2/4 pairs" in err and "[fine]" in err


def test_quiet_keeps_warnings_only(capsys):
    reporter = Reporter(quiet=True)
    reporter.say("hello")
    reporter.warn("beware [of] brackets")
    with reporter.task("x", 3) as advance:
        advance()
    out, err = capsys.readouterr()
    assert out == "" and "hello" not in err and "warning: beware [of] brackets" in err


def test_a_warning_is_one_line_and_appears_once(capsys):
    reporter = Reporter()
    for _ in range(2):
        reporter.warn("a file is odd\n  Mend it.")
    for line in ("cache", "cache", "data", "cache"):
        reporter.say(line)
    err = capsys.readouterr().err
    assert err.splitlines() == ["warning: a file is odd Mend it.", "cache", "data", "cache"]


@pytest.mark.skipif(os.name != "posix", reason="a terminal of POSIX")
@pytest.mark.parametrize(("columns", "environment"), [(30, {}), (120, {"NO_COLOR": "1"}), (30, {"TERM": "dumb"})])
def test_narrow_and_colourless_terminals(columns, environment, tmp_path):
    """Nothing is cut off, nothing is coloured where nobody wants it, and the bar is gone in the end."""
    import pty
    import subprocess
    import sys

    code = """
import time
from maskwright.progress import Reporter
reporter = Reporter()
reporter.warn("the 17 pictures of patient seven lie in two folders, and only one of them is read")
with reporter.task("reading", 3, "pairs") as advance:
    for _ in range(3):
        advance(); time.sleep(0.01)
reporter.say("done")
"""
    ours, theirs = pty.openpty()
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stderr=theirs,
        env={**plain, "TERM": "xterm", "COLUMNS": str(columns), **environment},
    )
    os.close(theirs)
    seen = b""
    try:
        while piece := os.read(ours, 4096):
            seen += piece
    except OSError:  # the end of a terminal
        pass
    os.close(ours)
    assert process.wait() == 0
    text = seen.decode()
    assert "only one of them is read" in " ".join(text.split()) and "done" in text
    coloured = re.search(r"\x1b\[[0-9;]*3\d", text)
    assert bool(coloured) is (not environment)


class Notebook:
    """What IPython gives a process in a notebook: its display module, and what was shown through it."""

    def __init__(self):
        self.shown = []

    def HTML(self, text):
        return text

    def display(self, page, display_id):
        self.shown.append(page)
        return self

    def update(self, page):
        self.shown[-1] = page


def test_pictures_are_shown_in_a_notebook_in_the_place_of_the_last(monkeypatch, tmp_path):
    (tmp_path / "a.png").write_bytes(b"one")
    book = Notebook()
    Reporter().pictures([tmp_path / "a.png"])
    monkeypatch.setattr("maskwright.progress.notebook", lambda: book)
    reporter = Reporter()
    Reporter(quiet=True).pictures([tmp_path / "a.png"])
    assert book.shown == []
    for data in (b"one", b"two"):
        (tmp_path / "a.png").write_bytes(data)
        reporter.pictures([tmp_path / "a.png", tmp_path / "missing.png"])
    (page,) = book.shown
    assert page.count("<img") == 1 and base64.b64encode(b"two").decode() in page

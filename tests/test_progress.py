import base64

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

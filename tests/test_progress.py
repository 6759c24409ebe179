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

"""SIGTERM and SIGKILL: no worker and no temporary file is left, and handlers of others are left alone."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from processes import alive, family, wait_until

from maskwright import cli
from maskwright.cli import main
from maskwright.ending import ENDED, Ended, ended_by_exception, finishing, worker_pool
from maskwright.storage import atomic

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and ps of POSIX")
PROGRAM = Path(__file__).parent / "support" / "slow_work.py"


def started(folder, *more):
    """The program when all of it is at work, and its processes."""
    process = subprocess.Popen([sys.executable, str(PROGRAM), str(folder), *more], stderr=subprocess.PIPE, text=True)
    marks = [folder / "own.begun", folder / "0.txt.begun", folder / "1.txt.begun"]
    assert wait_until(lambda: process.poll() is not None or all(mark.exists() for mark in marks)), "it did not begin"
    assert process.poll() is None, process.stderr.read()
    return process, family(process.pid)


def hidden(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("who", ["the parent", "all of them"])
def test_sigterm_ends_all_and_leaves_nothing(tmp_path, who):
    process, members = started(tmp_path)
    assert len(members) >= 4 and len(hidden(tmp_path)) == 3
    for number in [process.pid] if who == "the parent" else sorted(members):
        with contextlib.suppress(ProcessLookupError):  # gone with the one before
            os.kill(number, signal.SIGTERM)
    assert process.wait(30) == ENDED
    assert wait_until(lambda: not alive(members), 20), alive(members)
    assert hidden(tmp_path) == [] and "Traceback" not in process.stderr.read()


@pytest.mark.parametrize("more", [[], ["ignores SIGTERM"]])
def test_sigkill_of_the_parent_ends_its_workers_and_they_tidy_up(tmp_path, more):
    process, members = started(tmp_path, *more)
    if more:
        os.kill(process.pid, signal.SIGTERM)  # whoever calls us has decided that it does nothing
        assert process.poll() is None
    process.kill()
    process.wait()
    assert wait_until(lambda: not alive(members), 20), alive(members)
    assert all(name.startswith(".own~") for name in hidden(tmp_path)), "only what the killed one was in the midst of"


def test_an_error_ends_the_workers(tmp_path):
    from slow_work import hold

    with pytest.raises(ZeroDivisionError), worker_pool(2) as pool:
        pool.submit(finishing, hold, tmp_path / "a.txt")
        assert wait_until((tmp_path / "a.txt.begun").exists)
        members = family(os.getpid()) - {os.getpid()}
        _ = 1 // 0
    workers = {process.pid for process in (pool._processes or {}).values()}
    assert wait_until(lambda: not alive(workers & members), 20) and hidden(tmp_path) == []


def test_work_is_done_and_its_mistakes_come_back():
    with worker_pool(2) as pool:
        assert [pool.submit(finishing, int, text).result() for text in ("1", "2")] == [1, 2]
        assert pool.submit(finishing, int, "7", base=8).result() == 7
        with pytest.raises(ValueError, match="invalid literal"):
            pool.submit(finishing, int, "x").result()


def test_handlers_are_as_before_and_those_of_others_are_left():
    before = signal.getsignal(signal.SIGTERM)
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with ended_by_exception():
            assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        with pytest.raises(Ended), ended_by_exception():
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait(10)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with ended_by_exception():
            os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
    found = []

    def elsewhere():
        with ended_by_exception():  # signals belong to the main thread
            found.append("passed")

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == ["passed"]


def test_the_command_line_says_so_and_removes_what_was_begun(tmp_path, monkeypatch, capsys):
    def run(arguments, reporter):
        with atomic(tmp_path / "a.txt"):
            assert hidden(tmp_path)
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait(10)

    module = cli._main.load_command("doctor")
    monkeypatch.setattr(module, "run", run)
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        assert main(["doctor"]) == ENDED == 143
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "error: ended by SIGTERM" in capsys.readouterr().err and list(tmp_path.iterdir()) == []

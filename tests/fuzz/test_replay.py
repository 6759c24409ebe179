"""The damaged files that a reader once failed on, and a few others of each: quick, and the same at every run."""

import json
from pathlib import Path

import driver
import pytest
from readers import READERS, SLOW

KNOWN = json.loads((Path(__file__).parent / "seeds.json").read_text(encoding="utf-8"))
FIRST = 15  # files of each reader, from seed 0


@pytest.mark.parametrize("name", [name for name in READERS if name not in SLOW])
def test_damaged_files_that_are_known(name):
    failures, _ = driver.run(name, [*KNOWN.get(name, []), *(f"0:{number}" for number in range(FIRST))])
    assert not failures, failures


def test_what_is_known_is_of_readers_that_are_there():
    assert set(KNOWN) <= set(READERS) and all(":" in one for entries in KNOWN.values() for one in entries)


def test_a_reader_that_fails_is_found(monkeypatch, tmp_path):
    """The driver tells of an exception and of a process that ended, and goes on behind both."""
    worker = tmp_path / "worker.py"
    worker.write_text(
        "import json, os, sys\n"
        "for item in sys.argv[2:]:\n"
        "    print(item, flush=True)\n"
        "    if item == '7:2': print(json.dumps({'index': item, 'error': 'KeyError'}), flush=True)\n"
        "    elif item == '7:4': os._exit(9)\n"
        "    else: print('refused', flush=True)\n"
        "print(json.dumps({'done': 1}))\n"
    )
    monkeypatch.setattr(driver, "HERE", tmp_path)
    failures, refused = driver.run("x", [f"7:{number}" for number in range(6)])
    assert [one["index"] for one in failures] == ["7:2", "7:4"] and refused == 4

"""The documentation: every command and every Python block runs, and every page is reachable and refers to what is there."""

import re
from pathlib import Path

import pages
import pytest

DOCS = Path(__file__).parents[1] / "docs"
RUN = [
    path for part in ("tutorials", "how-to", "reference", "explanation") for path in sorted((DOCS / part).glob("*.md"))
]


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_stands_there_runs(page, tmp_path, monkeypatch):
    if not any(kind in ("sh", "python") for kind, _ in pages.blocks(page)):
        pytest.skip("nothing on this page is run")
    monkeypatch.chdir(tmp_path)
    assert pages.run(page)


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda path: path.relative_to(DOCS).as_posix())
def test_what_a_page_refers_to_is_there(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("index", sorted(DOCS.rglob("index.md")), ids=lambda path: path.parent.name)
def test_every_page_is_in_a_table_of_contents(index):
    listed = {
        (index.parent / f"{line.strip()}.md").resolve()
        for block in re.findall(r"```\{toctree\}(.*?)```", index.read_text(encoding="utf-8"), re.DOTALL)
        for line in block.splitlines()
        if line.strip() and not line.startswith(":")
    }
    there = {path.resolve() for path in index.parent.glob("*.md")} - {index.resolve()}
    assert all(path.exists() for path in listed)
    assert index.parent == DOCS or there <= listed

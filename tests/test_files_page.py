"""`docs/reference/files.md` says what happens."""

from pathlib import Path

import files_page


def test_the_page_of_files_is_what_reading_them_shows():
    page = (Path(__file__).parents[1] / "docs" / "files.md").read_text(encoding="utf-8")
    assert page == files_page.page(), "run `make docs`"

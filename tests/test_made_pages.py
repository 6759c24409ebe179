"""Pages that are made say what happens, and what commands take."""

from pathlib import Path

import commands_page
import files_page

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"


def test_the_page_of_files_is_what_reading_them_shows():
    page = (REFERENCE / "files.md").read_text(encoding="utf-8")
    assert page == files_page.page(), "run `make docs`"


def test_the_page_of_commands_is_what_their_parsers_say():
    page = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    assert page == commands_page.page(), "run `make docs`"

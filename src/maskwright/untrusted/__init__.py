"""Reading files that may be damaged, or lie: the one door for text, JSON, TOML, tables, arrays and archives.

Whatever is wrong with a file ends as a `MaskwrightError` that names it, and nothing is allocated because a file says
so: what it claims is compared with a limit, and with the bytes that are there, first. `tests/test_structure.py` sees to
it that no other module opens such files by itself.
"""

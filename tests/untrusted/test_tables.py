import pytest

from maskwright.errors import MaskwrightError
from maskwright.untrusted.tables import read_numbers, read_table

BROKEN = {
    "empty": (b"", "lacks a"), "another header": (b"x,y\n1,2\n", "lacks a"), "twice": (b"a,a\n1,2\n", "a name twice"),
    "more": (b"a,b\n1,2,3\n", "row 1 has 3 cells"), "fewer": (b"a,b\n1,2\n\n1\n", "row 2 has 1 cells"),
    "bytes": (b"a,b\n\xff,1\n", "UTF-8"), "zeros": (b"a,b\n1,\0\n", "zero"), "one cell": (b"a\n" + b"9" * 200_000, ""),
}  # fmt: skip


@pytest.mark.parametrize(("data", "told"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_table_is_refused_by_its_name(tmp_path, data, told):
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(MaskwrightError, match=rf"a\.csv: is .*{told}"):
        read_table(tmp_path / "a.csv", ("a",))


def test_a_table_and_its_numbers(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,b,c\n1,"x,y",2e3\n,z,inf\n', encoding="utf-8")
    first, second = read_table(path, ("a", "b"))
    assert first == {"a": "1", "b": "x,y", "c": "2e3"}
    assert read_numbers(first, path, but=("b",)) == {"a": 1, "c": 2000}
    assert str(read_numbers(second, path, but=("b",))) == "{'a': nan, 'c': inf}"
    with pytest.raises(MaskwrightError, match=r"a\.csv: is a damaged table: b is 'x,y', no number"):
        read_numbers(first, path)

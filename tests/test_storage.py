import errno
import os
import stat

import pytest

from maskwright.errors import MaskwrightError
from maskwright.storage import atomic, is_read_only, keep_aside, make_folder, write_text


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(KeyboardInterrupt), atomic(path) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise KeyboardInterrupt
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_names_the_file_and_the_way_out(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(MaskwrightError, match=r"a\.txt: cannot be written .*space") as error, atomic(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "--output" in error.value.fix
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")  # noqa: PTH110
def test_a_really_full_device(tmp_path):
    with pytest.raises(MaskwrightError, match="No space left"), atomic(tmp_path / "a.bin") as temporary:
        temporary.unlink()
        temporary.symlink_to("/dev/full")
        temporary.write_bytes(b"x" * 10)


def test_a_file_in_the_way_of_a_folder(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(MaskwrightError, match="cannot be written"):
        write_text(tmp_path / "file" / "inner" / "a.txt", "x")
    with pytest.raises(MaskwrightError, match="cannot be written"):
        make_folder(tmp_path / "file" / "inner")


def test_what_exists_is_kept_under_dated_names(tmp_path):
    folder = tmp_path / "run"
    assert keep_aside(folder) is None
    folder.mkdir()
    assert keep_aside(folder) is None  # nothing in it
    names = set()
    for number in range(3):
        write_text(folder / "a.txt", str(number))
        names.add(keep_aside(folder))
    assert len(names) == 3 and not folder.exists()
    assert sorted((path / "a.txt").read_text(encoding="utf-8") for path in names) == ["0", "1", "2"]


@pytest.mark.skipif(os.name == "nt", reason="folders have no write bit on Windows")
def test_a_folder_without_a_write_bit_is_read_only_even_for_an_administrator(tmp_path):
    folder = tmp_path / "sealed"
    folder.mkdir()
    assert not is_read_only(folder / "inner")
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert is_read_only(folder) and is_read_only(folder / "inner" / "deeper")
    for path in (folder / "a.txt", folder / "inner" / "a.txt"):
        with pytest.raises(MaskwrightError, match="read-only"):
            write_text(path, "x")
    folder.chmod(0o755)

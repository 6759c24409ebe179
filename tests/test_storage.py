import errno
import os
import stat

import pytest

from maskwright.errors import MaskwrightError
from maskwright.storage import (
    atomic,
    give_way,
    is_read_only,
    keep_aside,
    make_folder,
    reading,
    staying,
    write_bytes,
    write_text,
)


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


def test_what_is_read_is_never_written_over_nor_put_aside(tmp_path):
    data = tmp_path / "data"
    images = data / "images"
    images.mkdir(parents=True)
    (images / "a.png").write_bytes(b"mine")
    (tmp_path / "labels.nii").write_bytes(b"mine")
    with reading([images, tmp_path / "labels.nii", None]):
        for path in (images / "a.png", images / "new.png", tmp_path / "labels.nii"):
            with pytest.raises(MaskwrightError, match=r"read here|among the files"):
                write_bytes(path, b"ours")
        for folder in (images, data, tmp_path):
            with pytest.raises(MaskwrightError, match="is, holds or lies in what is being read"):
                keep_aside(folder)
        (images / "results").mkdir()
        write_bytes(images / "results" / "b.png", b"ours")
        with pytest.raises(MaskwrightError, match="is, holds or lies in"):
            keep_aside(images / "results")
        write_bytes(data / "beside.png", b"ours")
    assert (images / "a.png").read_bytes() == (tmp_path / "labels.nii").read_bytes() == b"mine"
    write_bytes(images / "a.png", b"afterwards")


def test_a_file_that_a_user_named_gives_way_under_a_dated_name(tmp_path):
    told = []
    target = give_way(tmp_path / "table.csv", told.append)
    write_bytes(target, b"one")
    assert not told
    write_bytes(give_way(target, told.append), b"two")
    (kept,) = [path for path in tmp_path.iterdir() if path != target]
    assert kept.read_bytes() == b"one" and target.read_bytes() == b"two" and kept.name in told[0]
    with pytest.raises(MaskwrightError, match="is a folder"):
        give_way(tmp_path, told.append)


def test_a_folder_that_stays_is_the_very_one(tmp_path):
    """As where a network folder is taken away: an empty one of its name is there, or none."""
    folder = tmp_path / "run"
    with staying(folder):
        write_text(folder / "sub" / "a.txt", "1")
        folder.rename(tmp_path / "away")
        for _ in range(2):
            with pytest.raises(MaskwrightError, match="is no longer the folder that was written into"):
                write_text(folder / "b.txt", "2")
            folder.mkdir(exist_ok=True)
        assert not any(folder.iterdir())
        write_text(tmp_path / "elsewhere" / "c.txt", "3")
        folder.rmdir()
        (tmp_path / "away").rename(folder)
        write_text(folder / "b.txt", "2")
        keep_aside(folder)  # what we put aside ourselves is another matter
        write_text(folder / "d.txt", "4")
        assert [path.name for path in folder.iterdir()] == ["d.txt"]
    write_text(folder / "e.txt", "5")

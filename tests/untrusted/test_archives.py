import zipfile

import pytest

from maskwright.errors import MaskwrightError
from maskwright.untrusted.archives import open_zip, read_member


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("note", b"note" * 9)
        made.writestr("bomb", bytes(64 << 20))
    return path


def test_a_member_within_its_limit(archive):
    with open_zip(archive) as opened:
        assert read_member(opened, "note", 36, archive) == b"note" * 9
        assert read_member(opened, opened.infolist()[0], 99, archive) == b"note" * 9


def test_a_bomb_is_refused_by_what_it_declares(archive):
    assert archive.stat().st_size < 100_000
    with open_zip(archive) as opened, pytest.raises(MaskwrightError, match=r"a\.zip:bomb: has, or claims, 64 MiB; at"):
        read_member(opened, "bomb", 1 << 20, archive)


def test_a_bomb_that_declares_less_than_it_holds(archive):
    data = bytearray(archive.read_bytes())
    for sign, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):  # the unpacked size in both of its headers
        begin = data.rindex(sign)
        data[begin + place : begin + place + 4] = (100).to_bytes(4, "little")
    archive.write_bytes(data)
    with open_zip(archive) as opened, pytest.raises(MaskwrightError, match=r"a\.zip: is a damaged archive"):
        read_member(opened, "bomb", 1 << 20, archive)


def test_a_flipped_byte_and_a_member_that_is_not_there(archive):
    data = bytearray(archive.read_bytes())
    data[40] ^= 0xFF
    archive.write_bytes(data)
    with open_zip(archive) as opened:
        for name in ("note", "gone"):
            with pytest.raises(MaskwrightError, match=r"a\.zip: is a damaged archive"):
                read_member(opened, name, 99, archive)


def test_what_is_no_archive(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"noise" * 99)
    with pytest.raises(MaskwrightError, match=r"a\.zip: is no archive"), open_zip(tmp_path / "a.zip"):
        pass
    with pytest.raises(MaskwrightError, match=r"there is no such file"), open_zip(tmp_path / "b.zip"):
        pass

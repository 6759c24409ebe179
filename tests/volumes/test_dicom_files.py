"""Series as they lie on discs and in archives: scouts beside them, slices without a preamble, directories of discs."""

import zipfile

import numpy as np
import pytest
from scans import write_series

from maskwright.errors import MaskwrightError
from maskwright.volumes.dicom import read_dicom

HU = np.arange(4 * 5 * 6).reshape(4, 5, 6) - 60
ACROSS = np.array([[2.5, 0, 0, 0], [0, 0.8, 0, 80.0], [0, 0, -0.9, 0], [0, 0, 0, 1.0]])


def described(text, kind=("ORIGINAL", "PRIMARY", "AXIAL")):
    def change(header, index):
        header.SeriesDescription, header.ImageType = text, list(kind)

    return change


@pytest.mark.parametrize("scout", ["one image", "two directions", "localizers"])
def test_a_scout_is_left_out_by_its_name(tmp_path, scout):
    write_series(tmp_path, HU, change=described("AXIAL 2mm"))
    kind = ("ORIGINAL", "PRIMARY", "LOCALIZER" if scout == "localizers" else "AXIAL")
    names = ["s0", "s1", "s2", "s3"]
    if scout == "two directions":
        write_series(tmp_path, HU[:1], names=names[2:3], series="1.9", change=described("SCOUT", kind))
        write_series(tmp_path, HU[:1], ACROSS, names=names[3:], series="1.9", change=described("SCOUT", kind))
    else:
        count = 2 if scout == "localizers" else 1
        write_series(tmp_path, HU[:count], names=names[:count], series="1.9", change=described("SCOUT", kind))
    found = read_dicom(tmp_path)
    assert np.array_equal(found.array, HU)
    assert any("left out" in note and "SCOUT" in note for note in found.source.notes)
    if scout == "localizers":
        assert len(read_dicom(tmp_path, "SCOUT").array) == 2


def test_two_stacks_are_never_chosen_from_nor_is_a_broken_one_left_out(tmp_path):
    write_series(tmp_path, HU, change=described("AXIAL"))
    write_series(tmp_path, HU, names=["t0", "t1", "t2", "t3"], series="1.9", change=described("VENOUS"))
    with pytest.raises(MaskwrightError, match=r"holds 2 series(.|\n)*AXIAL(.|\n)*VENOUS(.|\n)*--series"):
        read_dicom(tmp_path)
    (tmp_path / "t1").unlink()
    with pytest.raises(MaskwrightError, match="holds 2 series"):
        read_dicom(tmp_path)


def test_slices_without_a_preamble_are_read(tmp_path):
    write_series(tmp_path / "a", HU)
    (tmp_path / "b").mkdir()
    for number, path in enumerate(sorted((tmp_path / "a").iterdir())):
        data = path.read_bytes()
        (tmp_path / "b" / f"IM{number}").write_bytes(data[132:] if number % 2 else data)
    assert np.array_equal(read_dicom(tmp_path / "b").array, HU)


def test_the_directory_of_a_disc_is_its_folder(tmp_path):
    write_series(tmp_path / "disc" / "DICOM", HU)
    (tmp_path / "disc" / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    assert np.array_equal(read_dicom(tmp_path / "disc" / "DICOMDIR").array, HU)


def test_an_archive_in_an_archive_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.writestr("study/inner.zip", b"PK")
    with pytest.raises(MaskwrightError, match=r"outer\.zip: holds another archive, study/inner\.zip"):
        read_dicom(tmp_path / "outer.zip")


@pytest.mark.parametrize("content", [b"", b"\x08\x00\x05\x00CS", b"hello", b"\0" * 128 + b"DICM", b"\0" * 300])
def test_nobody_elses_words_about_what_is_none(tmp_path, content):
    (tmp_path / "a.dcm").write_bytes(content)
    with pytest.raises(MaskwrightError) as caught:
        read_dicom(tmp_path / "a.dcm")
    assert "force" not in str(caught.value).lower() and "a.dcm" in str(caught.value)

"""Any damage of a DICOM file is read as it stands, or refused by an error of ours that names the file."""

import zipfile

import numpy as np
import pytest
from damage import FOREIGN, damaged, edits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scans import write_series

from maskwright.errors import MaskwrightError
from maskwright.volumes.read import read_labels, read_volume
from maskwright.volumes.sources import scans_in

pytest.importorskip("pydicom")
pytestmark = pytest.mark.filterwarnings("ignore")  # pydicom remarks on every one
SYNTAXES = {"plain": "1.2.840.10008.1.2.1", "RLE": "1.2.840.10008.1.2.5", "JPEG-LS": "1.2.840.10008.1.2.4.80",
            "JPEG 2000": "1.2.840.10008.1.2.4.90"}  # fmt: skip
ANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def enhanced(folder):
    """A multi-frame image of three slices."""
    import pydicom
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    files = [pydicom.dcmread(path) for path in write_series(folder, np.full((3, 16, 16), 40, np.int16))]
    whole, frames = files[0], []
    for file in files:
        groups, position, direction, measures = Dataset(), Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = file.ImagePositionPatient
        direction.ImageOrientationPatient = file.ImageOrientationPatient
        measures.PixelSpacing = file.PixelSpacing
        groups.PlanePositionSequence = Sequence([position])
        groups.PlaneOrientationSequence = Sequence([direction])
        groups.PixelMeasuresSequence = Sequence([measures])
        frames.append(groups)
    whole.NumberOfFrames = len(files)
    whole.PerFrameFunctionalGroupsSequence = Sequence(frames)
    whole.PixelData = b"".join(file.PixelData for file in files)
    for path in folder.iterdir():
        path.unlink()
    whole.save_as(folder / "all.dcm")
    return (folder / "all.dcm").read_bytes()


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Bytes of the files of a series, by kind."""
    found = {}
    array = np.random.default_rng(0).integers(-500, 500, (3, 16, 16)).astype(np.int16)
    for name, syntax in SYNTAXES.items():
        folder = tmp_path_factory.mktemp("good")
        found[name] = [path.read_bytes() for path in write_series(folder, array, syntax=syntax)]
    return Files(found | {"frames": [enhanced(tmp_path_factory.mktemp("frames"))]})


class Files(dict):
    """Files by kind, which are not printed."""

    def __repr__(self):
        return "files"


def fresh(folder):
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    return folder


def assert_ours(error):
    assert error.where and error.fix and not any(word in str(error) for word in FOREIGN), str(error)


@ANY
@given(data=st.data())
def test_any_damage_of_a_series(good, tmp_path, data):
    kind = data.draw(st.sampled_from(sorted(good)))
    folder, files = fresh(tmp_path / "scan"), list(good[kind])
    for which in data.draw(st.sampled_from([[0], [len(files) - 1], list(range(len(files)))])):
        files[which] = damaged(files[which], data.draw(edits(len(files[which]))))
    for index, body in enumerate(files):
        (folder / f"{index}.dcm").write_bytes(body)
    for read in (read_volume, read_labels, scans_in):
        try:
            found = read(folder)
            assert read is scans_in or np.isfinite(found.array).all()
        except MaskwrightError as error:
            assert_ours(error)


@ANY
@given(data=st.data())
def test_any_damage_of_an_archive(good, tmp_path, data):
    path = tmp_path / "scan.zip"
    pack = data.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2]))
    with zipfile.ZipFile(path, "w", pack) as archive:
        for index, body in enumerate(good["plain"]):
            archive.writestr(f"{index}.dcm", body)
    body = path.read_bytes()
    # The directory at the end decides most of how an archive is read.
    start = data.draw(st.sampled_from([0, len(body) - 250]))
    path.write_bytes(body[:start] + damaged(body[start:], data.draw(edits(len(body) - start))))
    try:
        assert read_volume(path).array.shape[1:] == (16, 16)
    except MaskwrightError as error:
        assert_ours(error)


def changed(keyword, value):
    def change(header, index):
        if index != 1:
            return
        if value is None:
            delattr(header, keyword)
        elif isinstance(value, bytes):
            header[keyword]._value = value
        else:
            setattr(header, keyword, value)

    return change


@pytest.mark.parametrize(("keyword", "value", "words"), [
    ("PixelData", None, ("PixelData", "there are none")),
    ("PixelData", b"\0" * 100, ("PixelData", "100 bytes are there, and 512 are described")),
    ("PixelData", b"", ("PixelData",)),
    ("Rows", 0, ("(0028,0010) Rows", "'0'")),
    ("Columns", None, ("(0028,0011) Columns", "missing")),
    ("Columns", [16, 16], ("(0028,0011) Columns", "no number from 1")),
    ("NumberOfFrames", "-3", ("(0028,0008) NumberOfFrames", "'-3'")),
    ("SamplesPerPixel", 3, ("(0028,0002) SamplesPerPixel", "colour")),
    ("BitsAllocated", 7, ("PixelData",)),
    ("BitsAllocated", None, ("PixelData",)),
    ("RescaleSlope", None, ("(0028,1053) RescaleSlope", "is missing in a CT")),
    ("RescaleSlope", "1e300", ("no numbers",)),
    ("ImagePositionPatient", None, ("(0020,0032) ImagePositionPatient",)),
    ("ImagePositionPatient", ["0", "0", "1e300"], ("ImagePositionPatient",)),
    ("PixelSpacing", ["0", "1"], ("(0028,0030) PixelSpacing",)),
])  # fmt: skip
def test_what_is_missing_or_wrong_is_named(tmp_path, keyword, value, words):
    write_series(tmp_path, np.zeros((3, 16, 16), np.int16), change=changed(keyword, value))
    with pytest.raises(MaskwrightError) as caught:
        read_volume(tmp_path)
    assert_ours(caught.value)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_compression_that_nobody_here_reads_is_named(tmp_path):
    import pydicom

    for path in write_series(tmp_path, np.zeros((3, 16, 16), np.int16), syntax=SYNTAXES["RLE"]):
        file = pydicom.dcmread(path)
        file.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"  # MPEG-2
        file.save_as(path)
    with pytest.raises(MaskwrightError, match=r"no decoder for the transfer syntax MPEG2 .* is installed"):
        read_volume(tmp_path)


def test_more_frames_than_there_are_pixels_for(tmp_path):
    import pydicom

    enhanced(tmp_path)
    file = pydicom.dcmread(tmp_path / "all.dcm")
    file.NumberOfFrames, file.PixelData = 2, file.PixelData[: 2 * 512]
    file.save_as(tmp_path / "all.dcm")
    with pytest.raises(MaskwrightError, match="describes frame 3, and holds 2"):
        read_volume(tmp_path)


def test_an_archive_that_is_none_says_why(tmp_path):
    path = tmp_path / "a.zip"
    for body, said in ((b"PK\x03\x04nothing", "damaged"), (b"", "damaged")):
        path.write_bytes(body)
        with pytest.raises(MaskwrightError, match=rf"cannot be unpacked \(it is {said}"):
            read_volume(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.dcm", b"hello")
    body = bytearray(path.read_bytes())
    for place, said in ((body.index(b"PK\x01\x02"), "locked by a password"), (0, "")):
        changed_body = bytearray(body)
        if place:
            changed_body[6] |= 1
            changed_body[place + 8] |= 1
        path.write_bytes(changed_body)
        with pytest.raises(MaskwrightError, match=said or "holds no DICOM images|does not begin like one"):
            read_volume(path)

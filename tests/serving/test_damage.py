"""Damaged DICOM over HTTP: 422 with an error of ours, never 500, and the service lives."""

import gzip

import bodies
import numpy as np
import pytest
from damage import FOREIGN, damaged, edits
from hypothesis import given, settings
from hypothesis import strategies as st
from scans import write_series
from service import running

pytest.importorskip("pydicom")


class Files(list):
    """Bytes of a series, which are not printed."""

    def __repr__(self):
        return "files"


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    array = np.full((3, 16, 16), -500, np.int16)
    array[1, 4:9, 5:12] = 200
    return Files(path.read_bytes() for path in write_series(tmp_path_factory.mktemp("series"), array))


@pytest.fixture(scope="module")
def small():
    with running(voxels=100_000, unpacked_megabytes=2) as one:
        yield one


def check(status, found):
    assert status in (200, 204, 400, 413, 415, 422), found
    if status >= 400:
        told = found["error"]["what"] + found["error"]["fix"]
        assert found["error"]["what"] and found["error"]["fix"], found
        assert not any(word in told for word in (*FOREIGN, "/tmp")), told


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_damage_is_answered(small, series, data):
    files = list(series)
    for which in data.draw(st.sampled_from([[0], [1], [0, 1, 2]])):
        files[which] = damaged(files[which], data.draw(edits(len(files[which]))))
    body = bodies.zipped({f"{index}.dcm": one for index, one in enumerate(files)})
    if data.draw(st.booleans()):
        body = damaged(body, data.draw(edits(len(body))))
    query = data.draw(st.sampled_from(["", "?format=nifti", "?format=json&include=seg"]))
    check(*small.segment(body, query, method="POST"))


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_damage_of_a_single_file_is_answered(small, series, data):
    check(*small.segment(damaged(series[0], data.draw(edits(len(series[0])))), method="POST"))


def without(keyword):
    return lambda header, index: delattr(header, keyword)


def having(keyword, value):
    return lambda header, index: setattr(header, keyword, value)


@pytest.mark.parametrize(("change", "words"), [
    (without("PixelData"), "there are none"),
    (without("RescaleSlope"), "RescaleSlope"),
    (without("RescaleIntercept"), "RescaleIntercept"),
    (without("Rows"), "ends before its image is described"),
    (without("Columns"), "(0028,0011) Columns"),
    (without("ImagePositionPatient"), "ImagePositionPatient"),
    (without("Modality"), ""),
    (having("Columns", [16, 16]), "(0028,0011) Columns"),
    (having("SOPClassUID", "1.2.3"), "cannot be referred to"),
    (having("PixelData", b"abc"), "PixelData"),
    (having("BitsAllocated", 12), "PixelData"),
    (having("Rows", 60000), "60000"),
])  # fmt: skip
def test_what_is_missing_is_told(small, tmp_path, change, words):
    array = np.full((3, 16, 16), -500, np.int16)
    array[1, 4:9, 5:12] = 200
    write_series(tmp_path, array, change=change)
    status, found = small.segment(bodies.folder_zipped(tmp_path))
    check(status, found)
    assert status in (413, 422) and words in found["error"]["what"]


def test_a_transfer_syntax_that_nobody_reads(small, tmp_path):
    import pydicom

    for path in write_series(tmp_path, np.full((3, 16, 16), 200, np.int16), syntax="1.2.840.10008.1.2.5"):
        file = pydicom.dcmread(path)
        file.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"
        file.save_as(path)
    status, found = small.segment(bodies.folder_zipped(tmp_path))
    check(status, found)
    assert status == 422 and "MPEG2" in found["error"]["what"]


@pytest.mark.parametrize(
    "body", [b"PK\x03\x04" + bytes(500), gzip.compress(b"x" * 400, mtime=0)[:-9], b"\x1f\x8bhello" + bytes(99)]
)
def test_archives_that_are_none(small, body):
    status, found = small.segment(body)
    check(status, found)
    assert status == 422


def test_pixels_that_kill_gdcm_do_not_kill_the_service(small, tmp_path):
    """Lossless JPEG, whose decoder aborts on many of these."""
    pytest.importorskip("gdcm")
    write_series(tmp_path, np.full((3, 16, 16), 200, np.int16), syntax="1.2.840.10008.1.2.4.70")
    files = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    start = files[0].index(b"\xff\xd8")
    rng = np.random.default_rng(0)
    for _ in range(12):
        changed = bytearray(files[0])
        for place in rng.integers(start + 2, start + 40, 3):
            changed[place] = rng.integers(256)
        body = bodies.zipped({"0.dcm": bytes(changed), **{f"{i}.dcm": one for i, one in enumerate(files[1:], 1)}})
        check(*small.segment(body))
    assert small.segment(bodies.picture())[0] == 200


def test_what_libraries_remark_is_not_written_down(small, series, capfd, caplog):
    """Their remarks quote what a file says, and children of their loggers write to standard error by themselves."""
    import logging

    logging.getLogger("pydicom.somewhere").error("Doe^Jane")
    assert "Doe" not in "".join(capfd.readouterr())

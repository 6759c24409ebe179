import cv2
import numpy as np
import pydicom
import pytest
from scans import write_series

from maskwright.cli import main
from maskwright.volumes.decoders import _in_parallel, decoders, pixels

JPEG_2000 = "1.2.840.10008.1.2.4.90"


def test_all_that_the_extra_promises(capsys):
    assert decoders() == dict.fromkeys(["JPEG baseline", "JPEG lossless", "JPEG-LS", "JPEG 2000", "RLE"], True)
    main(["doctor"])
    assert "DICOM                     uncompressed, JPEG baseline, JPEG lossless" in capsys.readouterr().out


def image(folder, bits, signed):
    """A JPEG 2000 image of so many bits, as GDCM writes it, and what it holds."""
    low = -(2 ** (bits - 1)) if signed else 0
    values = np.random.default_rng(bits).integers(low, low + 2**bits, (1, 64, 48))

    def change(header, index):
        header.BitsAllocated, header.BitsStored, header.HighBit = (8 if bits <= 8 else 16), bits, bits - 1
        header.PixelRepresentation = int(signed)
        kind = f"{'i' if signed else 'u'}{header.BitsAllocated // 8}"
        header.PixelData = values[index].astype(kind).tobytes()

    (path,) = write_series(folder, values, syntax=JPEG_2000, intercept=0, change=change)
    return pydicom.dcmread(path), values[0]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_jpeg_2000_of_any_depth_holds_what_pydicom_reads(tmp_path, bits, signed):
    found, values = image(tmp_path, bits, signed)
    assert np.array_equal(pixels(found), values) and np.array_equal(found.pixel_array, values)
    assert (_in_parallel(found) is None) == signed


def test_a_codestream_that_is_cut_short_is_left_to_pydicom(tmp_path):
    found, _ = image(tmp_path, 12, False)
    found.PixelData = pydicom.encaps.encapsulate([next(pydicom.encaps.generate_frames(found.PixelData))[:-200]])
    assert _in_parallel(found) is None


def test_what_opencv_refuses_is_left_to_pydicom(tmp_path, monkeypatch):
    found, values = image(tmp_path, 12, False)

    def refuses(*arguments):
        raise cv2.error("too large")

    monkeypatch.setattr(cv2, "imdecode", refuses)
    assert _in_parallel(found) is None and np.array_equal(pixels(found), values)

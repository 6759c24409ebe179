import zipfile

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scans import SERIES_AFFINE, affines, write_series

from maskwright.errors import MaskwrightError
from maskwright.volumes.read import read_volume

RNG = np.random.default_rng(0)
HU = RNG.integers(-1000, 1500, (6, 7, 8)).astype(np.int16)
LARGE = np.repeat(np.repeat(HU, 8, 1), 8, 2)  # JPEG 2000 has no blocks for a few pixels
SYNTAXES = {
    "uncompressed": "1.2.840.10008.1.2.1",
    "RLE": "1.2.840.10008.1.2.5",
    "JPEG lossless": "1.2.840.10008.1.2.4.70",
    "JPEG-LS": "1.2.840.10008.1.2.4.80",
    "JPEG 2000": "1.2.840.10008.1.2.4.90",
}


@pytest.mark.parametrize("name", SYNTAXES)
def test_every_lossless_compression(tmp_path, name):
    write_series(tmp_path / "scan", LARGE, syntax=SYNTAXES[name])
    found = read_volume(tmp_path / "scan")
    assert np.array_equal(found.array, LARGE) and found.array.dtype == np.int16 and found.modality == "CT"
    assert np.allclose(found.affine, SERIES_AFFINE, atol=1e-5) and found.grid.orientation == "SPL"


@settings(max_examples=25, deadline=None)
@given(affines, st.randoms())
def test_any_direction_and_any_names_agree_with_simpleitk(tmp_path_factory, affine, random):
    # A series has right angles and slices in the direction of the normal, whichever way they are stored.
    if np.linalg.det(affine[:3, :3]) * np.dot(np.cross(affine[:3, 2], affine[:3, 1]), affine[:3, 0]) < 0:
        affine = affine.copy()
    names = [f"{number}.dcm" for number in random.sample(range(100), len(HU))]
    folder = tmp_path_factory.mktemp("series")
    write_series(folder, HU, affine, names=names)
    found = read_volume(folder)
    # Every voxel where it was, whatever the order of the slices.
    for index in ((0, 0, 0), (5, 6, 7), (2, 3, 4)):
        place = np.linalg.inv(found.affine) @ affine @ [*index, 1]
        assert np.allclose(place, np.rint(place), atol=1e-3)
        assert found.array[tuple(np.rint(place[:3]).astype(int))] == HU[index]
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    judge = reader.Execute()
    lps = (np.diag([-1.0, -1.0, 1.0, 1.0]) @ found.affine @ [0, 0, 0, 1])[:3]
    index = judge.TransformPhysicalPointToIndex(lps.tolist())
    assert judge.GetPixel(index) == found.array[0, 0, 0]


def test_from_a_zip_and_several_series(tmp_path):
    one = write_series(tmp_path / "both" / "a", HU, series="1.2.10")
    other = write_series(tmp_path / "both" / "b", HU[:4] + 1, series="1.2.20")
    (tmp_path / "both" / "readme.txt").write_text("not an image")
    with pytest.raises(
        MaskwrightError, match=r"holds 2 series \(0020,000E SeriesInstanceUID\):[\s\S]*1.2.10[\s\S]*--series"
    ):
        read_volume(tmp_path / "both")
    assert np.array_equal(read_volume(tmp_path / "both", "1.2.20").array, HU[:4] + 1)
    assert read_volume(tmp_path / "both", "series 1.2.10").array.shape == HU.shape
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        for path in one:
            archive.write(path, f"../../etc/{path.name}")
    assert np.array_equal(read_volume(tmp_path / "scan.zip").array, HU)
    assert len(other) == 4


def test_rescaled_values_that_are_no_whole_numbers(tmp_path):
    write_series(tmp_path / "scan", HU, slope=0.5, intercept=-2000, modality="PT")
    found = read_volume(tmp_path / "scan")
    assert found.array.dtype == np.float32 and np.allclose(found.array, np.rint((HU + 2000.0) * 2) / 2 - 2000)


def without(keyword):
    return lambda header, index: delattr(header, keyword) if index == 2 else None


def shifted(header, index):
    if index >= 3:
        header.ImagePositionPatient = [*header.ImagePositionPatient[:2], header.ImagePositionPatient[2] + 2.5]


def again(header, index):
    if index == 3:
        header.ImagePositionPatient = [*header.ImagePositionPatient[:2], header.ImagePositionPatient[2] - 2.5]


def turned(header, index):
    if index == 1:
        header.ImageOrientationPatient = [0, 1, 0, 0, 0, 1]


def other_pixels(header, index):
    if index == 1:
        header.PixelSpacing = [2, 2]


def coloured(header, index):
    header.SamplesPerPixel, header.PlanarConfiguration, header.PhotometricInterpretation = 3, 0, "RGB"
    header.BitsAllocated, header.BitsStored, header.HighBit = 8, 8, 7
    header.PixelData = bytes(3 * header.Rows * header.Columns + (header.Rows * header.Columns) % 2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("ImagePositionPatient"), r"003.dcm, \(0020,0032\) ImagePositionPatient: is missing"),
        (without("ImageOrientationPatient"), r"003.dcm, \(0020,0037\) ImageOrientationPatient: is missing"),
        (without("PixelSpacing"), r"003.dcm, \(0028,0030\) PixelSpacing: is missing"),
        (shifted, r"\(0020,0032\)[\s\S]*1 slice is missing between .*003.dcm and .*004.dcm: they are 5.000 mm apart"),
        (again, r"\(0020,0032\)[\s\S]*lie at the same place"),
        (turned, r"\(0020,0037\)[\s\S]*mixed orientations"),
        (other_pixels, r"\(0028,0030\)[\s\S]*pixels of"),
        (coloured, r"\(0028,0002\) SamplesPerPixel: is a colour image"),
    ],
)
def test_what_is_ambiguous_names_file_and_tag(tmp_path, change, words):
    write_series(tmp_path / "scan", HU, change=change)
    with pytest.raises(MaskwrightError, match=words):
        read_volume(tmp_path / "scan")


def test_one_slice_has_no_depth(tmp_path):
    write_series(tmp_path / "scan", HU[:1])
    with pytest.raises(MaskwrightError, match=r"\(0020,0032\).*is one slice"):
        read_volume(tmp_path / "scan")


def test_a_gantry_tilt_is_kept_and_said(tmp_path):
    tilted = SERIES_AFFINE.copy()
    tilted[1, 0] = 0.5  # each slice a little further to the front
    write_series(tmp_path / "scan", HU, tilted)
    found = read_volume(tmp_path / "scan")
    assert "gantry tilt of 11.3 degrees" in found.source.notes[0]
    assert np.allclose(found.affine, tilted, atol=1e-5)


def test_a_file_that_is_there_twice_counts_once(tmp_path):
    paths = write_series(tmp_path / "scan", HU)
    (tmp_path / "scan" / "copy.dcm").write_bytes(paths[2].read_bytes())
    found = read_volume(tmp_path / "scan")
    assert np.array_equal(found.array, HU) and "is there twice" in found.source.notes[0]


def test_a_series_that_was_sent_twice_counts_once(tmp_path):
    """Under its names at another time, and under names of its own; with other values it is refused."""
    write_series(tmp_path / "scan", HU)
    for path in sorted((tmp_path / "scan").iterdir()):
        header = pydicom.dcmread(path)
        header.InstanceCreationTime = "120000"
        header.save_as(path.with_name(f"later-{path.name}"))
        header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        header.save_as(path.with_name(f"new-{path.name}"))
    found = read_volume(tmp_path / "scan")
    assert np.array_equal(found.array, HU) and len(found.source.notes) == 12
    assert sum("once more" in note for note in found.source.notes) == 6
    header.PixelData = bytes(len(header.PixelData))
    header.save_as(path.with_name("other.dcm"))
    with pytest.raises(MaskwrightError, match="two images of one name"):
        read_volume(tmp_path / "scan")
    header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    header.save_as(path.with_name("other.dcm"))
    with pytest.raises(MaskwrightError, match="lie at the same place, and are not the same image"):
        read_volume(tmp_path / "scan")


def test_uneven_slices_are_read_between_where_somebody_asks(tmp_path):
    """Every second slice of the upper half is missing in a ramp, which interpolation gives back."""
    ramp = np.broadcast_to(np.arange(0, 110, 10, dtype=np.int16)[:, None, None], (11, 5, 6)).copy()
    names = [f"{number:03d}.dcm" for number in range(11)]
    write_series(tmp_path / "scan", ramp, names=names)
    for number in (5, 7, 9):
        (tmp_path / "scan" / names[number]).unlink()
    with pytest.raises(MaskwrightError, match=r"unevenly, 2.500 to 5.000 mm apart"):
        read_volume(tmp_path / "scan")
    found = read_volume(tmp_path / "scan", resample_slices=True)
    assert np.array_equal(found.array, ramp) and found.array.dtype == np.int16
    assert np.allclose(found.affine, SERIES_AFFINE, atol=1e-5)
    assert "were brought to 11 slices 2.500 mm apart" in found.source.notes[-1]
    assert "instances" not in found.source.details, "a DICOM SEG of it would refer to images that are not there"


@pytest.mark.parametrize("share", [0.3, 0.97])
@pytest.mark.parametrize("name", ["uncompressed", "JPEG 2000"])
def test_a_truncated_file_is_named(tmp_path, share, name):
    paths = write_series(tmp_path / "scan", LARGE, syntax=SYNTAXES[name])
    data = paths[1].read_bytes()
    paths[1].write_bytes(data[: int(len(data) * share)])
    with pytest.raises(MaskwrightError, match=r"002\.dcm"):
        read_volume(tmp_path / "scan")


def test_nothing_to_read(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(MaskwrightError, match=r"holds no DICOM images \(0 files looked at\)"):
        read_volume(tmp_path)
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(MaskwrightError, match="cannot be unpacked"):
        read_volume(tmp_path / "bad.zip")
    (tmp_path / "x.dcm").write_bytes(b"\0" * 200)
    with pytest.raises(MaskwrightError, match=r"x\.dcm: is a damaged DICOM file, or none"):
        read_volume(tmp_path / "x.dcm")


def test_anonymised_images_without_uids(tmp_path):
    def emptied(header, index):
        header.SOPInstanceUID = header.SOPClassUID = header.SeriesInstanceUID = header.StudyInstanceUID = ""

    write_series(tmp_path / "scan", HU, change=emptied)
    one, two = (read_volume(tmp_path / "scan") for _ in range(2))
    headers = one.source.details["instances"]
    assert len({header.SOPInstanceUID for header in headers}) == len(HU)
    assert headers[0].StudyInstanceUID and headers[0].SeriesInstanceUID
    assert headers[0].StudyInstanceUID == two.source.details["instances"][0].StudyInstanceUID


def test_frames_of_an_enhanced_image(tmp_path):
    """Made by SimpleITK's reader's counterpart, highdicom's conversion of a legacy series."""
    import highdicom
    import pydicom

    paths = write_series(tmp_path / "scan", HU)
    legacy = [pydicom.dcmread(path) for path in paths]
    for header in legacy:
        header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        header.AcquisitionNumber, header.SliceThickness = 1, "2.5"
    made = highdicom.legacy.LegacyConvertedEnhancedCTImage(
        legacy, series_instance_uid="1.2.99", series_number=2, sop_instance_uid="1.2.98", instance_number=1
    )
    made.save_as(tmp_path / "enhanced.dcm")
    found = read_volume(tmp_path / "enhanced.dcm")
    assert np.array_equal(found.array, HU) and np.allclose(found.affine, SERIES_AFFINE, atol=1e-5)


@pytest.mark.parametrize("length", [0, 100, 200, 500, 700])
def test_a_last_slice_cut_short_in_its_head_is_not_left_out_in_silence(tmp_path, length):
    paths = write_series(tmp_path / "scan", HU)
    paths[-1].write_bytes(paths[-1].read_bytes()[:length])
    with pytest.raises(MaskwrightError, match=r"006\.dcm"):
        read_volume(tmp_path / "scan")

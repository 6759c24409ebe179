"""What stored values mean: by the rescale wherever it stands, or an error that names the tag."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scans import SERIES_AFFINE, write_series

from maskwright.errors import MaskwrightError
from maskwright.volumes.dicom import read_dicom
from maskwright.volumes.dicom_values import rescale_of, rescaled

HU = np.arange(3 * 4 * 5).reshape(3, 4, 5) * 7 - 200


@settings(max_examples=60)
@given(
    st.sampled_from([np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64]),
    st.floats(-1e3, 1e3).filter(lambda slope: abs(slope) > 1e-6) | st.integers(1, 4), st.integers(-2000, 2000),
    st.integers(0, 10**6),
)  # fmt: skip
def test_values_are_what_they_mean_in_any_type(dtype, slope, intercept, seed):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        stored = rng.normal(0, 1e-3, (4, 5)).astype(dtype)
    else:
        info = np.iinfo(dtype)
        stored = rng.integers(info.min, int(info.max) + 1, (4, 5), dtype=np.int64).astype(dtype)
        stored[0, :2] = info.min, info.max
    found = rescaled(stored, float(slope), float(intercept))
    expected = stored.astype(np.float64) * slope + intercept
    assert np.allclose(found, expected, rtol=1e-6, atol=1e-6 * max(1, abs(intercept)))
    assert found.dtype == np.float32 or np.array_equal(found, expected)


@pytest.mark.parametrize("gone", [["RescaleSlope"], ["RescaleIntercept"], ["RescaleSlope", "RescaleIntercept"]])
@pytest.mark.parametrize("emptied", [False, True])
def test_a_ct_must_say_it_and_others_are_told(tmp_path, gone, emptied):
    def change(header, index):
        for keyword in gone:
            if emptied:
                setattr(header, keyword, None)
            else:
                delattr(header, keyword)

    write_series(tmp_path / "ct", HU, change=change)
    with pytest.raises(MaskwrightError) as caught:
        read_dicom(tmp_path / "ct")
    assert all(keyword in str(caught.value) for keyword in gone) and "(0028,105" in str(caught.value)
    write_series(tmp_path / "mr", HU + 200, modality="MR", slope=1, intercept=0, change=change)
    found = read_dicom(tmp_path / "mr")
    assert np.array_equal(found.array, HU + 200) and any("as they are stored" in note for note in found.source.notes)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), "x", 0])
@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_a_factor_that_is_none_names_its_tag(value, modality):
    rule = {"RescaleSlope": value, "RescaleIntercept": 0}
    with pytest.raises(MaskwrightError, match=r"IM7, \(0028,1053\) RescaleSlope"):
        rescale_of(rule, modality, "IM7")
    if value != 0:
        with pytest.raises(MaskwrightError, match=r"IM7, \(0028,1052\) RescaleIntercept"):
            rescale_of({"RescaleSlope": 1, "RescaleIntercept": value}, modality, "IM7")


@pytest.mark.parametrize("where", ["top", "shared", "frames", "top and frames"])
def test_the_rescale_of_a_multi_frame_image_wherever_it_stands(tmp_path, where):
    """Each frame has its own slope where the frames say it."""
    import pydicom
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    write_series(tmp_path / "single", HU, intercept=0)
    files = [pydicom.dcmread(path) for path in sorted((tmp_path / "single").iterdir())]
    files.sort(key=lambda one: float(one.ImagePositionPatient[2]))
    whole, frames = files[0], []
    slopes = [1 + number for number in range(len(files))] if "frames" in where else [2] * len(files)

    def transform(slope):
        item = Dataset()
        item.RescaleSlope, item.RescaleIntercept, item.RescaleType = slope, -1000, "HU"
        return Sequence([item])

    for one, slope in zip(files, slopes, strict=True):
        groups, place = Dataset(), Dataset()
        place.ImagePositionPatient = one.ImagePositionPatient
        groups.PlanePositionSequence = Sequence([place])
        if "frames" in where:
            groups.PixelValueTransformationSequence = transform(slope)
        frames.append(groups)
    shared, turn, measures = Dataset(), Dataset(), Dataset()
    turn.ImageOrientationPatient, measures.PixelSpacing = whole.ImageOrientationPatient, whole.PixelSpacing
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Sequence([turn]), Sequence([measures])
    if where == "shared":
        shared.PixelValueTransformationSequence = transform(2)
    stored = np.abs(HU).astype(np.uint16)
    whole.PixelData, whole.NumberOfFrames = stored.tobytes(), len(files)
    whole.PixelRepresentation = 0
    whole.SharedFunctionalGroupsSequence = Sequence([shared])
    whole.PerFrameFunctionalGroupsSequence = Sequence(frames)
    del whole.RescaleSlope, whole.RescaleIntercept
    if "top" in where:
        whole.RescaleSlope, whole.RescaleIntercept = 2, -1000
    whole.save_as(tmp_path / "frames.dcm")
    found = read_dicom(tmp_path / "frames.dcm")
    expected = stored * np.array(slopes)[:, None, None] - 1000
    assert np.array_equal(found.array, expected) and not found.source.notes


@pytest.mark.parametrize("keyword", ["FloatPixelData", "DoubleFloatPixelData"])
def test_float_pixels_keep_their_values(tmp_path, keyword):
    small = np.linspace(0.0005, 0.0031, HU.size).reshape(HU.shape)

    def change(header, index):
        plane = small[index].astype(np.float32 if keyword == "FloatPixelData" else np.float64)
        del header.PixelData, header.BitsStored, header.HighBit, header.PixelRepresentation
        header.BitsAllocated = 8 * plane.itemsize
        setattr(header, keyword, plane.tobytes())
        header.RescaleSlope, header.RescaleIntercept = 1, 0

    write_series(tmp_path / "adc", HU, SERIES_AFFINE, modality="MR", intercept=0, change=change)
    assert np.allclose(read_dicom(tmp_path / "adc").array, small, rtol=1e-6)

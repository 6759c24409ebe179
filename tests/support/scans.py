"""Scans for tests: affines of any kind, marked phantoms, and DICOM series written as a scanner would."""

import numpy as np
from hypothesis import strategies as st

from maskwright.volumes import Volume


def rotation(angles):
    """A rotation by three angles about x, y and z."""
    found = np.eye(3)
    for axis, angle in enumerate(angles):
        one, other = [k for k in range(3) if k != axis]
        turn = np.eye(3)
        turn[one, one] = turn[other, other] = np.cos(angle)
        turn[one, other], turn[other, one] = -np.sin(angle), np.sin(angle)
        found = found @ turn
    return found


def affine_of(order, signs, spacing, angles, origin):
    """Axes in any order and direction, turned."""
    affine = np.eye(4)
    affine[:3, :3] = rotation(angles) @ np.eye(3)[:, order] @ np.diag(np.array(signs) * spacing)
    affine[:3, 3] = origin
    return affine


finite = {"allow_nan": False, "allow_infinity": False}
affines = st.builds(
    affine_of,
    st.permutations([0, 1, 2]),
    st.tuples(*[st.sampled_from([-1, 1])] * 3),
    st.tuples(*[st.floats(0.3, 6.0, **finite)] * 3),
    st.tuples(*[st.floats(-0.6, 0.6, **finite)] * 3),
    st.tuples(*[st.floats(-300, 300, **finite)] * 3),
)
shapes = st.tuples(*[st.integers(2, 9)] * 3)


def volume(shape, affine, seed=0, kind=np.int16):
    """Distinct values, so that every voxel is known again."""
    values = np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape)
    return Volume(values.astype(kind), np.array(affine, dtype=float))


SERIES_AFFINE = np.array([[0, 0, -0.9, 100.0], [0, -0.8, 0, 80.0], [2.5, 0, 0, -50.0], [0, 0, 0, 1.0]])


def write_series(folder, array, affine=SERIES_AFFINE, *, syntax="1.2.840.10008.1.2.1", names=None, slope=1,
                 intercept=-1024, modality="CT", series="1.2.3.4", change=lambda header, index: None):  # fmt: skip
    """A series of single slices: `array` is `(D, H, W)` HU, the affine from (d, h, w) to RAS.

    Args:
        names: file names, in the order of the slices. change: what is wrong with a header.
    """
    import pydicom
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, generate_uid

    folder.mkdir(parents=True, exist_ok=True)
    to_lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    rows, columns = (to_lps[:3, k] / np.linalg.norm(to_lps[:3, k]) for k in (1, 2))
    spacing = [float(np.linalg.norm(to_lps[:3, k])) for k in (1, 2)]
    written = []
    for index, plane in enumerate(array):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[series, str(index)])
        meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        header = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        header.SOPClassUID, header.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        header.StudyInstanceUID, header.SeriesInstanceUID, header.FrameOfReferenceUID = "1.2.3", series, "1.2.5"
        header.PatientName, header.PatientID, header.PatientBirthDate, header.PatientSex = "Doe^Jane", "P1", "", "F"
        header.StudyDate = header.StudyTime = header.StudyID = header.AccessionNumber = ""
        header.ReferringPhysicianName, header.Manufacturer, header.Modality = "", "Tests", modality
        header.SeriesDescription, header.SeriesNumber, header.InstanceNumber = f"series {series}", 1, index + 1
        header.ImagePositionPatient = [f"{value:.6f}" for value in (to_lps @ [index, 0, 0, 1])[:3]]
        header.ImageOrientationPatient = [f"{value:.8f}" for value in (*columns, *rows)]
        header.PixelSpacing = [f"{value:.8f}" for value in spacing]
        header.Rows, header.Columns = plane.shape
        header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
        header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 16, 16, 15, 0
        header.RescaleSlope, header.RescaleIntercept = str(slope), str(intercept)
        stored = np.rint((plane - intercept) / slope).astype(np.uint16)
        header.PixelData = stored.tobytes()
        change(header, index)
        if syntax in {"1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80"}:  # RLE and JPEG-LS, which pydicom writes
            header.compress(syntax, generate_instance_uid=False)
        path = folder / (names[index] if names else f"{index + 1:03d}.dcm")
        header.save_as(path, enforce_file_format=True)
        if syntax.endswith(("4.70", "4.90")):
            recompress(path, syntax)
        written.append(path)
    return written


def recompress(path, syntax):
    """A file in another transfer syntax, by GDCM."""
    import gdcm

    kinds = {
        "1.2.840.10008.1.2.4.70": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
        "1.2.840.10008.1.2.4.90": gdcm.TransferSyntax.JPEG2000Lossless,
    }
    reader, writer, change = gdcm.ImageReader(), gdcm.ImageWriter(), gdcm.ImageChangeTransferSyntax()
    reader.SetFileName(str(path))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(kinds[syntax]))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()

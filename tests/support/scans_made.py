"""A scan or label map of each kind that people have, for `docs/reference/files.md`."""

import gzip
import zipfile

import nibabel
import numpy as np
from files_made import RAMP, encoded, raw
from scans import SERIES_AFFINE, write_series

from maskwright.volumes import Volume
from maskwright.volumes.nifti import write_nifti

HU = np.random.default_rng(0).integers(-1000, 1000, (6, 8, 9)).astype(np.int16)
MARKS = (HU > 700).astype(np.uint8) * 2


def nifti(array, name="a.nii.gz"):
    def make(folder):
        write_nifti(Volume(array, SERIES_AFFINE), folder / name)
        return folder / name

    return make


def by_nibabel(name, array=None, affine=None, kind=nibabel.Nifti1Image):
    def make(folder):
        image = kind(np.moveaxis(HU if array is None else array, 0, 2), np.eye(4) if affine is None else affine)
        nibabel.save(image, folder / name)
        return folder / name

    return make


def misnamed(name, pack):
    def make(folder):
        write_nifti(Volume(HU, SERIES_AFFINE), folder / "b.nii")
        data = (folder / "b.nii").read_bytes()
        (folder / "b.nii").unlink()
        (folder / name).write_bytes(gzip.compress(data) if pack else data)
        return folder / name

    return make


def series(change=lambda header, index: None, **how):
    def make(folder):
        write_series(folder / "scan", how.pop("array", HU), change=change, **how)
        return folder / "scan"

    return make


def without(*keywords):
    def change(header, index):
        for keyword in keywords:
            del header[keyword]

    return change


def zipped(folder):
    write_series(folder / "scan", HU)
    with zipfile.ZipFile(folder / "scan.zip", "w") as archive:
        for path in (folder / "scan").iterdir():
            archive.write(path, path.name)
    return folder / "scan.zip"


def twice_zipped(folder):
    with zipfile.ZipFile(folder / "outer.zip", "w") as archive:
        archive.write(zipped(folder), "inner.zip")
    return folder / "outer.zip"


def gap(*gone):
    def make(folder):
        paths = write_series(folder / "scan", HU)
        for number in gone:
            paths[number].unlink()
        return folder / "scan"

    return make


def scout(folder):
    write_series(folder / "scan" / "axial", HU, series="1.2.10")
    write_series(folder / "scan" / "scout", HU[:1], series="1.2.20")
    return folder / "scan"


def other_series(folder):
    write_series(folder / "scan" / "a", HU, series="1.2.10")
    write_series(folder / "scan" / "b", HU, series="1.2.20")
    return folder / "scan"


def by_itk(name, array=HU):
    def make(folder):
        import SimpleITK as sitk

        image = sitk.GetImageFromArray(array)
        image.SetSpacing((0.9, 0.8, 2.5))
        sitk.WriteImage(image, str(folder / name))
        return folder / name

    return make


def cut(path):
    path.write_bytes(path.read_bytes()[:300])
    return path


def placeless(folder):
    image = nibabel.Nifti1Image(np.moveaxis(HU, 0, 2), np.eye(4))
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    nibabel.save(image, folder / "a.nii")
    return folder / "a.nii"


SCANS = [
    ("NIfTI, .nii.gz", nifti(HU)),
    ("NIfTI, float", nifti(HU.astype(np.float32) / 3)),
    ("gzip under .nii", misnamed("a.nii", True)),
    ("plain under .nii.gz", misnamed("a.nii.gz", False)),
    ("Analyze's .hdr and .img (NIfTI)", by_nibabel("a.hdr", kind=nibabel.Nifti1Pair)),
    ("FreeSurfer's .mgz", by_nibabel("a.mgz", kind=nibabel.MGHImage, array=HU.astype(np.float32))),
    ("NRRD", by_itk("a.nrrd")),
    ("MetaImage, .mha", by_itk("a.mha")),
    ("DICOM series in a folder", series()),
    ("the same in a zip archive", zipped),
    ("DICOM compressed by JPEG-LS", series(syntax="1.2.840.10008.1.2.4.80")),
    ("with a scout beside it", scout),
    ("two series", other_series),
    ("CT without rescale", series(without("RescaleSlope", "RescaleIntercept"))),
    ("MR without rescale", series(without("RescaleSlope", "RescaleIntercept"), modality="MR", array=HU + 1000, intercept=0)),
    ("a slice without its place", series(lambda header, index: index == 2 and without("ImagePositionPatient")(header, 2))),
    ("a slice is missing", gap(3)),
    ("one slice", series(array=HU[:1])),
    ("an archive in an archive", twice_zipped),
    ("a NIfTI that was cut", lambda folder: cut(nifti(HU)(folder))),
    ("an empty file", raw("a.nii.gz", b"")),
    ("a picture called .nii", raw("a.nii", encoded(RAMP, "PNG"))),
    ("NIfTI that does not say where it lies", placeless),
]  # fmt: skip


def segmentation(folder):
    from maskwright.volumes.dicom_seg import write_segmentation
    from maskwright.volumes.read import read_volume

    write_series(folder / "scan", HU)
    scan = read_volume(folder / "scan")
    write_segmentation(scan.with_array(MARKS), scan, folder / "seg.dcm", {2: "pancreas"})
    return folder / "seg.dcm"


def alone(folder):
    (folder / "P1").mkdir()
    return segmentation(folder).rename(folder / "P1" / "1-1").parent


LABELS = [
    ("NIfTI of numbers", nifti(MARKS)),
    ("numbers beyond 255", nifti(MARKS.astype(np.uint16) * 200)),
    ("NRRD", by_itk("a.seg.nrrd", MARKS)),
    ("DICOM SEG", segmentation),
    ("DICOM SEG without ending, alone in a folder", alone),
    ("one-hot layers", by_nibabel("a.nii.gz", array=np.stack([MARKS, MARKS], axis=-1).astype(np.uint8))),
    ("probabilities", nifti(np.float32(0.5) * MARKS / 3)),
    ("negative numbers", nifti(-MARKS.astype(np.int16))),
]


def patients(folder):
    for number in (1, 2):

        def change(header, index, number=number):
            header.PatientID, header.StudyInstanceUID = f"P{number}", f"1.2.{number}"

        write_series(folder / f"P{number}", HU, series=f"1.3.{number}", change=change)


def beside(folder):
    write_series(folder, HU)
    write_nifti(Volume(MARKS, SERIES_AFFINE), folder / "labels.nii.gz")


def files(folder):
    for number in (1, 2):
        write_nifti(Volume(HU, SERIES_AFFINE), folder / f"P{number}.nii.gz")


def parts(folder):
    for number in (1, 2):
        write_series(folder / f"part{number}", HU, series=f"1.2.{number}0")


FOLDERS = [
    ("files", files),
    ("a folder of DICOM for each patient", patients),
    ("a DICOM series with its label map beside it", beside),
    ("parts of one study", parts),
]

import gzip

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scans import SERIES_AFFINE, affines, shapes, volume

from maskwright.errors import MaskwrightError
from maskwright.volumes.nifti import read_nifti, write_nifti
from maskwright.volumes.read import read_volume

KINDS = (np.uint8, np.int16, np.uint16, np.int32, np.float32)


@settings(deadline=None)
@given(affines, shapes, st.sampled_from(KINDS), st.sampled_from([".nii", ".nii.gz"]))
def test_written_and_read_it_is_the_same(tmp_path_factory, affine, shape, kind, suffix):
    path = tmp_path_factory.mktemp("nifti") / f"scan{suffix}"
    one = volume(shape, affine, kind=kind)
    write_nifti(one, path)
    found = read_nifti(path)
    assert np.array_equal(found.array, one.array) and found.array.dtype == kind
    assert np.abs(found.affine - affine).max() < 1e-4  # float32 in the header
    judge = nibabel.load(path)
    assert np.array_equal(np.asarray(judge.dataobj).transpose(2, 1, 0), one.array)
    assert np.allclose(judge.affine[:, [2, 1, 0, 3]], affine, atol=1e-4)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_both_versions_and_channels(tmp_path, kind):
    array = np.random.default_rng(0).random((4, 5, 6, 3)).astype(np.float32)
    nibabel.save(kind(array, np.diag([1, 2, 3, 1])), tmp_path / "scan.nii")
    found = read_nifti(tmp_path / "scan.nii")
    assert np.array_equal(found.array, array.transpose(2, 1, 0, 3)) and found.grid.spacing == (3, 2, 1)


def test_the_scale_of_a_file_is_applied(tmp_path):
    image = nibabel.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    image.header.set_slope_inter(0.5, -10)
    nibabel.save(image, tmp_path / "scan.nii")
    assert np.allclose(
        read_nifti(tmp_path / "scan.nii").array, np.asarray(nibabel.load(tmp_path / "scan.nii").dataobj).T
    )


def test_units_other_than_millimetres(tmp_path):
    image = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.diag([0.001, 0.001, 0.002, 1]))
    image.header.set_xyzt_units("meter")
    nibabel.save(image, tmp_path / "scan.nii")
    assert np.allclose(read_nifti(tmp_path / "scan.nii").grid.spacing, (2, 1, 1))


def test_the_same_volume_gives_the_same_bytes(tmp_path):
    one = volume((3, 4, 5), np.eye(4))
    write_nifti(one, tmp_path / "a.nii.gz")
    write_nifti(one, tmp_path / "b.nii.gz")
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def save(path, affine=None, sform=1, qform=0, other=None, array=None):
    image = nibabel.Nifti1Image(np.zeros((3, 4, 5), np.float32) if array is None else array, None)
    image.header.set_sform(np.eye(4) if affine is None else affine, sform)
    image.header.set_qform(np.eye(4) if other is None else other, qform)
    path.write_bytes(image.to_bytes())
    return path


def test_what_is_wrong_is_said(tmp_path):
    path = tmp_path / "scan.nii"
    moved = np.eye(4)
    moved[0, 3] = 40
    nan = np.zeros((3, 4, 5), np.float32)
    nan[0, 0, 0] = np.nan
    cases = [
        ({"sform": 0}, "sform_code and qform_code are both 0"),
        ({"affine": np.zeros((4, 4))}, "spans no volume"),
        ({"qform": 1, "other": moved}, "lies in two places: its sform and its qform differ by 40.0 mm"),
        ({"array": nan}, "1 voxels that are no numbers"),
        ({"array": np.zeros((3, 4, 5), np.complex64)}, "complex64"),
    ]
    for options, words in cases:
        with pytest.raises(MaskwrightError, match=words) as raised:
            read_nifti(save(path, **options))
        assert str(path) in str(raised.value)
    with pytest.raises(MaskwrightError, match="no such file"):
        read_nifti(tmp_path / "other.nii")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.98])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_truncated_file_is_named(tmp_path, share, suffix):
    write_nifti(volume((20, 20, 20), np.eye(4)), tmp_path / f"scan{suffix}")
    data = (tmp_path / f"scan{suffix}").read_bytes()
    (tmp_path / f"scan{suffix}").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(MaskwrightError, match=f"scan{suffix}: is damaged or cut short"):
        read_nifti(tmp_path / f"scan{suffix}")


def test_something_else_under_that_name(tmp_path):
    (tmp_path / "scan.nii.gz").write_bytes(gzip.compress(b"not a scan" * 100))
    with pytest.raises(MaskwrightError, match="is no NIfTI file: it begins like a gzip archive"):
        read_nifti(tmp_path / "scan.nii.gz")


@pytest.mark.parametrize(("place", "bytes_", "said"), [
    (123, b"\x05", "unit of length"), (108, b"\x80\x00\x80\x41", "damaged"), (70, b"\x2a\x01", "damaged"), (256, b"\x00\x00\x00\x40", "damaged|qform"),
])  # fmt: skip
def test_headers_that_say_nonsense(tmp_path, place, bytes_, said):
    path = tmp_path / "a.nii"
    write_nifti(volume((4, 5, 6), np.eye(4)), path)
    data = bytearray(path.read_bytes())
    data[place : place + len(bytes_)] = bytes_
    if place == 256:  # the quaternion counts where there is no sform
        data[254:256] = b"\x00\x00"
    path.write_bytes(bytes(data))
    with pytest.raises(MaskwrightError, match=said):
        read_nifti(path)


@pytest.mark.parametrize("kind", ["gzip called .nii", "plain called .nii.gz", "folder", "pair", "mgz"])
def test_a_file_is_what_its_first_bytes_say(tmp_path, kind):
    scan = volume((3, 4, 5), SERIES_AFFINE)
    write_nifti(scan, tmp_path / "right.nii")
    plain = (tmp_path / "right.nii").read_bytes()
    path = tmp_path / "a.nii"
    if kind == "gzip called .nii":
        path.write_bytes(gzip.compress(plain))
    elif kind == "plain called .nii.gz":
        path = tmp_path / "a.nii.gz"
        path.write_bytes(plain)
    elif kind == "folder":
        path.mkdir()
        (path / "inner.nii").write_bytes(plain)
    else:
        image, path = nibabel.load(tmp_path / "right.nii"), tmp_path / ("a.hdr" if kind == "pair" else "a.mgz")
        array = np.asarray(image.dataobj)
        if kind == "pair":
            nibabel.save(nibabel.Nifti1Pair(array, image.affine), path)
        else:
            nibabel.save(nibabel.MGHImage(array.astype(np.int32), image.affine), path)
    found = read_volume(path)
    assert np.array_equal(found.array, scan.array) and np.allclose(found.affine, scan.affine, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.nii", b"\x89PNG\r\n\x1a\n" + b"\0" * 400, "a PNG picture"),
        ("a.nii.gz", b"PK\x03\x04" + b"\0" * 400, "a zip archive"),
        ("a.nii.gz", b"<html>not found</html>" * 40, "a web page"),
        ("a.nii", b"", "it is empty"),
    ],
)
def test_what_else_lies_under_that_name_is_said(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MaskwrightError, match=said):
        read_nifti(tmp_path / name)
    (tmp_path / "x.nii").mkdir()
    with pytest.raises(MaskwrightError, match="is a folder with the name of a file, and holds 0 NIfTI files"):
        read_nifti(tmp_path / "x.nii")


def test_analyze_is_refused(tmp_path):
    nibabel.save(nibabel.Spm99AnalyzeImage(np.zeros((3, 4, 5), np.int16), np.eye(4)), tmp_path / "a.hdr")
    with pytest.raises(MaskwrightError, match=r"Analyze format.*left and right"):
        read_volume(tmp_path / "a.hdr")


def claiming(shape, packed, kind=np.int16):
    """A file whose header claims voxels that are not there."""
    image = nibabel.Nifti1Image(np.zeros((2, 2, 2), kind), np.diag([1.0, 2, 3, 1]))
    data = bytearray(image.to_bytes())
    data[42:48] = np.array(shape, "<i2").tobytes()
    return gzip.compress(bytes(data)) if packed else bytes(data)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("shape", [(32767, 32767, 32767), (1500, 1500, 900), (-5, 2, 2)])
def test_what_a_header_claims_is_not_allocated(tmp_path, packed, shape, monkeypatch):
    path = tmp_path / ("a.nii.gz" if packed else "a.nii")
    path.write_bytes(claiming(shape, packed))
    monkeypatch.setattr(nibabel.arrayproxy.ArrayProxy, "__array__", lambda *a, **k: pytest.fail("voxels were read"))
    with pytest.raises(MaskwrightError, match=rf"{path.name}: (is damaged or cut short|has, or claims)"):
        read_nifti(path)


def test_packed_nothing_of_a_true_header_is_read(tmp_path):
    """A label map packs to a thousandth: that much alone is no bomb."""
    image = nibabel.Nifti1Image(np.zeros((512, 512, 300), np.uint8), np.diag([1.0, 2, 3, 1]))
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(image.to_bytes()))
    assert (tmp_path / "a.nii.gz").stat().st_size < image.get_fdata().size / 64 - (1 << 20)
    assert read_nifti(tmp_path / "a.nii.gz").array.shape == (300, 512, 512)


def test_more_behind_it_than_is_read(tmp_path):
    from maskwright.untrusted.archives import holds, unpacked

    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(1 << 22)))
    with pytest.raises(MaskwrightError, match=r"a\.gz: has, or claims, .*at most 1 MiB"):
        unpacked(tmp_path / "a.gz", 1 << 20)
    assert holds(tmp_path / "a.gz", 1 << 22) and not holds(tmp_path / "a.gz", (1 << 22) + 1)
    assert unpacked(tmp_path / "a.gz") == bytes(1 << 22)

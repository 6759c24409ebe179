"""Headers of NRRD and MetaImage are looked at before ITK does: it ends the process at some, and allocates what they claim."""

import numpy as np
import pytest

from maskwright.errors import MaskwrightError
from maskwright.volumes.read import read_volume

sitk = pytest.importorskip("SimpleITK")


@pytest.fixture
def image():
    made = sitk.GetImageFromArray(np.arange(120, dtype=np.int16).reshape(4, 5, 6))
    made.SetSpacing((0.5, 0.6, 2.0))
    return made


def written(image, path, **options):
    sitk.WriteImage(image, str(path), **options)
    return path


@pytest.mark.parametrize("name", ["a.nrrd", "a.nhdr", "a.mha", "a.mhd"])
@pytest.mark.parametrize("packed", [False, True])
def test_sound_files_are_read_in_one_file_or_two(image, tmp_path, name, packed):
    found = read_volume(written(image, tmp_path / name, useCompression=packed))
    assert np.array_equal(found.array, np.arange(120).reshape(4, 5, 6)) and np.allclose(
        found.grid.spacing, (2, 0.6, 0.5)
    )


NRRD = [
    (b"sizes: 6 5 4", b"sizes: 6 5 a" + b".a" * 3000), (b"sizes: 6 5 4", b"sizes: 99999 99999 99999"), (b"sizes: 6 5 4", b"sizes: -6 5 4"),
    (b"sizes: 6 5 4", b""), (b"dimension: 3", b"dimension: 3\ndimension: 3"), (b"type: short", b"type: " + b"x" * 300), (b"encoding: raw", b"encoding: raw\ndata file: /etc/passwd"),
    (b"encoding: raw", b"encoding: raw\ndata file: ../x.raw"), (b"space directions: (", b"space directions: (nan,"), (b"NRRD0004", b"NRRD9999"), (b"space:", b"\xff\xfe:"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), NRRD)
def test_an_nrrd_header_that_is_none(image, tmp_path, old, new, monkeypatch):
    path = written(image, tmp_path / "a.nrrd")
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    monkeypatch.setattr(sitk, "ReadImage", lambda name: pytest.fail("ITK was asked"))
    with pytest.raises(MaskwrightError, match=r"a\.nrrd: "):
        read_volume(path)


META = [(b"DimSize = 6 5 4", b"DimSize = 99999 99999 99999"), (b"DimSize = 6 5 4", b"DimSize = 6 5"), (b"NDims = 3", b"NDims = x"),
        (b"ElementDataFile = LOCAL", b"ElementDataFile = /etc/passwd"), (b"ElementDataFile = LOCAL", b""), (b"MET_SHORT", b"MET_short")]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), META)
def test_a_metaimage_header_that_is_none(image, tmp_path, old, new):
    path = written(image, tmp_path / "a.mha")
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    with pytest.raises(MaskwrightError, match=r"a\.mha: "):
        read_volume(path)

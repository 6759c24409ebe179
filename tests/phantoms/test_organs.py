import numpy as np
from scipy import ndimage

from maskwright.phantoms.organs import CLASSES, SPACING, make_organs, write_organs
from maskwright.volumes.read import read_labels, read_volume


def test_files_hold_what_was_made(tmp_path):
    write_organs(tmp_path, 1, 4)
    scan, labels = make_organs(1, 4)
    read = read_volume(tmp_path / "scans" / "VOLUME_01.nii.gz")
    assert np.array_equal(read.array, scan.array) and read.grid.spacing == SPACING and read.grid.orientation == "SPL"
    assert np.array_equal(read_labels(tmp_path / "labels" / "VOLUME_01.nii.gz", read).array, labels.array)
    before = (tmp_path / "scans" / "VOLUME_01.nii.gz").read_bytes()
    write_organs(tmp_path / "again", 1, 4)
    assert (tmp_path / "again" / "scans" / "VOLUME_01.nii.gz").read_bytes() == before


def test_two_organs_lie_beside_each_other():
    for patient in range(1, 5):
        scan, labels = make_organs(patient, 137)
        assert set(np.unique(labels.array)) == set(range(len(CLASSES)))
        left, right = (ndimage.center_of_mass(labels.array == number) for number in (1, 2))
        assert left[2] + 5 < right[2] and abs(left[0] - right[0]) < 4
        assert scan.array[labels.array == 2].mean() > scan.array[labels.array == 0].mean() + 20

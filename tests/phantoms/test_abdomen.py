import nibabel
import numpy as np

from maskwright.data.images import read_image
from maskwright.data.splits import patient_of
from maskwright.phantoms.abdomen import PATTERN, SPACING, make_phantom, to_grey, write_phantoms


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_phantoms(tmp_path / name, 2, seed)
    assert files(tmp_path / "a") == files(tmp_path / "b") != files(tmp_path / "c")


def test_slices_are_cut_from_the_volumes(tmp_path):
    write_phantoms(tmp_path, 1, 5)
    volume = nibabel.load(tmp_path / "volumes" / "PHANTOM_001.nii.gz")
    label = nibabel.load(tmp_path / "volumes" / "PHANTOM_001-label.nii.gz")
    assert np.allclose(volume.header.get_zooms(), SPACING[::-1])
    names = sorted(path.stem for path in (tmp_path / "images").iterdir())
    assert {patient_of(name, PATTERN) for name in names} == {"001"}
    empty = 0
    for name in names:
        z = int(name.split("-")[1]) - 1
        assert np.array_equal(read_image(tmp_path / "images" / f"{name}.png"), to_grey(volume.get_fdata()[..., z].T))
        mask = read_image(tmp_path / "masks" / f"{name}.png")
        assert np.array_equal(mask > 0, label.get_fdata()[..., z].T > 0)
        empty += not mask.any()
    assert 0 < empty < len(names) / 2


def test_the_pancreas_is_long_touches_its_neighbours_and_is_no_threshold():
    for patient in range(1, 6):
        phantom = make_phantom(patient, 137)
        inside = phantom.label > 0
        y, x = np.nonzero(inside.any(axis=0))
        assert np.ptp(x) > 1.5 * np.ptp(y)
        assert 0.001 < inside.mean() < 0.03
        ring = np.zeros_like(inside)
        for axis in (1, 2):
            ring |= np.roll(inside, 1, axis) | np.roll(inside, -1, axis)
        touching = phantom.volume[ring & ~inside]
        assert (touching > 20).mean() > 0.15  # other organs, not fat alone
        alike = (phantom.volume > 60) & (phantom.volume < 120)
        assert (alike & ~inside).sum() > 3 * inside.sum()

import numpy as np
from scipy import ndimage

from maskwright.data.images import read_image
from maskwright.data.splits import patient_of
from maskwright.phantoms.cells import CLASSES, PATTERN, PICTURES, make_tissue, write_cells


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    found = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_cells(tmp_path / name, 2, seed)
        found.append({path.name: path.read_bytes() for path in sorted((tmp_path / name).rglob("*.png"))})
    assert found[0] == found[1] != found[2] and len(found[0]) == 2 * PICTURES


def test_masks_of_nuclei_and_of_classes_are_of_one_picture(tmp_path):
    for name, classes in (("one", False), ("several", True)):
        write_cells(tmp_path / name, 1, 3, classes=classes)
    for path in sorted((tmp_path / "one" / "masks").iterdir()):
        nuclei, numbers = read_image(path), read_image(tmp_path / "several" / "masks" / path.name)
        assert set(np.unique(nuclei)) == {0, 255} and set(np.unique(numbers)) == set(range(len(CLASSES)))
        assert np.array_equal(nuclei > 0, np.isin(numbers, (1, 2))) and patient_of(path.stem, PATTERN) == "01"


def test_nuclei_touch_and_no_level_tells_them():
    tissue = [make_tissue(slide, number, 137) for slide in (1, 2) for number in range(2)]
    for one in tissue:
        nuclei = np.isin(one.label, (1, 2))
        sizes = np.bincount(ndimage.label(nuclei)[0].ravel())[1:]
        assert 15 < len(sizes) < 60 and sizes.max() > 3 * np.median(sizes), "some hang together"
        grey = one.image.mean(axis=2)
        best = max(
            2 * ((grey < level) & nuclei).sum() / ((grey < level).sum() + nuclei.sum()) for level in range(60, 220, 4)
        )
        assert best < 0.95
    assert abs(tissue[0].image.mean(axis=(0, 1)) - tissue[2].image.mean(axis=(0, 1))).max() > 3, "slides differ"

"""The pairs that decided what counts as nearly identical: real pictures and scans, copied, and others that look alike."""

import cv2
import numpy as np
import pytest

from maskwright.data.duplicates import NEAR, agreement, find_duplicates
from maskwright.data.images import read_image
from maskwright.data.model_space import to_model
from maskwright.data.preprocess import InputRule
from maskwright.data.records import Record
from maskwright.data.thumbnails import thumbnail, volume_thumbnail
from maskwright.volumes.orient import reorient
from maskwright.volumes.read import read_volume
from maskwright.volumes.window import limits, to_grey


def record(name, thumb):
    return Record(name, name, 1, 1, "uint8", 0, 255, [1], name, name, thumb)


@pytest.fixture(scope="module")
def pictures(shared_data):
    """Reads the pictures of a set, in order of their names."""

    def read(name, step=1):
        folder = shared_data / name if "/" in name else shared_data / "pictures" / name
        files = sorted(folder.glob("images/*" if "/" in name else "*/images/*"))
        return {path.stem: read_image(path) for path in files[::step]}

    return read


def jpeg(image, quality):
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_UNCHANGED)


def scaled(image, factor):
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def bent(image, gamma):
    return np.rint(255 * (image / 255) ** gamma).astype(np.uint8)


def noisy(image):
    """Noise of 2 % of the levels in use."""
    low, high = np.percentile(image, (1, 99))
    noise = np.random.default_rng(0).normal(0, 0.02 * (high - low), image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


CHANGES = {
    "jpeg 50": lambda p: jpeg(p, 50),
    "jpeg 85": lambda p: jpeg(p, 85),
    "half": lambda p: scaled(p, 0.5),
    "three quarters": lambda p: scaled(p, 0.75),
    "brighter": lambda p: cv2.convertScaleAbs(p, alpha=0.8, beta=20),
    "more contrast": lambda p: np.clip(p * 1.3 - 20, 0, 255).astype(np.uint8),
    "gamma 0.6": lambda p: bent(p, 0.6),
    "gamma 1.7": lambda p: bent(p, 1.7),
    "noise": noisy,
    "12 bits": lambda p: p.astype(np.uint16) * 16,
    "inverted": lambda p: 255 - p,
    "mirrored": lambda p: p[:, ::-1],
    "turned": lambda p: np.rot90(p),
    "half, gamma, jpeg, turned": lambda p: np.rot90(jpeg(bent(scaled(p, 0.5), 0.7), 70), 2),
}


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("vessels", 10),
        ("membranes", 10),
        pytest.param("nuclei", 120, marks=pytest.mark.slow),
        pytest.param("streets", 120, marks=pytest.mark.slow),
        pytest.param("pancreas-slices/test", 80, marks=pytest.mark.slow),
    ],
)
def test_copies_of_real_pictures_are_found(pictures, name, step):
    images = pictures(name)
    bank = [record(stem, thumbnail(image)) for stem, image in images.items()]
    for change, make in CHANGES.items():
        asked = [record(f"{change} {stem}", thumbnail(make(images[stem]))) for stem in list(images)[step // 2 :: step]]
        found = find_duplicates(asked, bank)
        assert [item.one for item in found] == [one.name for one in asked], change
        assert all(item.one == f"{change} {item.other}" for item in found), change
        assert min(item.similarity for item in found) > NEAR + 0.01, change


@pytest.mark.parametrize(
    ("name", "most"),
    [("vessels", 0.7), ("membranes", 0.45)],
)
def test_pictures_that_look_alike_are_far_from_copies(pictures, name, most):
    thumbs = [thumbnail(image) for image in pictures(name).values()]
    values = [agreement(one, other) for place, one in enumerate(thumbs) for other in thumbs[:place]]
    assert len(values) == 435 and max(values) < most


def test_no_nucleus_picture_is_another(pictures):
    records = {stem: record(stem, thumbnail(image)) for stem, image in pictures("nuclei").items()}
    layers = [records.pop(stem) for stem in ("20b20ab04937", "cb4df20a83b2")]  # of one embryo, the nearest of all
    assert find_duplicates(layers, list(records.values())) == []
    assert 0.75 < agreement(*(one.thumbnail for one in layers)) < NEAR - 0.02
    names = list(records)
    assert find_duplicates([records[n] for n in names[::4]], [records[n] for n in names[1::2]]) == []


@pytest.mark.slow
def test_slices_of_other_patients_are_not_copies(pictures):
    parts = {}
    for part, step in (("train", 2), ("test", 1)):
        images = pictures(f"pancreas-slices/{part}", step)
        parts[part] = [record(stem, thumbnail(image)) for stem, image in images.items()]
    assert find_duplicates(parts["test"], parts["train"]) == []


def test_what_is_nearer_than_a_copy_counts_as_nearly_identical(pictures):
    """A camera that waits at a traffic light, and slices a millimetre apart: no threshold lies below all copies only."""
    streets, slices = pictures("streets"), pictures("pancreas-slices/train")
    pairs = [
        (streets["Seq05VD_f02280"], streets["Seq05VD_f02550"]),
        (slices["PANCREAS_0035-1120"], slices["PANCREAS_0035-1121"]),
    ]
    assert all(agreement(thumbnail(one), thumbnail(other)) > 0.95 for one, other in pairs)
    moving = agreement(thumbnail(streets["0001TP_007500"]), thumbnail(streets["0001TP_008910"]))
    apart = agreement(thumbnail(slices["PANCREAS_0035-1121"]), thumbnail(slices["PANCREAS_0035-1138"]))
    assert moving < 0.4 and apart < NEAR


WINDOWS = ["abdomen", "400/1800", "full", "40/300", "-600/1500"]


@pytest.mark.parametrize("kind", ["dicom-series", "ct.nii.gz"])
def test_slices_of_a_ct_are_recognised_through_every_window(shared_data, kind):
    scan = reorient(read_volume(shared_data / "ct-abdomen" / kind), "SPL").array[::4]
    bank = [record(f"slice {number}", thumbnail(one)) for number, one in enumerate(scan)]
    for window in WINDOWS:
        grey = to_grey(scan, *limits(window, scan))
        found = find_duplicates([record(f"w{number}", thumbnail(one)) for number, one in enumerate(grey)], bank)
        assert [item.other for item in found] == [one.name for one in bank], window
    one, other = (to_grey(scan[2], *limits(window, scan)) for window in ("abdomen", "-600/1500"))
    assert agreement(thumbnail(one), thumbnail(other)) > NEAR


@pytest.mark.parametrize("window", ["", *WINDOWS[:4]])
@pytest.mark.parametrize("kind", ["dicom-series", "ct.nii.gz"])
def test_a_ct_is_recognised_in_the_space_of_a_network(shared_data, kind, window):
    scan = read_volume(shared_data / "ct-abdomen" / kind)
    rule = InputRule(64, 64, 1, "float32", window=window, depth=16, spacing=(4.5, 2.5, 2.5))
    trained, scored = to_model(scan, rule).array, reorient(scan, rule.orientation).array
    assert agreement(volume_thumbnail(trained), volume_thumbnail(scored)) > 0.92


def test_hippocampi_are_recognised_and_not_mixed_up(shared_data):
    scans = {path.name: read_volume(path) for path in sorted((shared_data / "hippocampus/imagesTr").glob("*.nii.gz"))}
    rule = InputRule(64, 64, 1, "float32", depth=16, spacing=(2.5, 1.5, 1.5))
    bank = [record(name, volume_thumbnail(reorient(scan, rule.orientation).array)) for name, scan in scans.items()]
    assert len(bank) > 150
    assert find_duplicates(bank[::2], bank[1::2]) == []
    names = list(scans)[::15]
    found = find_duplicates([record(f"x{n}", volume_thumbnail(to_model(scans[n], rule).array)) for n in names], bank)
    assert [item.other for item in found] == names and min(item.similarity for item in found) > 0.92

"""A model in memory gives what the command line writes, for everything that Python programs hold pictures in."""

import dataclasses

import nibabel
import numpy as np
import pytest
from PIL import Image
from scans import SERIES_AFFINE

import maskwright as mw
from maskwright.api.model import Model
from maskwright.config.schema import PredictSection
from maskwright.data.images import read_image
from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.inference.volumes import predict_scan
from maskwright.labels.rule import LabelRule
from maskwright.volumes import Volume
from maskwright.volumes.nifti import write_nifti
from maskwright.volumes.read import read_labels, read_volume

pytest.importorskip("uvicorn", reason="the service's packages are not installed, and its engine is used here")
from service import Bright

SLICES = InputRule(32, 32, 1, window="abdomen")
VOLUMES = InputRule(16, 16, 1, depth=8, spacing=(2.5, 0.8, 0.9), dtype="float32")


@pytest.fixture
def model(trained_run, quiet):
    return mw.load(trained_run, reporter=quiet)


@pytest.fixture
def picture(dataset):
    return sorted((dataset / "images").iterdir())[4]


def bright(rule, quiet, channels=1, **metadata):
    engine = Bright(rule, channels)
    engine.metadata = dataclasses.replace(engine.metadata, **metadata)
    return Model(engine, PredictSection(), quiet, "bright")


@pytest.fixture
def scan():
    """A bright ball in 12 slices; no two axes are alike, and they run backwards."""
    d, h, w = np.indices((12, 40, 36))
    inside = ((d - 5) * 2.5) ** 2 + ((h - 22) * 0.8) ** 2 + ((w - 15) * 0.9) ** 2 < 9**2
    return Volume(np.where(inside, 200, -500).astype(np.int16), SERIES_AFFINE)


def test_a_picture_gets_the_mask_that_predict_writes(model, trained_run, picture, quiet, tmp_path):
    mw.predict(trained_run, picture, output=tmp_path / "out", reporter=quiet)
    written = read_image(tmp_path / "out" / f"{picture.stem}.png")
    array = read_image(picture)
    for given in (picture, str(picture), array, array[..., None], np.dstack([array] * 3), Image.open(picture),
                  array.astype(np.uint16) * 257, array.astype(np.float32) / 255, array.astype(np.float64) / 255):  # fmt: skip
        found = model.predict(given)
        assert found.mask.dtype == np.uint8 and np.array_equal(found.mask * 255, written)
        assert found.probabilities.shape == (32, 32, 1)
        assert np.array_equal(found.probabilities[..., 0] >= 0.5, found.mask == 1)
    assert written.any() and model.classes == found.classes == {0: "background", 1: "foreground"}
    saved = found.save(tmp_path / "mask.png")
    assert np.array_equal(read_image(saved), written)
    with pytest.raises(MaskwrightError, match="is there already"):
        found.save(saved)
    with pytest.raises(MaskwrightError, match=r"End it with \.png"):
        found.save(tmp_path / "mask.jpg")


def test_what_is_measured_is_ready_for_a_table(model, picture):
    found = model.predict(read_image(picture), spacing=(0.5, 0.25))
    (row,) = found.measures()
    inside = int(found.mask.sum())
    assert row == {"label": 1, "name": "foreground", "pixels": inside, "share": inside / 1024,
                   "area_mm2": inside * 0.125}  # fmt: skip
    dark = model.predict(np.zeros((32, 32), np.uint8) + np.uint8(3))
    assert dark.measures()[0]["pixels"] == int(dark.mask.sum())
    pandas = pytest.importorskip("pandas")
    assert pandas.DataFrame(found.measures()).area_mm2.sum() == inside * 0.125


def test_it_shows_itself(model, picture):
    found = model.predict(picture)
    assert found.overlay().size == (32, 32) and found.overlay().mode == "RGB"
    page = found._repr_html_()
    assert page.count("<img") == 1 and page.count("<tr>") == 2 and "foreground" in page and str(picture) in page
    assert repr(found).startswith("<Segmentation of ") and "foreground" in repr(found)
    assert repr(model).startswith("<Model unet of ") and "32 x 32 x 1 -> foreground" in repr(model)


def test_the_keras_model_itself(model, picture, quiet):
    inputs = read_image(picture).astype(np.float32)[None, ..., None] / 255
    assert np.allclose(np.asarray(model.keras_model(inputs))[0], model.predict(picture).probabilities, atol=1e-6)
    with pytest.raises(MaskwrightError, match="is not one Keras model"):
        _ = bright(SLICES, quiet).keras_model


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.zeros((20, 20), np.int64), "int64 values, of which nobody knows which are black and white"),
        (np.zeros((20, 20), bool), "bool values"),
        (np.full((20, 20), np.nan, np.float32), "not finite"),
        (np.zeros((3, 20, 20), np.uint8), r"is no picture .* of 1 or 3 channels"),
        (np.zeros(20, np.uint8), "is no picture"),
        (np.zeros((0, 20), np.uint8), "holds no pixels"),
        ([[1, 2]], "is a list"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_way_out(model, array, match):
    with pytest.raises(MaskwrightError, match=match):
        model.predict(array)


def test_a_scale_of_mm_asks_for_the_size_of_pixels(quiet):
    model = bright(InputRule(32, 32, 1, fit="patch", pixel_size=0.5, pixel_unit="mm"), quiet)
    image = np.kron(np.array([[0, 255]], np.uint8), np.ones((40, 20), np.uint8))
    with pytest.raises(MaskwrightError, match=r"Give spacing=") as error:
        model.predict(image)
    assert "0.5 mm" in str(error.value)
    assert model.predict(image, spacing=0.5).mask[:, 25:].all()
    with pytest.raises(MaskwrightError, match="2 numbers above 0"):
        model.predict(image, spacing=(0.5, -1))


def test_regions_are_measured_by_their_names(quiet):
    rule = LabelRule("index", 3, regions=((1, 2), (2,)))
    engine = Bright(InputRule(32, 32, 1), 2)
    engine.metadata = dataclasses.replace(engine.metadata, class_names=["background", "all", "core"], label_rule=rule)
    engine.probabilities = lambda inputs, batch_size=None: np.concatenate([inputs, inputs - 0.3], axis=-1)
    image = np.repeat(np.array([[0] * 16 + [150] * 8 + [250] * 8], np.uint8), 32, axis=0)
    found = Model(engine, PredictSection(), quiet, "regions").predict(image)
    assert [(row["label"], row["pixels"]) for row in found.measures()] == [("all", 16 * 32), ("core", 8 * 32)]


@pytest.mark.parametrize("rule", [SLICES, VOLUMES], ids=["slices", "volumes"])
def test_scans_of_every_kind_come_back_in_their_own_order(rule, scan, quiet, tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    expected = predict_scan(Bright(rule), scan, PredictSection()).labels
    assert 0.01 < expected.array.mean() < 0.3
    write_nifti(scan, tmp_path / "scan.nii.gz")
    model = bright(rule, quiet)
    image = nibabel.load(tmp_path / "scan.nii.gz")
    found = model.predict(image, probabilities=True)
    assert found.mask.shape == image.shape and np.array_equal(found.mask, expected.array.transpose(2, 1, 0))
    back = found.like_input()
    assert np.array_equal(back.affine, image.affine) and np.array_equal(np.asanyarray(back.dataobj), found.mask)
    assert np.array_equal(found.probabilities[..., 0] >= 0.5, found.mask == 1)

    itk = sitk.ReadImage(str(tmp_path / "scan.nii.gz"))
    of_itk = model.predict(itk)
    assert np.array_equal(of_itk.mask, expected.array)
    same = of_itk.like_input()
    assert same.GetDirection() == itk.GetDirection() and same.GetOrigin() == itk.GetOrigin()
    assert np.array_equal(sitk.GetArrayFromImage(same), expected.array)
    with pytest.raises(MaskwrightError, match="were not kept"):
        _ = of_itk.probabilities

    # An array lies as the network's own slices do.
    of_array = model.predict(scan.array, spacing=scan.grid.spacing)
    assert np.array_equal(
        of_array.mask, predict_scan(Bright(rule), _as_seen(scan, rule), PredictSection()).labels.array
    )
    of_file = model.predict(tmp_path / "scan.nii.gz")
    saved = of_file.save(tmp_path / "mask.nii.gz")
    assert np.array_equal(read_labels(saved, read_volume(tmp_path / "scan.nii.gz")).array, expected.array)
    (row,) = of_file.measures()
    assert row["volume_ml"] == pytest.approx(expected.array.sum() * scan.grid.voxel_ml)
    assert of_file.overlay().size == (36, 40) and "volume_ml" in of_file._repr_html_()


def _as_seen(scan, rule):
    from maskwright.volumes.volume import affine_of

    return Volume(scan.array, affine_of(rule.orientation, scan.grid.spacing))


def test_what_a_scan_must_say(scan, quiet):
    model = bright(VOLUMES, quiet)
    with pytest.raises(MaskwrightError, match="how far its voxels are apart"):
        model.predict(scan.array)
    with pytest.raises(MaskwrightError, match="the model takes volumes"):
        model.predict(Image.new("L", (30, 30)))
    lost = nibabel.Nifti1Image(scan.array, None)
    with pytest.raises(MaskwrightError, match="nowhere in the patient"):
        model.predict(lost)
    with pytest.raises(MaskwrightError, match="is known by a nibabel image itself"):
        model.predict(nibabel.Nifti1Image(scan.array, np.eye(4)), spacing=(1, 1, 1))
    nothing = model.predict(np.full((9, 20, 20), -900, np.int16), spacing=(1, 1, 1))
    assert nothing.measures() == [{"label": 1, "name": "organ 1", "voxels": 0, "volume_ml": 0.0}]


def test_a_single_slice_of_a_network_that_sees_its_neighbours_is_told(quiet, capsys):
    model = bright(dataclasses.replace(SLICES, neighbours=1, slice_pattern=r"(\d+)$"), quiet)
    for _ in range(2):
        model.predict(np.full((32, 32), 255, np.uint8))
    assert capsys.readouterr().err.count("stands in for its own") == 1

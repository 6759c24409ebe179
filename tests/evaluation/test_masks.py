"""Every score of a mask together, the degenerate cases, pooling, and the files."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scans import SERIES_AFFINE, write_series

from maskwright.cli import main
from maskwright.errors import MaskwrightError
from maskwright.evaluation.calibration import Calibrations
from maskwright.evaluation.distances import NAMES as SURFACES
from maskwright.evaluation.masks import Scale, picture_scale, scan_scale, score_masks
from maskwright.evaluation.nnunet import nnunet_summary
from maskwright.evaluation.scores import pool
from maskwright.evaluation.summary import headline, report
from maskwright.labels.rule import LabelRule
from maskwright.volumes import Volume
from maskwright.volumes.nifti import write_nifti

ONE = LabelRule("binary", 2)
PX = Scale((1.0, 1.0), 1.0, 2.0, "px", "px")


def box(shape, *parts, value=1):
    label = np.zeros(shape, np.uint8)
    label[tuple(slice(*part) for part in parts)] = value
    return label


def only(prediction, truth, rule=ONE, scale=PX):
    return score_masks("a", "a", prediction, truth, rule, scale).values()[0]


@pytest.mark.parametrize("shape", [(12, 14), (1, 12, 14), (6, 12, 14)], ids=["picture", "one slice", "volume"])
def test_empty_one_pixel_and_the_border(shape):
    scale = Scale((1.0,) * len(shape), 0.5, 1.0)
    nothing, pixel, border = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    pixel[(0, 5, 5)[-len(shape) :]] = 1
    border[..., 0] = 1
    both = only(nothing, nothing, scale=scale)
    assert both["dice"] == both["iou"] == both["component_f1"] == both["accuracy"] == 1
    assert both["volume_difference"] == 0 and math.isnan(both["sensitivity"])
    assert all(math.isnan(both[name]) for name in SURFACES)  # there is no surface, so there is no distance
    assert math.isnan(both["volume_relative_difference"])
    for one, other, size in ((nothing, pixel, -0.5), (pixel, nothing, 0.5)):
        found = only(one, other, scale=scale)
        assert found["dice"] == found["surface_dice"] == found["panoptic_quality"] == 0
        assert math.isnan(found["hausdorff95"]) and found["volume_difference"] == size
    for mask in (pixel, border):
        same = only(mask, mask, scale=scale)
        assert same["dice"] == same["surface_dice"] == same["panoptic_quality"] == 1 and same["hausdorff"] == 0
        assert same["volume_relative_difference"] == 0


def test_distances_are_millimetres_along_each_axis():
    one, other = box((8, 10, 10), (2, 4), (3, 6), (3, 6)), box((8, 10, 10), (3, 5), (3, 6), (3, 6))
    found = only(one, other, scale=scan_scale((5.0, 1.0, 1.0), 0.005, 2.0))
    assert found["hausdorff"] == 5 and found["volume_true"] == pytest.approx(18 * 0.005)
    assert (
        only(np.moveaxis(one, 0, 2), np.moveaxis(other, 0, 2), scale=scan_scale((5.0, 1.0, 1.0), 0.005, 2.0))[
            "hausdorff"
        ]
        == 1
    )


def test_sixteen_classes_each_by_itself():
    rng = np.random.default_rng(0)
    rule = LabelRule("index", 16)
    truth, found = (rng.integers(0, 16, (20, 22)).astype(np.uint8) for _ in range(2))
    values = score_masks("a", "a", found, truth, rule, PX).values()
    assert len(values) == 15
    for number, row in enumerate(values, start=1):
        assert row == pytest.approx(
            only((found == number).astype(np.uint8), (truth == number).astype(np.uint8)), nan_ok=True
        )


def test_regions_and_what_is_ignored():
    rule = LabelRule("index", 5, ignore=9, regions=((1, 2, 4), (4,)))
    truth, found = box((9, 9), (1, 6), (1, 6), value=2), box((9, 9), (1, 6), (1, 8), value=1)
    truth[2:4, 2:4] = found[2:4, 2:4] = 4
    truth[:, 6:] = 255
    whole, inner = score_masks("a", "a", found, truth, rule, PX).values()
    assert whole["dice"] == inner["dice"] == 1 and whole["hausdorff"] == inner["hausdorff"] == 0


@given(st.integers(0, 1000))
def test_a_patient_is_its_images_together(seed):
    rng = np.random.default_rng(seed)
    parts = [(rng.random((2, 9, 8)) > 0.6).astype(np.uint8) for _ in range(3)]
    images = [score_masks(f"{i}", "p", *part, ONE, PX, Calibrations(ONE)) for i, part in enumerate(parts)]
    (patient,) = pool(images)
    stacked = np.concatenate(parts, axis=1)
    assert patient.values()[0]["dice"] == pytest.approx(only(*stacked)["dice"])
    assert patient.values()[0]["volume_true"] == stacked[1].sum()


def test_scales():
    assert picture_scale([], 2).units == {"distance": "px", "volume": "px", "tolerance": 2}
    assert (
        picture_scale([0.5, 0.8], 2).pixel == pytest.approx(0.4) and picture_scale([0.5, 0.8], 2).volume_unit == "mm²"
    )
    three = picture_scale([5.0, 0.5, 0.8], 2)
    assert three.spacing == (0.5, 0.8) and three.pixel == pytest.approx(0.002) and three.volume_unit == "ml"
    with pytest.raises(MaskwrightError, match="has 1 numbers"):
        picture_scale([1.0], 2)


def test_the_report_has_agreement_calibration_the_worst_and_the_undefined():
    images = []
    for number in range(12):
        truth = box((30, 30), (2, 3 + number), (2, 12))
        found = box((30, 30), (2, 3 + number), (2, 11)) if number else np.zeros_like(truth)
        calibration = Calibrations(ONE)
        calibration.add(found[..., None].astype(np.float32), truth)
        images.append(score_masks(f"i{number}", f"p{number:02d}", found, truth, ONE, PX, calibration))
    summary = {"units": PX.units, **report(images, ["background", "organ"], 200)}
    assert summary["worst"][0] == {"patient": "p00", "dice": 0.0} and len(summary["worst"]) == 10
    assert summary["per_patient"]["hausdorff95"]["undefined"] == 1 and summary["per_patient"]["hausdorff95"]["n"] == 11
    assert summary["agreement"]["organ"]["n"] == 12 and summary["agreement"]["organ"]["concordance"] > 0.9
    missed = 10 + sum(1 + number for number in range(1, 12))  # the first wholly, of the others a column
    assert summary["calibration"]["brier"] == pytest.approx(missed / (12 * 30 * 30))
    assert "95th percentile of distances 1.00 px; 1 undefined, 0.917 within 2 px" in headline(summary)
    json.dumps(summary)


def test_nnunets_layout():
    truth, found = box((9, 9), (1, 5), (1, 5)), box((9, 9), (1, 5), (1, 4))
    nothing = np.zeros_like(truth)
    images = [score_masks("a", "a", found, truth, ONE, PX), score_masks("b", "b", nothing, nothing, ONE, PX)]
    summary = nnunet_summary(images, {"a": ("p/a.png", "t/a.png"), "b": ("p/b.png", "t/b.png")})
    first = summary["metric_per_case"][0]
    assert first["metrics"]["1"] == {
        "Dice": pytest.approx(24 / 28), "IoU": 0.75, "TP": 12, "FP": 0, "FN": 4, "TN": 65, "n_pred": 12, "n_ref": 16,
    }  # fmt: skip
    assert math.isnan(summary["metric_per_case"][1]["metrics"]["1"]["Dice"])
    assert summary["foreground_mean"]["Dice"] == summary["mean"]["1"]["Dice"] == pytest.approx(24 / 28)
    assert summary["mean"]["1"]["n_ref"] == 8 and first["prediction_file"] == "p/a.png"


@pytest.mark.parametrize("kind", ["nifti", "seg"])
def test_score_on_anybodys_label_maps(tmp_path, capsys, kind):
    truth = box((6, 20, 22), (1, 5), (4, 12), (4, 12))
    truth[2:4, 5:8, 5:8] = 2
    found = np.roll(truth, 1, axis=2)
    for folder, array in (("truth", truth), ("found", found)):
        (tmp_path / folder).mkdir()
        if kind == "seg" and folder == "found":
            from maskwright.volumes.dicom_seg import write_segmentation
            from maskwright.volumes.read import read_volume

            write_series(tmp_path / "scan", np.zeros(truth.shape))
            scan = read_volume(tmp_path / "scan")
            write_segmentation(scan.with_array(array), scan, tmp_path / folder / "P1.dcm")
        else:
            write_nifti(Volume(array, SERIES_AFFINE), tmp_path / folder / "P1.nii.gz")
    arguments = ["score", str(tmp_path / "found"), str(tmp_path / "truth"), "--classes", "3", "--json",
                 "--nnunet", str(tmp_path / "summary.json"), "--output", str(tmp_path / "out")]  # fmt: skip
    assert main(arguments) == 0
    summary = json.loads(capsys.readouterr().out)
    class_1 = summary["per_patient"]["class 1"]
    assert class_1["hausdorff"]["mean"] == pytest.approx(0.9, abs=1e-4)  # a column of SERIES_AFFINE
    assert class_1["volume_true"]["mean"] == pytest.approx((truth == 1).sum() * 2.5 * 0.8 * 0.9 / 1000, rel=1e-4)
    assert summary["units"]["volume"] == "ml"
    told = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert told["mean"]["1"]["TP"] == ((truth == 1) & (found == 1)).sum()
    assert "hausdorff95" in (tmp_path / "out" / "per_patient.csv").read_text(encoding="utf-8").splitlines()[0]


def test_calibration_of_each_class_is_that_of_the_class_alone():
    rng = np.random.default_rng(0)
    rule, one = LabelRule("index", 4), LabelRule("binary", 2)
    truths = [rng.integers(0, 4, (11, 12)).astype(np.uint8) for _ in range(2)]
    truths[0][:2] = 255
    images = []
    for number, truth in enumerate(truths):
        p = rng.dirichlet(np.ones(4), truth.shape).astype(np.float32)
        together = Calibrations(rule)
        together.add(p, truth)
        images.append(score_masks(f"{number}", "p", p.argmax(-1).astype(np.uint8), truth, rule, PX, together))
        for place, row in enumerate(images[-1].values(), start=1):
            alone = Calibrations(one)
            alone.add(p[..., place : place + 1], np.where(truth == 255, 255, truth == place).astype(np.uint8))
            assert (
                row["brier"] == pytest.approx(alone.whole.brier)
                and row["expected_calibration_error"] == alone.whole.error
            )
    (patient,) = pool(images)
    pixels = [image.calibration.pixels for image in images]
    for place, row in enumerate(patient.values()):
        values = [image.values()[place]["brier"] for image in images]
        assert row["brier"] == pytest.approx(np.average(values, weights=pixels))

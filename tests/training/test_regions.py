"""Cases of several files and overlapping regions, from the configuration to the measures."""

import json

import numpy as np
import pytest
from scans import affine_of

import maskwright as mw
from maskwright.cli import main
from maskwright.models.saving import read_metadata
from maskwright.volumes import Volume
from maskwright.volumes.channels import read_channels
from maskwright.volumes.nifti import write_nifti
from maskwright.volumes.orient import reorient
from maskwright.volumes.read import read_labels

CONFIG = """
[data]
images = "cases"
masks = "cases"
channel_patterns = ["*_t1.nii.gz", "*_t2.nii.gz"]
mask_pattern = "*_seg.nii.gz"
spacing = [1.0, 1.0, 1.0]
valid_fraction = 0.25
test_fraction = 0.25
cache_dir = "cache"
[mask.regions]
whole = [1, 2, 4]
core = [1, 4]
enhancing = [4]
[model]
name = "unet_3d"
image_depth = 16
image_height = 16
image_width = 16
image_channels = 2
num_classes = 3
num_layers = 2
base_filters = 8
[augmentation]
probability = 0.2
[train]
loss = "dice_ce_loss"
metrics = ["dice_per_image"]
epochs = 10
steps_per_epoch = 6
batch_size = 2
learning_rate = 0.02
learning_rate_schedule = "cosine"
warmup_epochs = 1
patience = 0
precision = "float32"
[predict]
precision = "float32"
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Eight cases of two channels; the second shows what the first does not."""
    folder = tmp_path_factory.mktemp("brats")
    rng = np.random.default_rng(0)
    for number in range(8):
        shape = tuple(int(edge) for edge in rng.integers(16, 20, 3))
        affine = affine_of([2, 1, 0], (1, -1, -1), (1.0, 1.0, 1.0), (0, 0, 0), (10, 5, -8))
        d, h, w = np.indices(shape)
        far = np.sqrt((d - shape[0] / 2) ** 2 + (h - shape[1] / 2) ** 2 + (w - shape[2] / 2) ** 2)
        label = np.select([far < 3, far < 5, far < 7], [4, 1, 2], 0).astype(np.uint8)
        one = np.array([100, 300, 300, 0, 300])[label] + rng.normal(0, 15, shape)
        two = np.array([100, 400, 100, 0, 700])[label] + rng.normal(0, 15, shape)
        case = folder / "cases" / f"B_{number}"
        case.mkdir(parents=True)
        for kind, array in (("t1", one), ("t2", two), ("seg", label)):
            volume = Volume(np.rint(array).astype(np.int16 if kind != "seg" else np.uint8), affine)
            write_nifti(reorient(volume, "LPI") if kind == "t2" else volume, case / f"B_{number}_{kind}.nii.gz")
    (folder / "config.toml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def run(study, quiet):
    return mw.train(study / "config.toml", run_dir=study / "run", reporter=quiet)


def test_channels_lie_on_each_other_whatever_their_direction(study):
    case = study / "cases" / "B_0"
    volume = read_channels([case / "B_0_t1.nii.gz", case / "B_0_t2.nii.gz"])
    label = read_labels(case / "B_0_seg.nii.gz", volume).array
    assert volume.array.shape == (*label.shape, 2)
    assert volume.array[label == 4].mean(axis=0) == pytest.approx([300, 700], abs=5)


def test_regions_are_trained_scored_and_measured(study, run, quiet):
    metadata = read_metadata(run.model_file)
    assert metadata.options["final_activation"] == "sigmoid" and metadata.label_rule.regions[1] == (1, 4)
    summary = mw.evaluate(run, reporter=quiet).summary["per_patient"]
    assert all(summary[name]["dice"]["mean"] > 0.8 for name in ("whole", "core", "enhancing"))
    done = mw.predict(run, study / "cases", output=study / "out", reporter=quiet)
    assert len(done.masks) == 8
    scan = read_channels([study / "cases" / "B_0" / f"B_0_{kind}.nii.gz" for kind in ("t1", "t2")])
    label = read_labels(study / "out" / "B_0.nii.gz", scan).array
    assert set(np.unique(label)) == {0, 1, 2, 4}
    facts = json.loads((study / "out" / "measures.json").read_text(encoding="utf-8"))["scans"]["B_0"]["labels"]
    assert facts["core"]["voxels"] == np.isin(label, (1, 4)).sum() and facts["whole"]["label_numbers"] == [1, 2, 4]
    assert facts["core"]["mean_2"] > facts["whole"]["mean_2"] + 50


def test_settings_are_chosen_by_their_score_and_used_afterwards(study, run, quiet, capsys):
    before = mw.evaluate(run, split="valid", reporter=quiet).summary["per_patient"]["dice"]["mean"]
    assert main(["tune", str(run.path), "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["before"] == pytest.approx(before, abs=0.01) and found["after"] >= found["before"]
    assert found["after"] == pytest.approx(
        mw.evaluate(run, split="valid", reporter=quiet).summary["per_patient"]["dice"]["mean"], abs=0.01
    )
    assert read_metadata(run.model_file).predict == found["settings"] and len(found["tried"]) > 40
    again = mw.predict(run.model_file, study / "cases" / "B_1", output=study / "alone", reporter=quiet)
    told = json.loads((again.output / "predictions.json").read_text(encoding="utf-8"))["thresholds"]
    assert told == found["settings"]["threshold"]


def test_a_channel_that_lies_elsewhere_and_one_that_is_missing(study, tmp_path, capsys):
    case = tmp_path / "cases" / "B_9"
    case.mkdir(parents=True)
    for kind in ("t1", "t2"):
        (case / f"B_9_{kind}.nii.gz").write_bytes((study / "cases" / "B_1" / f"B_1_{kind}.nii.gz").read_bytes())
    model = str(study / "run" / "model.keras")
    (case / "B_9_t2.nii.gz").write_bytes((study / "cases" / "B_0" / "B_0_t2.nii.gz").read_bytes())
    assert main(["predict", model, str(case), "--output", str(tmp_path / "out")]) == 2
    assert "does not lie on the first channel B_9_t1.nii.gz" in capsys.readouterr().err
    (case / "B_9_t2.nii.gz").unlink()
    assert main(["predict", model, str(case), "--output", str(tmp_path / "out")]) == 2
    assert "*_t2.nii.gz matches no file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

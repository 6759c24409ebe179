import json

import numpy as np
import pytest
from scans import affine_of

import maskwright as mw
from conftest import cut_off
from maskwright.cli import main
from maskwright.config import load
from maskwright.data.splits import collect
from maskwright.errors import MaskwrightError
from maskwright.models.saving import load_model, read_metadata
from maskwright.volumes import Volume
from maskwright.volumes.nifti import write_nifti
from maskwright.volumes.orient import reorient
from maskwright.volumes.read import read_labels, read_volume

CONFIG = """
[data]
images = "imagesTr"
masks = "labelsTr"
split_file = "splits.json"
valid_fraction = 0.25
cache_dir = "cache"
[mask]
classes = ["background", "ball", "shell"]
[model]
name = "unet_3d"
image_depth = 16
image_height = 16
image_width = 16
num_classes = 3
num_layers = 2
base_filters = 8
[augmentation]
probability = 0.3
[train]
loss = "dice_ce_loss"
metrics = ["dice_per_image"]
epochs = 12
batch_size = 2
learning_rate = 0.01
precision = "float32"
[predict]
precision = "float32"
"""


@pytest.fixture
def study(tmp_path):
    """Eight volumes with a ball in a shell, in spacings and directions of their own."""
    rng = np.random.default_rng(0)
    for number in range(8):
        shape = tuple(int(edge) for edge in rng.integers(16, 22, 3))
        spacing = (float(rng.uniform(1.6, 2.4)), 1.0, 1.0)
        affine = affine_of([2, 1, 0], (1, -1, -1), spacing, (0, 0, 0), (10, 5, -8))
        d, h, w = np.indices(shape)
        distance = np.sqrt(((d - shape[0] / 2) * 1.1) ** 2 + (h - shape[1] / 2) ** 2 + (w - shape[2] / 2) ** 2)
        label = np.where(distance < 4, 1, np.where(distance < 6.5, 2, 0)).astype(np.uint8)
        image = np.array([100, 400, 250], np.int16)[label] + rng.normal(0, 20, shape)
        one, marks = Volume(np.rint(image).astype(np.int16), affine), Volume(label, affine)
        if number % 3 == 1:
            one, marks = reorient(one, "RAS"), reorient(marks, "LIP")
        write_nifti(one, tmp_path / "imagesTr" / f"case_{number}.nii.gz")
        write_nifti(marks, tmp_path / "labelsTr" / f"case_{number}.nii.gz")
    parts = {"train": [f"case_{n}" for n in range(8) if n % 4], "test": ["case_0", "case_4"]}
    (tmp_path / "splits.json").write_text(json.dumps(parts))
    (tmp_path / "config.toml").write_text(CONFIG)
    return tmp_path


def test_patches_are_trained_on_and_whole_scans_scored(study, quiet):
    run = mw.train(study / "config.toml", run_dir=study / "run", reporter=quiet)
    rows = run.history()
    assert rows[-1]["loss"] < rows[0]["loss"] / 2 and "val_dice_per_image" in rows[0]
    best = max(rows, key=lambda row: row["val_dice"])
    assert best["val_dice"] > 0.7 and read_metadata(run.model_file).training["epoch"] == best["epoch"]
    rule = read_metadata(run.model_file).input_rule
    assert rule.shape == (16, 16, 16, 1) and len(rule.spacing) == 3 and 1.6 < rule.spacing[0] < 2.4
    summary = mw.evaluate(run, reporter=quiet).summary
    assert summary["per_patient"]["dice"]["n"] == 2 and summary["per_patient"]["dice"]["mean"] > 0.7
    assert summary["warnings"] == []
    done = mw.predict(run, study / "imagesTr", output=study / "out", overrides=["predict.mirror=true"], reporter=quiet)
    assert len([path for path in done.masks if path.name.endswith(".nii.gz")]) == 8
    scan = read_volume(study / "imagesTr" / "case_4.nii.gz")
    found = read_labels(study / "out" / "case_4.nii.gz", scan).array
    truth = read_labels(study / "labelsTr" / "case_4.nii.gz", scan).array
    assert (
        found.shape == truth.shape
        and 2 * ((found == 1) & (truth == 1)).sum() / ((found == 1).sum() + (truth == 1).sum()) > 0.6
    )


def test_deep_supervision_resume_and_an_ensemble(study, quiet):
    options = ["model.name=nnunet", "model.options={'deep_supervision': True}", "model.num_layers=3",
               "model.base_filters=4", "model.image_width=18", "train.class_weights=[1, 5, 2]"]  # fmt: skip

    def train(name, **more):
        overrides = [*options, "train.epochs=2"]
        return mw.train(study / "config.toml", overrides=overrides, run_dir=study / name, reporter=quiet, **more)

    with cut_off(1, study / "part"):
        whole = train("whole")
    part = train("part", resume=True)
    with np.load(whole.checkpoint_file) as one, np.load(part.checkpoint_file) as other:
        assert all(np.array_equal(one[name], other[name]) for name in one.files if name != "state")
    assert {"dice_per_image", "val_dice_per_image"} <= set(whole.history()[0])
    model, metadata = load_model(whole.model_file)
    assert model.output.shape[1:] == (16, 16, 18, 3) and metadata.options["deep_supervision"]
    assert part.config.train.class_weights == [1, 5, 2]
    scan = study / "imagesTr" / "case_0.nii.gz"
    done = mw.predict(whole, scan, output=study / "both", ensemble=[part.path], reporter=quiet)
    facts = json.loads((study / "both" / "measures.json").read_text(encoding="utf-8"))["scans"]["case_0"]["labels"]
    assert done.masks and all(len(one["members_ml"]) == 2 and one["std_ml"] == 0 for one in facts.values())


def test_a_listed_split_is_kept_and_its_mistakes_are_told(study):
    data = load(study / "config.toml").config.data
    splits = collect(data, scans=True)
    assert [pair.name for pair in splits["test"]] == ["case_0", "case_4"] and len(splits["valid"]) == 2
    for content, words in (
        ("[1", "lists no parts"),
        ('{"train": ["case_9"]}', "case_9, of which there is no picture"),
        ('{"train": ["case_1", "case_2"], "test": ["case_2"]}', "puts case_2 into train and test"),
    ):
        (study / "splits.json").write_text(content)
        with pytest.raises(MaskwrightError, match=words):
            collect(data, scans=True)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("model.image_channels=3", "has 1 channels, and the network takes 3"),
        ("data.channel_patterns=['*.nii.gz', '*.nii']", "data.channel_patterns names 2 files a case"),
        ("train.watch=val_dicee", "no log entry 'val_dicee'"),
        ("predict.threshold=[0.5, 0.4, 0.3]", "has 3 numbers, and 2 are needed"),
        ("data.spacing=[1, 1]", "has 2 numbers"),
        ("mask.levels=[0, 1]", "2 entries for 3 classes"),
        ("model.num_classes=2", "hold 3 levels, and model.num_classes is 2"),
        ("augmentation.debug=true", "not of volumes"),
        ("model.name=segformer", "takes pictures"),
    ],
)
def test_what_must_fail_fails_before_the_first_step(study, capsys, override, words):
    arguments = [
        "train",
        str(study / "config.toml"),
        "--run",
        str(study / "run"),
        "--set",
        override,
        "--set",
        "mask.classes=[]",
    ]
    assert main(arguments) == 2
    assert words in capsys.readouterr().err
    assert not (study / "run" / "model.keras").exists()


def test_a_label_map_of_another_scan(study, capsys):
    (study / "labelsTr" / "case_1.nii.gz").write_bytes((study / "labelsTr" / "case_2.nii.gz").read_bytes())
    assert main(["train", str(study / "config.toml"), "--run", str(study / "run")]) == 2
    assert "does not lie on its scan" in capsys.readouterr().err

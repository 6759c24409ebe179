import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import maskwright as mw
from conftest import cut_off
from maskwright.errors import MaskwrightError
from maskwright.models.saving import load_model, read_metadata
from maskwright.training.run import Run, read_training_images


def weights(run):
    with np.load(run.checkpoint_file) as archive:
        return {name: archive[name] for name in archive.files if name != "state"}


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def train(config_file, quiet, name, *overrides, **options):
    return mw.train(config_file, overrides=overrides, run_dir=config_file.parent / name, reporter=quiet, **options)


def test_a_run_folder_has_everything(whole):
    run = whole
    assert isinstance(run, Run)
    names = {path.name for path in run.path.iterdir()}
    assert {"config.toml", "environment.json", "model.keras", "checkpoints", "history.csv", "train_losses.png",
            "train_metrics.png", "summary.txt", "tensorboard"} <= names  # fmt: skip
    rows = run.history()
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert {"loss", "val_loss", "dice_coef", "val_dice_coef", "learning_rate", "waiting", "images_per_second"} <= set(
        rows[0]
    )
    environment = json.loads(run.environment_file.read_text(encoding="utf-8"))
    assert environment["seed"] == 137 and environment["data"]["train"]["patients"] == 4
    assert environment["versions"]["keras"]
    assert run.config.train.epochs == 6
    metadata = read_metadata(run.model_file)
    assert metadata.class_names == ["background", "foreground"] and metadata.training["epoch"] in range(1, 7)
    assert len(read_training_images(run)) == 12


@pytest.fixture(scope="module")
def one_epoch(module_config, quiet):
    """The default configuration, trained for an epoch."""
    return train(module_config, quiet, "one_epoch", "train.epochs=1")


# What has a state of its own between epochs: dropout's seed, the reduced learning rate, the average of the weights.
STATEFUL = ("train.epochs=6", "train.weight_average=0.9", "model.dropout_rate=0.3", "train.patience=0", "train.learning_rate_reducer=true",
            "train.reducer_patience=1")  # fmt: skip


@pytest.fixture(scope="module")
def whole(module_config, quiet):
    """A training without an interruption; `cut` beside it is what was there after three epochs."""
    with cut_off(3, module_config.parent / "cut"):
        return train(module_config, quiet, "whole", *STATEFUL, "train.tensorboard=true")


def went_as(resumed, whole):
    """Whether a training came to the same weights by the same way."""
    columns = ("epoch", "loss", "val_loss", "learning_rate")
    rows = [[[row[column] for column in columns] for row in run.history()] for run in (resumed, whole)]
    models = [load_model(run.model_file)[0].get_weights() for run in (resumed, whole)]
    return (
        rows[0] == rows[1]
        and same(weights(resumed), weights(whole))
        and all(np.array_equal(a, b) for a, b in zip(*models, strict=True))
    )


def test_resumed_is_as_if_nothing_had_happened(module_config, quiet, whole):
    part = Run(shutil.copytree(whole.path.with_name("cut"), whole.path.with_name("part")))
    # As if three epochs were all that was wanted, and three more are wanted now.
    asked = part.config_file.read_text(encoding="utf-8")
    assert asked.count("epochs = 6") == 1
    part.config_file.write_text(asked.replace("epochs = 6", "epochs = 3"), encoding="utf-8")
    part = train(module_config, quiet, "part", *STATEFUL, "train.tensorboard=true", resume=True)
    assert len(part.history()) == 6 and went_as(part, whole)


@pytest.mark.slow  # as above, with a process that is really killed
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed_at_any_moment_it_goes_on_to_the_same_weights(config_file, quiet, whole):
    folder = config_file.parent / "killed"
    command = [sys.executable, "-m", "maskwright", "train", str(config_file), "--run", str(folder)]
    command += [word for override in STATEFUL for word in ("--set", override)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=os.environ | {"KERAS_BACKEND": "tensorflow"})
    try:
        deadline = time.monotonic() + 300
        while not (folder / "checkpoints" / "last.npz").exists() and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(0.05)
    finally:
        process.kill()
        process.communicate()
    resumed = train(config_file, quiet, "killed", *STATEFUL, resume=True)
    assert len(resumed.history()) == 6 and went_as(resumed, whole)


def test_another_seed_gives_other_weights_and_what_exists_is_kept(config_file, quiet, one_epoch):
    first = Run(shutil.copytree(one_epoch.path, config_file.parent / "run"))
    before = first.model_file.read_bytes()
    second = train(config_file, quiet, "run", "train.epochs=1", "train.seed=1")
    assert second.path == first.path and not same(weights(second), weights(one_epoch))
    (kept,) = [path for path in config_file.parent.iterdir() if path.name.startswith("run_")]
    assert (kept / "model.keras").read_bytes() == before


def test_what_was_chosen_automatically_is_kept_on_resume(config_file, quiet, monkeypatch):
    from maskwright.training import train as module

    monkeypatch.setattr(
        module, "choose_precision", lambda wanted, folder, network: "mixed_bfloat16" if wanted == "auto" else wanted
    )
    with cut_off(1, config_file.parent / "part"):
        whole = train(config_file, quiet, "whole", "train.precision=auto", "train.epochs=2")
    monkeypatch.setattr(
        module, "choose_precision", lambda wanted, folder, network: "float32" if wanted == "auto" else wanted
    )
    part = train(config_file, quiet, "part", "train.precision=auto", "train.epochs=2", resume=True)
    assert same(weights(whole), weights(part))


def test_resume_starts_where_there_is_nothing_and_refuses_other_settings(config_file, quiet, one_epoch):
    run = train(config_file, quiet, "run", "train.epochs=1", resume=True)
    assert len(run.history()) == 1 and same(weights(run), weights(one_epoch))  # the same seed, the same weights
    with pytest.raises(MaskwrightError, match=r"train\.learning_rate"):
        train(config_file, quiet, "run", "train.epochs=2", "train.learning_rate=0.5", resume=True)


def test_a_leak_is_refused_and_may_be_insisted_on(config_file, dataset, quiet):
    folders = [f"data.{part}.{kind}={dataset / kind}" for part in ("train", "valid") for kind in ("images", "masks")]
    text = config_file.read_text(encoding="utf-8").replace('images = "dataset/images"\nmasks = "dataset/masks"\n', "")
    config_file.write_text(text, encoding="utf-8")
    with pytest.raises(MaskwrightError, match="8 patients are in training and in validation"):
        train(config_file, quiet, "run", *folders)
    assert not (config_file.parent / "run").exists()
    run = train(config_file, quiet, "run", *folders, "train.epochs=1", allow_leak=True)
    assert run.is_trained()


def test_unreadable_images_stop_it_before_it_starts_with_the_whole_list(config_file, dataset, quiet):
    (dataset / "images" / "P01-0.png").write_bytes(b"")
    whole = (dataset / "images" / "P02-1.png").read_bytes()
    (dataset / "images" / "P02-1.png").write_bytes(whole[: len(whole) // 2])
    (dataset / "masks" / "P03-2.png").write_bytes(b"text")
    with pytest.raises(MaskwrightError) as error:
        train(config_file, quiet, "run", "data.test_fraction=0")
    for name in ("P01-0.png", "P02-1.png", "P03-2.png"):
        assert name in str(error.value)
    assert "3 files of 24 pairs" in str(error.value)
    assert not (config_file.parent / "run").exists()


def test_a_class_without_a_pixel_is_refused(config_file, quiet):
    with pytest.raises(MaskwrightError, match="tumour occurs in no training mask"):
        train(config_file, quiet, "run", "model.num_classes=3", "mask.levels=[0,255,100]",
              "mask.classes=['background','organ','tumour']")  # fmt: skip


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("train.loss=dice_los", "Did you mean 'dice_loss'"),
        ("train.metrics=['nothing']", "no metric 'nothing'"),
        ("model.name=unett", "Did you mean 'unet'"),
        ("data.patient_pattern=X(\\d)", "does not match 24 of 24 names"),
        ("data.images=/nowhere", "no such folder"),
        ("model.image_channels=2", "the network takes 2"),
    ],
)
def test_what_must_fail_fails_before_anything_is_written(config_file, quiet, override, words):
    with pytest.raises(MaskwrightError, match=words):
        train(config_file, quiet, "run", override)
    assert not (config_file.parent / "run").exists()


def test_a_project_of_the_reference_gets_its_own_folders(dataset, quiet, reference_project):
    project = dataset.parent / "project"
    project.mkdir()
    (project / "eval").mkdir()
    (project / "eval" / "mine.txt").write_text("precious", encoding="utf-8")
    (project / "train_eval_infer.config").write_text(reference_project("../dataset"), encoding="utf-8")
    loaded = mw.load_config(project / "train_eval_infer.config", ["predict.precision=float32", "train.precision=float32",
                            "data.patient_pattern=P(\\d+)"])  # fmt: skip
    run = mw.train(loaded, reporter=quiet)
    assert (project / "models" / "best_model.h5").stat().st_size > 1000
    assert (project / "models" / "train_eval_infer.config").exists()
    lines = (project / "eval" / "train_metrics.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "epoch,binary_accuracy,val_binary_accuracy," and len(lines) == 3
    assert [path.read_text(encoding="utf-8") for path in project.glob("eval_*/mine.txt")] == ["precious"]
    assert len(list((project / "epoch_change_infer").glob("Epoch_2_P*.jpg"))) == 2
    dumped = {path.name for path in (project / "generated_images_dir").iterdir()}
    assert dumped == {path.name for path in (project / "generated_masks_dir").iterdir()}
    assert all(name.endswith(".jpg") for name in dumped)
    listed = run.samples.read_text(encoding="utf-8").splitlines()
    assert listed[0] == "file,source,sample,seed,transforms" and len(listed) == len(dumped) + 1
    result = mw.predict(loaded, reporter=quiet)
    assert len(list((project / "test_output").glob("*.jpg"))) == 24 == len(result.masks)
    assert len(list((project / "test_output_merged").glob("*.png"))) == 24
    evaluation = mw.evaluate(loaded, reporter=quiet)
    # 18 of the 24 pictures were trained on, the others chose the epoch (the reference has no reducer unless asked).
    assert [re.sub(r"(:| \().*", "", one) for one in evaluation.warnings] == [
        "6 patients were in training",
        "18 of 24 images are identical to training images",
        "epoch was chosen on 2 of the 8 scored patients",
    ]
    assert (run.path / "evaluation.csv").read_text(encoding="utf-8").startswith("loss,0.")
    mw.predict(loaded, reporter=quiet)
    assert len(list(project.glob("test_output_2*"))) == 1


@pytest.mark.slow  # `test_volumes.py` shows the same of a smaller network
@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("nnunet", "{'deep_supervision': True, 'num_layers': 3, 'base_filters': 4}"),
        (
            "TensorflowUNet3Plus",
            "{'deep_supervision': True, 'classification_guided': True, 'base_filters': 4}",
        ),
    ],
)
def test_deep_supervision_from_configuration_to_mask(config_file, quiet, architecture, options):
    overrides = [f"model.name={architecture}", f"model.options={options}", "train.metrics=['dice_coef']",
                 "train.loss=tversky_loss(alpha=0.4, beta=0.6)", "train.epochs=1", "model.image_width=36"]  # fmt: skip
    run = mw.train(mw.load_config(config_file, overrides), reporter=quiet)
    rows = list(csv.DictReader((run.path / "history.csv").open()))
    assert {"dice_coef", "val_dice_coef"} <= set(rows[0])
    model, metadata = load_model(run.model_file)
    assert model.output.shape[1:] == (32, 36, 1) and metadata.options["deep_supervision"]
    assert mw.evaluate(run, reporter=quiet).summary["per_image"]["dice"]["n"] > 0


def test_class_weights_are_refused_where_the_loss_takes_none(config_file, quiet):
    """Where it takes them, they are trained with in `test_volumes.py`."""
    with pytest.raises(mw.MaskwrightError, match="These have: cross_entropy_loss"):
        mw.train(mw.load_config(config_file, ["train.class_weights=[1, 5]", "train.loss=iou_loss"]), reporter=quiet)


def test_what_is_ignored_counts_neither_in_training_nor_in_scores(config_file, quiet):
    """Two data sets that differ in nothing but what the ignored pixels would have been."""
    import cv2

    scores, losses = [], []
    for name, shown in (("one", 0), ("other", 255)):
        for path in sorted((config_file.parent / "dataset" / "masks").iterdir()):
            mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            image = config_file.parent / "dataset" / "images" / path.name
            mask[:, :6] = 128
            cv2.imwrite(str(path), mask)
            picture = cv2.imread(str(image), cv2.IMREAD_GRAYSCALE)
            picture[:, :2] = shown  # far enough from what counts for this network's eyes
            picture[:, 2:6] = 0
            cv2.imwrite(str(image), picture)
        options = ("mask.ignore=128", "train.metrics=['dice_coef','accuracy','specificity']", "train.epochs=1",
                   "augmentation.mode=off", "model.num_layers=1", "model.normalization=false")  # fmt: skip
        run = train(config_file, quiet, name, *options)
        losses.append(run.history()[0]["loss"])
        summary = mw.evaluate(run, reporter=quiet).summary
        scores.append(summary["per_image"]["dice"]["mean"])
        assert read_metadata(run.model_file).label_rule.ignore == 128
    assert losses[0] == pytest.approx(losses[1], rel=1e-5) and scores[0] == pytest.approx(scores[1], rel=1e-5)


def test_a_step_is_traced_once(config_file, quiet, monkeypatch):
    """The optimiser's variables are there before it; made within the first step, they let TensorFlow trace it twice."""
    import keras

    calls = []
    apply = keras.optimizers.AdamW.apply
    monkeypatch.setattr(keras.optimizers.AdamW, "apply", lambda self, *a, **k: calls.append(1) or apply(self, *a, **k))
    train(config_file, quiet, "run", "train.epochs=1", "train.steps_per_epoch=3")
    assert len(calls) == 1

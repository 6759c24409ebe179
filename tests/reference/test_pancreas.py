"""The seed's project on real slices."""

import shutil

import numpy as np
import pytest
from PIL import Image

import maskwright as mw
from maskwright.data.duplicates import find_duplicates
from maskwright.data.images import read_image
from maskwright.data.labels import make_label
from maskwright.data.pairs import match_pairs
from maskwright.data.records import examine
from maskwright.data.splits import SPLITS, shared_patients, with_patients
from maskwright.labels.rule import LabelRule

PATTERN = r"PANCREAS_(\d+)"


@pytest.fixture
def slices(shared_data):
    return shared_data / "pancreas-slices"


@pytest.fixture
def pairs(slices):
    return {
        part: with_patients(match_pairs(slices / part / "images", slices / part / "masks")[0], PATTERN)
        for part in SPLITS
    }


def test_no_patient_and_no_picture_is_in_two_parts(pairs):
    assert {part: len(found) for part, found in pairs.items()} == {"train": 637, "valid": 104, "test": 127}
    records = {part: examine(found[::3], LabelRule()) for part, found in pairs.items()}
    for one, other in (("valid", "train"), ("test", "train"), ("test", "valid")):
        assert shared_patients(pairs[one], pairs[other]) == []
        assert find_duplicates(records[one], records[other]) == []


def test_labels_are_not_inflated(pairs):
    """Areas relative to a threshold at half the range, which the reference inflates by 15 to 31 %."""
    ratios = {"seed": [], "non-zero": []}
    for pair in pairs["test"][::4]:
        mask = read_image(pair.mask)
        clean = make_label(mask, LabelRule(), lossy=True).sum(dtype=int)
        seed = make_label(mask, LabelRule(threshold=74, smooth=(5, 5)), lossy=True).sum(dtype=int)
        grey = mask.max(axis=2) if mask.ndim == 3 else mask
        ratios["seed"].append(seed / clean)
        ratios["non-zero"].append((grey > 0).sum() / clean)
    assert 0.97 < np.mean(ratios["seed"]) < 1.04
    assert np.mean(ratios["non-zero"]) > 1.15


@pytest.mark.parametrize(
    ("network", "every", "scored"),
    [
        pytest.param(["model.num_layers=3", "model.base_filters=4"], 8, (16, 7), id="small"),
        pytest.param([], 1, (127, 7), id="own", marks=pytest.mark.slow),
    ],
)
def test_the_seeds_own_configuration_trains_evaluates_and_predicts(
    shared_data, tmp_path, quiet, monkeypatch, pairs, network, every, scored
):
    """From a folder that cannot be written to, as where the shared one is read-only."""
    monkeypatch.chdir(tmp_path)
    for part, found in pairs.items():
        for pair in found[::every]:
            for kind, path in (("images", pair.image), ("masks", pair.mask)):
                (tmp_path / part / kind).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, tmp_path / part / kind / path.name)
    where = {"train": "train", "valid": "eval", "test": "test"}
    overrides = [
        f"{section}.{kind}_datapath={tmp_path / part / f'{kind}s'}"
        for part, section in where.items()
        for kind in ("image", "mask")
    ]
    few = tmp_path / "few"
    few.mkdir()
    for pair in pairs["test"][:3]:
        Image.open(pair.image).save(few / pair.image.name)
    overrides += [
        f"infer.images_dir={few}", "train.epochs=1", "train.steps_per_epoch=1", "train.validation_steps=1",
        "model.image_width=64", "model.image_height=64", "data.patient_pattern=PANCREAS_(\\d+)",
        f"data.cache_dir={tmp_path / 'cache'}", "train.precision=float32", "predict.precision=float32",
        *network,
    ]  # fmt: skip
    published = shared_data / "configs" / "seed__Augmented-Pancreas__train_eval_infer.config"
    (tmp_path / "configs").mkdir()
    path = tmp_path / "configs" / published.name
    path.write_bytes(published.read_bytes())
    path.parent.chmod(0o555)
    before = sorted(path.parent.iterdir())
    loaded = mw.load_config(path, overrides)
    run = mw.train(loaded, reporter=quiet)
    summary = mw.evaluate(loaded, reporter=quiet).summary
    assert (summary["images"], summary["patients"], summary["warnings"]) == (*scored, [])
    result = mw.predict(loaded, reporter=quiet)
    assert sorted(p.name for p in result.masks) == sorted(p.name for p in few.iterdir())
    assert read_image(result.masks[0]).shape == (512, 512)
    assert sorted(path.parent.iterdir()) == before
    assert (run.path / "eval" / "train_losses.csv").exists()

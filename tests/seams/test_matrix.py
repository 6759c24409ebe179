"""From files to scores and exports, across all that a data set can be; `judge.py` counts again from the files alone."""

import csv
import itertools
import shutil

import numpy as np
import pytest
from cases import AT_ONCE, FACTORS, FIRST, ROWS, pairs_of
from judge import judged, mean_dice
from making import IGNORE, make, read

import maskwright as mw
from maskwright.models.saving import load_model, save_model
from maskwright.targets import engines
from maskwright.training import keeper
from maskwright.training.run import Run
from maskwright.volumes.channels import read_channels

NAMES = ("dice", "iou", "sensitivity", "precision", "hausdorff95", "surface_distance", "surface_dice")


def test_every_pair_of_values_meets_in_a_row():
    wanted = set().union(*map(pairs_of, itertools.product(*FACTORS.values())))
    rows = [tuple(vars(row).values()) for row in ROWS]
    assert set().union(*map(pairs_of, rows)) == wanted and len(rows) <= 22
    for place, values in enumerate(FACTORS.values()):
        assert {tuple(vars(row).values())[place] for row in FIRST} == set(values)


@pytest.mark.parametrize(
    "row", [pytest.param(row, marks=() if row in AT_ONCE else pytest.mark.slow, id=str(row)) for row in ROWS]
)
def test_a_row(row, tmp_path, quiet, monkeypatch):
    study = make(row, tmp_path)
    whole = trained_and_killed(study, quiet, monkeypatch, before_checkpoint=ROWS.index(row) % 2 == 0)
    goes_on_as_if_nothing_had_happened(study, whole, quiet)
    scores_are_those_of_the_files(study, whole, quiet)
    an_ensemble_is_the_mean_of_its_members(study, whole, quiet)
    an_export_finds_the_same(study, whole, quiet)
    what_is_tuned_scores_what_was_said(study, whole, quiet)


def trained_and_killed(study, quiet, monkeypatch, *, before_checkpoint):
    """An uninterrupted training; `killed` is what was on the disk after its first epoch, or late in the second."""
    save, calls = keeper.save_checkpoint, []

    def saved(*args):
        calls.append(args)
        if before_checkpoint and len(calls) == 2:
            shutil.copytree(study.folder / "whole", study.folder / "killed")
        save(*args)
        if not before_checkpoint and len(calls) == 1:
            shutil.copytree(study.folder / "whole", study.folder / "killed")

    with monkeypatch.context() as patch:
        patch.setattr(keeper, "save_checkpoint", saved)
        return mw.train(study.config, run_dir=study.folder / "whole", reporter=quiet)


def goes_on_as_if_nothing_had_happened(study, whole, quiet):
    resumed = mw.train(study.config, run_dir=study.folder / "killed", resume=True, reporter=quiet)
    columns = ("epoch", "loss", "val_loss", "val_dice", "dice_coef", "learning_rate")
    assert [[row[name] for name in columns] for row in resumed.history()] == [
        [row[name] for name in columns] for row in whole.history()
    ]
    with np.load(whole.checkpoint_file) as one, np.load(resumed.checkpoint_file) as other:
        assert all(np.array_equal(one[name], other[name]) for name in one.files if name != "state")
    models = [load_model(run.model_file)[0].get_weights() for run in (whole, resumed)]
    assert all(np.array_equal(one, other) for one, other in zip(*models, strict=True))


def predicted(study, target, part, name, quiet, **options):
    """The folder of the masks of a part."""
    options |= {"overrides": ["predict.precision=float32", f"predict.probabilities={str(not study.scans).lower()}"]}
    done = mw.predict(target, study.images(part), output=study.folder / name, reporter=quiet, **options)
    assert not done.failed and len(done.masks) == len(list((study.folder / part / "masks").iterdir()))
    return done.output


def scores_are_those_of_the_files(study, run, quiet):
    masks = predicted(study, run, "test", "masks", quiet)
    summary = mw.evaluate(run, reporter=quiet).summary
    cases = study.cases("test", masks)
    assert sum(len(np.unique(mask)) > 1 for _, mask, _, _ in cases) > len(cases) / 2  # something to be compared
    expected = judged(cases, study.members, IGNORE if study.row.ignored else None)
    with (run.path / "per_patient.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    told = {}
    for row in rows:
        told.setdefault(f"P{row['patient']}", []).append([float(row[name] or "nan") for name in NAMES])
    assert told.keys() == expected.keys()
    for patient, classes in expected.items():
        found = [[one[name] for name in NAMES] for one in classes]
        np.testing.assert_allclose(told[patient], found, atol=2e-6, equal_nan=True, err_msg=f"{patient}: {NAMES}")
    assert summary["per_patient"]["dice"]["mean"] == pytest.approx(mean_dice(expected), abs=1e-9)
    if study.row.ratio == 1:  # then validation during training sees what prediction writes, of scans in one window
        masks = predicted(study, run, "valid", "valid", quiet)
        best = max(row["val_dice"] for row in run.history())
        found = mean_dice(judged(study.cases("valid", masks), study.members, IGNORE if study.row.ignored else None))
        assert best == pytest.approx(found, abs=1e-3 if study.scans else 1e-6)  # those of scans are kept with 16 bits


def probabilities(study, model, masks, quiet):
    """Of each test picture or scan, by the name of its mask, `(…, K)`: as written beside `masks`, or as seen."""
    paths = sorted((study.folder / "test" / "masks").iterdir())
    if study.scans:
        return {path.name: _of_scan(study, model, path.name, quiet) for path in paths}
    files = {path.name: sorted((masks / "probabilities").glob(f"{path.stem}[._]*")) for path in paths}
    return {name: np.stack([read(file)[0] / 65535 for file in found], axis=-1) for name, found in files.items()}


def _of_scan(study, model, name, quiet):
    from maskwright.inference.volumes import predict_scan
    from maskwright.volumes.orient import reorient

    config = mw.load_config(study.config).config
    scan = read_channels(sorted(study.images("test").glob(f"{name.removesuffix('.nii.gz')}[._]*")))
    seen = []
    engine = engines([model], config, quiet)
    predict_scan(engine, scan, config.predict, see=lambda rows, found: seen.append(found.copy()))
    turned = reorient(scan, engine.metadata.input_rule.orientation)
    parts = np.concatenate(seen)
    back = [
        reorient(turned.with_array(np.ascontiguousarray(parts[..., k])), "RAS").array for k in range(parts.shape[-1])
    ]
    return np.stack(back, axis=-1)


def decided(study, found):
    """Numbers of a mask, at a half or by the most probable class."""
    if study.row.classes == "3":
        return found.argmax(axis=-1)
    numbers = [1 if study.scans else 255] if study.row.classes == "1" else [1, 2, 4]
    label = np.zeros(found.shape[:-1], int)
    for place, number in enumerate(numbers):
        label[found[..., place] >= 0.5] = number
    return label


def doubtful(study, found, by=2e-5):
    """Where rounding of probabilities may decide."""
    if study.row.classes == "3":
        ordered = np.sort(found, axis=-1)
        return ordered[..., -1] - ordered[..., -2] < by
    return (np.abs(found - 0.5) < by).any(axis=-1)


def another(run, path):
    """A model whose weights lie a little beside those of a run."""
    model, metadata = load_model(run.model_file)
    rng = np.random.default_rng(0)
    model.set_weights([one + 0.1 * one.std() * rng.standard_normal(one.shape) for one in model.get_weights()])
    save_model(model, path, metadata)
    return path


def an_ensemble_is_the_mean_of_its_members(study, run, quiet):
    other = another(run, study.folder / "other.keras")
    masks = predicted(study, run, "test", "both", quiet, ensemble=[other])
    alone = masks if study.scans else predicted(study, other, "test", "alone", quiet)
    two = probabilities(study, other, alone, quiet)
    for name, found in probabilities(study, run.model_file, study.folder / "masks", quiet).items():
        mean = (found + two[name]) / 2
        mask = read(masks / name)[0]
        sure = ~doubtful(study, mean)
        assert sure.mean() > 0.98 and np.array_equal(decided(study, mean)[sure], mask[sure])


def an_export_finds_the_same(study, run, quiet):
    file = mw.export(run, "onnx", output=study.folder / "model.onnx", reporter=quiet).path
    masks = predicted(study, file, "test", "by_file", quiet)
    for path in sorted((study.folder / "masks").glob(f"*{study.ending}")):
        assert (read(path)[0] != read(masks / path.name)[0]).mean() < 1e-3


def what_is_tuned_scores_what_was_said(study, run, quiet):
    told = mw.tune(run, reporter=quiet)
    masks = predicted(study, Run(run.path), "valid", "tuned", quiet)
    found = mean_dice(judged(study.cases("valid", masks), study.members, IGNORE if study.row.ignored else None))
    assert told["after"] == pytest.approx(found, abs=0.002)  # tuning keeps probabilities with 16 bits

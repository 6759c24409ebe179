"""nnU-Net's folders, as they are: prepare, train, predict and score know names, numbers, regions, void and channels."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scans import affine_of

import maskwright as mw
from maskwright.cli import main
from maskwright.config import load
from maskwright.config.dataset_json import find_dataset
from maskwright.errors import MaskwrightError
from maskwright.inference.scans import find_scans
from maskwright.models.saving import read_metadata
from maskwright.volumes import Volume
from maskwright.volumes.nifti import write_nifti
from maskwright.volumes.read import read_labels

AFFINE = affine_of([2, 1, 0], (1, -1, -1), (2, 1.0, 1.0), (0, 0, 0), (0, 0, 0))
NAMED = {"background": 0, "liver": 1, "tumour": 3, "ignore": 4}
REGIONS = {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "enhancing": 3}


def dataset(root, labels, numbers, *, channels=1, count=6, **more):
    """A data set in nnU-Net's layout, each number in a cube of its own; the last number fills a corner."""
    rng = np.random.default_rng(1)
    for case in range(count):
        array = np.zeros((16, 16, 16), np.uint8)
        for place, number in enumerate(numbers):
            array[3:9, 3 + 4 * place : 6 + 4 * place, 4:10] = number
        write_nifti(Volume(array, AFFINE), root / "labelsTr" / f"case_{case:03d}.nii.gz")
        for channel in range(channels):
            scan = (array * 60.0 * (channel + 1) + rng.normal(0, 9, array.shape)).astype(np.float32)
            write_nifti(Volume(scan, AFFINE), root / "imagesTr" / f"case_{case:03d}_{channel:04d}.nii.gz")
    facts = {
        "channel_names": {str(number): f"c{number}" for number in range(channels)},
        "labels": labels,
        "numTraining": count,
        "file_ending": ".nii.gz",
        **more,
    }
    (root / "dataset.json").write_text(json.dumps(facts), encoding="utf-8")
    return root


def configuration(folder, text=""):
    path = folder / "config.toml"
    path.write_text(
        f"""[data]
images = "set/imagesTr"
test_fraction = 0.2
{text}
[model]
name = "unet_3d"
image_depth = 16
image_height = 16
image_width = 16
num_layers = 2
base_filters = 4
[train]
epochs = 1
steps_per_epoch = 2
precision = "float32"
[predict]
precision = "float32"
"""
    )
    return path


def test_names_numbers_and_void_become_keys_that_nobody_set(tmp_path, capsys):
    dataset(tmp_path / "set", NAMED, [1, 3, 4], count=7)
    loaded = load(configuration(tmp_path))
    mask, model = loaded.config.mask, loaded.config.model
    assert mask.classes == ["background", "liver", "tumour"] and mask.levels == [0, 1, 3] and mask.ignore == 4
    assert model.num_classes == 3 and loaded.config.data.masks == tmp_path.resolve() / "set" / "labelsTr"
    assert "says data.masks, mask.classes, mask.levels, mask.ignore, model.num_classes" in loaded.notes[0]
    assert main(["plan", str(configuration(tmp_path))]) == 0
    said = capsys.readouterr()
    assert "tumour" in said.out + said.err and "dataset.json says" in said.err
    # What somebody set holds.
    mine = load(configuration(tmp_path), ["mask.levels=[0, 3]", "mask.ignore=1", "model.num_classes=1"]).config
    assert mine.mask.levels == [0, 3] and mine.mask.ignore == 1 and not mine.mask.classes
    # And a set that is shorter than it says is told.
    (tmp_path / "set" / "imagesTr" / "case_000_0000.nii.gz").unlink()
    assert "speaks of 7 training cases" in load(configuration(tmp_path)).notes[1]


def test_regions_and_channels_from_training_to_scores(tmp_path, quiet, capsys):
    root = dataset(tmp_path / "set", REGIONS, [1, 2, 3], channels=2, regions_class_order=[1, 2, 3])
    run = mw.train(configuration(tmp_path), run_dir=tmp_path / "run", reporter=quiet)
    metadata = read_metadata(run.path / "model.keras")
    assert metadata.class_names == ["background", "whole", "core", "enhancing"] and metadata.channels == 3
    assert metadata.label_rule.regions == ((1, 2, 3), (2, 3), (3,)) and metadata.input_shape == (16, 16, 16, 2)
    predicted = mw.predict(run, root / "imagesTr", output=tmp_path / "out", reporter=quiet)
    assert [path.name for path in predicted.masks] == [f"case_{case:03d}.nii.gz" for case in range(6)]
    capsys.readouterr()
    truth = root / "labelsTr"
    assert main(["score", str(truth), str(truth), "--json", "--nnunet", str(tmp_path / "summary.json")]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["rule"] == "whole: 1 and 2 and 3, core: 2 and 3, enhancing: 3"
    assert summary["per_patient"]["dice"]["mean"] == 1
    assert main(["score", str(tmp_path / "out"), str(truth), "--json"]) == 0


def test_prepare_takes_the_whole_data_set(tmp_path, capsys):
    root = dataset(tmp_path / "set", NAMED, [1, 3, 4])
    out = tmp_path / "pairs"
    assert main(["prepare", str(root), "--output", str(out), "--window", "full"]) == 0
    assert "dataset.json says prepare.scans_dir, prepare.labels_dir, prepare.structures" in capsys.readouterr().err
    config = load(out / "config.toml").config
    assert config.mask.classes == ["background", "liver", "tumour"] and config.mask.ignore == 255
    assert main(["plan", str(out / "config.toml")]) == 0
    capsys.readouterr()
    assert main(["restore", str(out), "--output", str(tmp_path / "again")]) == 0
    for path in (tmp_path / "again").iterdir():
        truth = read_labels(root / "labelsTr" / path.name.replace("_0000", "")).array
        restored = read_labels(path, read_labels(root / "labelsTr" / path.name.replace("_0000", ""))).array
        layers = ((truth > 0) & (truth != 4)).any(axis=(1, 2))  # empty slices may have been left out
        for number, code in ((1, 1), (2, 3), (255, 4)):
            assert np.array_equal((restored == number)[layers], (truth == code)[layers])


def test_prepare_of_regions(tmp_path):
    root = dataset(tmp_path / "set", REGIONS, [1, 2, 3])
    assert main(["prepare", str(root), "--output", str(tmp_path / "pairs")]) == 0
    config = load(tmp_path / "pairs" / "config.toml").config
    assert config.mask.regions == {"whole": [1, 2, 3], "core": [2, 3], "enhancing": [3]}
    assert config.model.num_classes == 3
    assert main(["plan", str(tmp_path / "pairs" / "config.toml")]) == 0


def test_several_numbers_without_names_are_asked_for(tmp_path, capsys):
    root = dataset(tmp_path / "set", NAMED, [1, 3, 4])
    (root / "dataset.json").unlink()
    given = ["prepare", str(root / "imagesTr"), "--labels", str(root / "labelsTr"), "--output", str(tmp_path / "pairs")]
    assert main(given) == 2
    err = capsys.readouterr().err
    assert "hold 1, 3, 4 beside 0" in err and "prepare.structures.NAME=[NUMBER]" in err
    assert main([*given, "--set", "prepare.structures.liver=[1]", "--set", "prepare.structures.gone=[9]"]) == 2
    assert "gone (9) is in no label map" in capsys.readouterr().err
    assert not (tmp_path / "pairs").exists()
    assert main([*given, "--set", "prepare.structures.any=[1, 3]", "--set", "prepare.ignore=[4]"]) == 0
    config = load(tmp_path / "pairs" / "config.toml").config
    assert config.model.num_classes == 1 and config.mask.ignore == 255
    assert main(["plan", str(tmp_path / "pairs" / "config.toml")]) == 0


def test_channels_are_never_taken_for_scans(tmp_path, capsys):
    root = dataset(tmp_path / "set", {"background": 0, "x": 1}, [1], channels=2)
    assert main(["prepare", str(root), "--output", str(tmp_path / "pairs")]) == 2
    assert "has 2 channels a case (0000 c0, 0001 c1)" in capsys.readouterr().err
    given = ["prepare", str(root), "--output", str(tmp_path / "pairs"), "--set", r"prepare.scan_pattern=(.+)_0001\."]
    assert main(given) == 0
    with pytest.raises(MaskwrightError, match="holds 2 channels of each scan"):
        find_scans([root / "imagesTr"])
    # Numbers of patients are none of channels.
    (root / "imagesTr").rename(root / "scans")
    for path in sorted((root / "scans").iterdir())[2:]:
        path.unlink()
    assert [scan.name for scan in find_scans([root / "scans"])] == ["case_000_0000", "case_000_0001"]


def test_one_channel_keeps_the_name_of_the_case(tmp_path):
    root = dataset(tmp_path / "set", {"0": "background", "1": "x"}, [1], count=2, modality={"0": "CT"})
    assert [scan.name for scan in find_scans([root / "imagesTr"])] == ["case_000", "case_001"]
    assert find_dataset(root / "labelsTr").labels == {"background": 0, "x": 1}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
                    max_leaves=6))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_whatever_it_holds_it_is_read_or_named(tmp_path_factory, labels):
    root = tmp_path_factory.getbasetemp() / "odd"
    (root / "imagesTr").mkdir(parents=True, exist_ok=True)
    (root / "dataset.json").write_text(json.dumps({"labels": labels, "numTraining": 1}), encoding="utf-8")
    try:
        found = find_dataset(root / "imagesTr")
    except MaskwrightError as error:
        assert "dataset.json" in str(error)
    else:
        assert found is None or found.labels or found.regions


def test_files_of_other_programs_and_damaged_ones(tmp_path):
    (tmp_path / "imagesTr").mkdir()
    assert find_dataset(tmp_path / "imagesTr") is None
    for text in ('{"images": []}', "[]", '{"labels": {"0": "a", "1": "b"}}'):
        (tmp_path / "dataset.json").write_text(text)
        assert find_dataset(tmp_path / "imagesTr") is None
    for text in ("{", "[" * 100_000, '{"numTraining": ' + "9" * 5000 + "}"):
        (tmp_path / "dataset.json").write_text(text)
        with pytest.raises(MaskwrightError, match="no JSON that can be read"):
            find_dataset(tmp_path / "imagesTr")

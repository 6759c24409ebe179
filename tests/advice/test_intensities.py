"""CT is clipped to what its structures have; other scans are not."""

import nibabel as nib
import numpy as np
import pytest

from maskwright.cli import main
from maskwright.config import load


def scans(folder, *, air, organ=120.0, count=6, channels=1):
    """Boxes in a body; the label map has one structure."""
    rng = np.random.default_rng(0)
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        array = np.full((24, 40, 40), air, np.float32)
        array[2:22, 6:34, 6:34] = 40
        label = np.zeros(array.shape, np.uint8)
        label[6:14, 12 + number : 22 + number, 14:24] = 1
        array[label == 1] = organ
        array += rng.normal(0, 10, array.shape).astype(np.float32)
        for channel in range(channels):
            path = folder / "imagesTr" / f"case_{number}_{channel:04d}.nii.gz"
            nib.save(nib.Nifti1Image(array.T, np.diag([1.0, 1.0, 2.0, 1.0])), path)
        nib.save(nib.Nifti1Image(label.T, np.diag([1.0, 1.0, 2.0, 1.0])), folder / "labelsTr" / f"case_{number}.nii.gz")
    return folder


def planned(folder, tmp_path, capsys, *sets):
    words = [word for one in sets for word in ("--set", one)]
    assert main(["init", str(folder), "--output", str(tmp_path / "c.toml"), "--quiet", *words]) == 0
    return load(tmp_path / "c.toml").config, capsys.readouterr().out


def test_ct_is_clipped_to_its_structures(tmp_path, capsys):
    config, said = planned(scans(tmp_path / "study", air=-1000.0), tmp_path, capsys)
    level, width = map(float, config.data.window.split("/"))
    # 99 % of a normal distribution lie within 2.58 deviations.
    assert level == pytest.approx(120, abs=2) and width == pytest.approx(2 * 25.8, abs=4)
    assert "modality: CT, in Hounsfield units" in said and "what is beyond is clipped" in said


def test_others_are_normalised_one_by_one(tmp_path, capsys):
    config, said = planned(scans(tmp_path / "study", air=0.0), tmp_path, capsys)
    assert config.data.window is None and "each scan is normalised by itself" in said


def test_levels_of_several_channels_are_not_those_of_one(tmp_path, capsys):
    """As CT beside PET: no window is that of both."""
    folder = scans(tmp_path / "study", air=-1000.0, channels=2)
    sets = ["data.channel_patterns=['*_0000.nii.gz', '*_0001.nii.gz']", "model.image_channels=2"]
    config, said = planned(folder, tmp_path, capsys, *sets)
    assert config.data.window is None and "6 with 2 channels" in said


def test_what_is_said_outranks_it(tmp_path, capsys):
    config, _ = planned(scans(tmp_path / "study", air=-1000.0), tmp_path, capsys, "data.window=abdomen")
    assert config.data.window == "abdomen"


def test_it_trains_as_it_stands(tmp_path, capsys):
    planned(scans(tmp_path / "study", air=-1000.0), tmp_path, capsys)
    small = ["model.name=unet_3d", "model.num_layers=2", "model.base_filters=4", "model.options={}", "train.epochs=1",
             "train.steps_per_epoch=1", "train.precision=float32", "predict.precision=float32",
             "model.image_depth=8", "model.image_height=16", "model.image_width=16"]  # fmt: skip
    sets = [word for one in small for word in ("--set", one)]
    assert main(["train", str(tmp_path / "c.toml"), "--run", str(tmp_path / "run"), "--quiet", *sets]) == 0
    assert main(["evaluate", str(tmp_path / "run"), "--quiet"]) == 0

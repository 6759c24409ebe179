"""`init` where files say how large their pixels are."""

import shutil

import cv2
import numpy as np
import pytest
import tifffile

from maskwright.cli import main
from maskwright.config import load


def written(folder, steps, seed=0):
    """Discs of 24 µm through different lenses; their pictures say so."""
    rng = np.random.default_rng(seed)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(12):
        step = steps[number % len(steps)]
        edge = round(384 / step)
        mask = np.zeros((edge, edge), np.uint8)
        for x, y in rng.integers(60, 320, (3, 2)) / step:
            cv2.circle(mask, (round(x), round(y)), round(24 / step), 255, -1)
        image = np.clip(60 + 120 * (mask > 0) + rng.normal(0, 10, mask.shape), 0, 255).astype(np.uint8)
        dots = {"resolution": (10000 / step, 10000 / step), "resolutionunit": "CENTIMETER"} if step else {}
        tifffile.imwrite(folder / "images" / f"case{number:02d}.tif", image, **dots)
        cv2.imwrite(str(folder / "masks" / f"case{number:02d}.png"), mask)
    return folder


def planned(folder, tmp_path, *sets):
    target = tmp_path / "c.toml"
    words = [word for one in sets for word in ("--set", one)]
    assert main(["init", str(folder), "--output", str(target), "--quiet", *words]) == 0
    return load(target).config


def test_lenses_that_differ_make_a_scale_of_micrometres(tmp_path, capsys):
    config = planned(written(tmp_path / "slides", (0.5, 1.0, 2.0)), tmp_path)
    assert config.data.pixel_unit == "um" and config.data.fit == "pad"
    assert "as each file says the size of its pixels" in (tmp_path / "c.toml").read_text(encoding="utf-8")
    edge = 384 / config.data.pixel_size
    assert edge <= config.model.image_height < edge + 32 and config.model.image_width == config.model.image_height


@pytest.mark.parametrize("steps", [(1.0,), (85.0, 127.0)], ids=["one lens", "prints"])
def test_where_they_are_alike_or_could_be_those_of_a_print_pixels_count(tmp_path, steps):
    folder = written(tmp_path / "slides", steps) if steps[0] == 1 else written(tmp_path / "slides", (1.0, 2.0))
    if steps[0] != 1:
        for number, path in enumerate(sorted((folder / "images").iterdir())):
            dots = 25400 / steps[number % 2]
            tifffile.imwrite(path, tifffile.imread(path), resolution=(dots, dots), resolutionunit="INCH")
    assert planned(folder, tmp_path).data.pixel_unit == "px"


def test_what_is_said_is_gone_by(tmp_path):
    config = planned(written(tmp_path / "slides", (1.0,)), tmp_path, "data.pixel_unit=mm", "data.pixel_size=0.004")
    assert config.data.pixel_unit == "mm" and config.data.pixel_size == 0.004
    assert config.model.image_height == 96


def test_micrometres_of_files_that_do_not_say_are_refused(tmp_path, dataset, capsys):
    command = ["init", str(dataset), "--output", str(tmp_path / "c.toml"), "--quiet", "--set", "data.pixel_unit=um"]
    assert main(command) == 2
    assert "do not say how large their pixels are" in capsys.readouterr().err


def test_what_it_writes_trains_and_predicts(tmp_path):
    folder = written(tmp_path / "slides", (1.0, 2.0))
    planned(folder, tmp_path)
    small = ["model.name=unet", "model.num_layers=2", "model.base_filters=4", "train.epochs=1", "model.weights=none",
             "train.precision=float32", "predict.precision=float32"]  # fmt: skip
    sets = [word for item in small for word in ("--set", item)]
    run = tmp_path / "run"
    assert main(["train", str(tmp_path / "c.toml"), "--run", str(run), "--quiet", *sets]) == 0
    shutil.move(folder / "images" / "case00.tif", tmp_path / "new.tif")
    assert main(["predict", str(run), str(tmp_path / "new.tif"), "--output", str(tmp_path / "found"), "--quiet"]) == 0
    assert cv2.imread(str(tmp_path / "found" / "new.png"), cv2.IMREAD_GRAYSCALE).shape == (384, 384)

"""Pictures of any number of channels, from the files to the masks: one real run for each way in which they come."""

import json
import zipfile

import cv2
import numpy as np
import pytest
import tifffile

import maskwright as mw
from maskwright.data.images import read_image
from maskwright.errors import MaskwrightError
from maskwright.inference.model_files import read_metadata
from maskwright.models.saving import load_model

EDGE = 32
CONFIG = r"""
[data]
images = "images"
masks = "masks"
patient_pattern = 'P(\d+)'
valid_fraction = 0.25
test_fraction = 0.25
resize = "nearest"
[model]
image_width = 32
image_height = 32
base_filters = 4
num_layers = 1
[train]
epochs = 1
batch_size = 4
precision = "float32"
[predict]
precision = "float32"
probabilities = true
"""


def bands_of(patient, number, channels, dtype):
    """A disc that is brighter the further its band; and its mask."""
    rng = np.random.default_rng((patient, number))
    y, x = np.mgrid[:EDGE, :EDGE]
    inside = (y - 16) ** 2 + (x - 14 - number) ** 2 < 60
    levels = 0.2 + inside[..., None] * np.linspace(0.1, 0.6, channels) + rng.normal(0, 0.02, (EDGE, EDGE, channels))
    top = {"uint8": 255, "uint16": 4095, "float32": 1}[dtype]
    levels = np.clip(levels, 0, 1) * top
    return levels.astype(dtype), inside.astype(np.uint8) * 255


def write(folder, channels, dtype, how):
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    found = {}
    for patient in range(5):
        for number in range(2):
            name = f"P{patient}-{number}"
            found[name], mask = bands_of(patient, number, channels, dtype)
            cv2.imwrite(str(folder / "masks" / f"{name}.png"), mask)
            if how == "files":
                for band in range(channels):
                    cv2.imwrite(str(folder / "images" / f"{name}_b{band}.png"), found[name][..., band])
                continue
            planar = how == "separate"
            tifffile.imwrite(
                folder / "images" / f"{name}.tif", np.moveaxis(found[name], 2, 0) if planar else found[name],
                planarconfig=how, photometric="minisblack",
            )  # fmt: skip
    (folder / "c.toml").write_text(CONFIG, encoding="utf-8")
    return found


WAYS = {
    "two files a picture": (2, "uint8", "files", ["data.channel_patterns=['*_b0.png', '*_b1.png']"]),
    "four bands": (4, "uint8", "contig", ["augmentation.probability=1.0", "augmentation.intensity_probability=1.0"]),
    "five planes of 12 bits, not cached": (5, "uint16", "separate", ["data.cache=false"]),
    "nine bands of floats, with neighbours": (
        9, "float32", "contig", ["data.neighbours=1", r"data.slice_pattern='-(\d+)$'"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_from_files_to_masks(tmp_path, quiet, way):
    channels, dtype, how, settings = WAYS[way]
    pictures = write(tmp_path, channels, dtype, how)
    settings = [*settings, f"model.image_channels={channels}", f"data.cache_dir={tmp_path / 'cache'}"]
    run = mw.train(tmp_path / "c.toml", overrides=settings, run_dir=tmp_path / "run", reporter=quiet)
    assert mw.evaluate(run, reporter=quiet).summary["per_image"]["dice"]["n"] >= 2
    found = mw.predict(run, tmp_path / "images", output=tmp_path / "out", reporter=quiet)
    assert {path.stem for path in found.masks} == set(pictures) and not found.failed
    assert {path.stem for path in (tmp_path / "out" / "overlays").iterdir()} == set(pictures)

    model, metadata = load_model(run.model_file)
    rule = metadata.input_rule
    white = {"uint8": 255.0, "uint16": 4095.0}.get(dtype)
    assert white is None or (rule.low, rule.high) == (0, white)
    for name, bands in pictures.items():
        planes = [(bands.astype(np.float32) - rule.low) / (rule.high - rule.low)]
        if rule.neighbours:
            other = pictures[f"{name[:-1]}{1 - int(name[-1])}"]
            beside = np.clip((other - rule.low) / (rule.high - rule.low), 0, 1)
            own = np.clip(planes[0], 0, 1)
            planes = [own, own, beside] if name[-1] == "0" else [beside, own, own]
        expected = np.asarray(model.predict_on_batch(np.concatenate(planes, axis=2)[None]))[0, ..., 0]
        written = read_image(tmp_path / "out" / "probabilities" / f"{name}.png") / 65535
        assert np.abs(written - expected).max() < 1e-4


def test_the_wrong_number_of_channels_is_told_before_training(tmp_path, quiet):
    write(tmp_path, 4, "uint8", "contig")
    for cache in ("true", "false"):
        with pytest.raises(MaskwrightError, match="has 4 channels, and the network takes 3") as raised:
            mw.train(
                tmp_path / "c.toml", run_dir=tmp_path / "run", reporter=quiet,
                overrides=["model.image_channels=3", f"data.cache={cache}", f"data.cache_dir={tmp_path / 'cache'}"],
            )  # fmt: skip
        assert "P2-0.tif" in str(raised.value) and "model.image_channels = 4" in str(raised.value)
    assert not (tmp_path / "run" / "model.keras").exists()


def test_tuning_reports_tiles_and_packages_take_any_channels(tmp_path, quiet):
    write(tmp_path, 5, "uint16", "contig")
    settings = ["model.image_channels=5", f"data.cache_dir={tmp_path / 'cache'}"]
    run = mw.train(tmp_path / "c.toml", overrides=settings, run_dir=tmp_path / "run", reporter=quiet)
    mw.tune(run, reporter=quiet)
    mw.evaluate(run, reporter=quiet)
    assert mw.predict(run, tmp_path / "images", output=tmp_path / "tiles", tiled=True, reporter=quiet).masks
    package = mw.export(run, "bioimageio", output=tmp_path / "m.zip", reporter=quiet).path
    channel = read_metadata(package).input_rule.channels
    with zipfile.ZipFile(package) as archive:
        description = json.loads(archive.read("rdf.yaml"))
        axes = description["inputs"][0]["axes"]
        shape = np.load(archive.open("test_input.npy")).shape
    assert channel == 5 and len(axes[-1]["channel_names"]) == 5 and shape[-1] == 5
    assert mw.report([run.path], output=tmp_path / "r.html", reporter=quiet).exists()

import json
import zipfile

import keras
import numpy as np
import pytest

from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule
from maskwright.models.metadata import Metadata
from maskwright.models.saving import build, change_metadata, load_model, read_metadata, save_model

METADATA = Metadata(
    "unet", {"num_layers": 3, "base_filters": 4, "normalization": True}, 3, ["background", "a", "b"],
    InputRule(32, 40, 1, intensity="zscore"), LabelRule("color", 3, colors=((0, 0, 0), (1, 2, 3), (4, 5, 6))),
    training={"epoch": 3},
)  # fmt: skip
IMAGES = np.random.default_rng(0).random((2, 32, 40, 1), dtype=np.float32)


def test_a_saved_model_is_self_sufficient(tmp_path):
    model = build(METADATA)
    save_model(model, tmp_path / "m.keras", METADATA)
    loaded, metadata = load_model(tmp_path / "m.keras")
    assert metadata == METADATA == read_metadata(tmp_path / "m.keras")
    assert np.array_equal(loaded.predict_on_batch(IMAGES), model.predict_on_batch(IMAGES))
    plain = keras.models.load_model(tmp_path / "m.keras")  # Keras alone, in safe mode
    assert np.array_equal(plain.predict_on_batch(IMAGES), model.predict_on_batch(IMAGES))


def test_the_same_weights_in_bfloat16(tmp_path):
    model = build(METADATA)
    save_model(model, tmp_path / "m.keras", METADATA)
    faster, _ = load_model(tmp_path / "m.keras", "mixed_bfloat16")
    found = faster.predict_on_batch(IMAGES)
    assert found.dtype == np.float32
    assert np.abs(found - model.predict_on_batch(IMAGES)).max() < 0.05
    assert keras.config.dtype_policy().name == "float32"


def test_what_is_no_model_of_ours_is_refused(tmp_path):
    (tmp_path / "noise.keras").write_bytes(b"noise" * 99)
    with zipfile.ZipFile(tmp_path / "zip.keras", "w") as archive:
        archive.writestr("a.txt", "a")
    build(METADATA).save(tmp_path / "plain.keras")
    for name, words in (
        ("noise", "is no model"),
        ("zip", "no Keras model"),
        ("plain", "without Maskwright's"),
        ("x", "no such model"),
    ):
        with pytest.raises(MaskwrightError, match=words):
            load_model(tmp_path / f"{name}.keras")
    save_model(build(METADATA), tmp_path / "cut.keras", METADATA)
    with zipfile.ZipFile(tmp_path / "cut.keras") as old, zipfile.ZipFile(tmp_path / "bad.keras", "w") as new:
        for item in old.namelist():
            new.writestr(item, old.read(item)[: 2000 if item.endswith("h5") else None])
    with pytest.raises(MaskwrightError, match="damaged"):
        load_model(tmp_path / "bad.keras")


@pytest.mark.parametrize(("channels", "expected"), [(1, {"threshold": 0.3}), (3, {})])
def test_a_model_of_an_earlier_version_keeps_its_threshold(tmp_path, channels, expected):
    save_model(build(METADATA), tmp_path / "new.keras", METADATA)
    with zipfile.ZipFile(tmp_path / "new.keras") as new, zipfile.ZipFile(tmp_path / "old.keras", "w") as old:
        for name in new.namelist():
            data = new.read(name)
            if name == "maskwright.json":
                plain = json.loads(data)
                del plain["predict"]
                names = ["background", "a", "b"][: max(2, channels)]
                data = json.dumps(plain | {"threshold": 0.3, "channels": channels, "class_names": names}).encode()
            old.writestr(name, data)
    assert read_metadata(tmp_path / "old.keras").predict == expected


def test_what_a_model_says_of_itself_can_be_changed_and_its_weights_stay(tmp_path):
    model = build(METADATA)
    save_model(model, tmp_path / "m.keras", METADATA)
    change_metadata(tmp_path / "m.keras", predict={"threshold": [0.2, 0.4]})
    loaded, metadata = load_model(tmp_path / "m.keras")
    assert metadata.predict == {"threshold": [0.2, 0.4]} and metadata.training == METADATA.training
    assert all(np.array_equal(one, other) for one, other in zip(loaded.get_weights(), model.get_weights(), strict=True))

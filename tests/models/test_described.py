"""Model files that are damaged, or other than they say, are refused before a network is built of them."""

import io
import json
import zipfile
from dataclasses import asdict

import h5py
import keras
import numpy as np
import pytest

from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule
from maskwright.models import described
from maskwright.models.metadata import Metadata, from_json
from maskwright.models.saving import build, load_model, save_model

METADATA = Metadata("unet", {"num_layers": 2, "base_filters": 4}, 3, ["background", "a", "b"], InputRule(32, 40, 1), LabelRule("index", 3))  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m.keras"
    save_model(build(METADATA), path, METADATA)
    return path


def changed(whole, tmp_path, name, change):
    """The archive with one member made anew."""
    path = tmp_path / "changed.keras"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for item in old.namelist():
            new.writestr(item, change(old.read(item)) if item == name else old.read(item))
    return path


def config(whole, tmp_path, change):
    def with_change(data):
        plain = json.loads(data)
        change(plain)
        return json.dumps(plain).encode()

    return changed(whole, tmp_path, "config.json", with_change)


def layer(plain, kind):
    return next(one for one in plain["config"]["layers"] if one["class_name"] == kind)


def no_network_is_built(monkeypatch):
    monkeypatch.setattr(keras.models, "load_model", lambda *a, **k: pytest.fail("a network was built"))


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5", "maskwright.json", "metadata.json"])
def test_a_flipped_byte_in_any_member(whole, tmp_path, member):
    with zipfile.ZipFile(whole) as archive:
        entry = archive.getinfo(member)
    data = bytearray(whole.read_bytes())
    data[entry.header_offset + 30 + len(member) + entry.compress_size // 2] ^= 0x20
    (tmp_path / "m.keras").write_bytes(data)
    if member == "metadata.json":  # Keras's own, which nothing here needs; its checksum is Keras's matter
        with pytest.raises(MaskwrightError, match=r"m\.keras: is a damaged model"):
            load_model(tmp_path / "m.keras")
    else:
        with pytest.raises(MaskwrightError, match=r"m\.keras.*damaged"):
            load_model(tmp_path / "m.keras")


def test_channels_beyond_all_bounds_allocate_nothing(whole, tmp_path, monkeypatch):
    no_network_is_built(monkeypatch)
    path = changed(
        whole, tmp_path, "maskwright.json", lambda data: json.dumps(json.loads(data) | {"channels": 10**9}).encode()
    )
    with pytest.raises(MaskwrightError, match=r"changed\.keras: .*classes is 1000000000, not 1 to 255"):
        load_model(path, "mixed_bfloat16")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda plain: layer(plain, "InputLayer")["config"].update(batch_shape=[None, 64, 40, 1]), r"takes an input of \(64, 40, 1\)"),
        (lambda plain: layer(plain, "Conv2D")["config"].update(filters=10**9), "is a damaged model"),
        (lambda plain: layer(plain, "Conv2D")["config"].update(filters=60_000, kernel_size=[999, 999]), "its layers claim"),
        (lambda plain: plain.update(module="os", class_name="system"), r"names 'system' of 'os'"),
        (lambda plain: layer(plain, "Conv2D").update(module="os.path"), "of 'os.path'"),
        (lambda plain: layer(plain, "Conv2D").update(module="kerasx.layers"), "of 'kerasx.layers'"),
        (lambda plain: layer(plain, "Conv2D").update(class_name="Lambda"), r"holds code \(Lambda\)"),
        (lambda plain: layer(plain, "Conv2D").update(class_name=["Conv2D"]), "is a damaged model"),
        (lambda plain: layer(plain, "Conv2D")["config"].update(activation={"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function"}), "of 'builtins'"),
        (lambda plain: plain["config"].update(layers=[]), "is a damaged model"),
        (lambda plain: plain.update(config=3), "is a damaged model"),
    ],
)  # fmt: skip
def test_a_network_that_was_edited(whole, tmp_path, change, told):
    with pytest.raises(MaskwrightError, match=told):
        load_model(config(whole, tmp_path, change))


def test_what_is_described_and_what_is_built_agree(whole, tmp_path):
    """Where the file of the network does not tell its channels beforehand, what Keras made of it does."""
    names = ["background", "a", "b", "c"]
    note = json.loads(METADATA.to_json()) | {"channels": 4, "class_names": names}
    path = changed(whole, tmp_path, "maskwright.json", lambda data: json.dumps(note).encode())
    with pytest.raises(MaskwrightError, match="gives 3 channels, and it says 4"):
        load_model(path, "mixed_bfloat16")


def test_a_lambda_layer_is_never_run(tmp_path):
    inputs = keras.Input((32, 40, 1))
    outputs = keras.layers.Conv2D(3, 1)(keras.layers.Lambda(lambda x: x * 2)(inputs))
    save_model(keras.Model(inputs, outputs), tmp_path / "m.keras", METADATA)
    with pytest.raises(MaskwrightError, match=r"holds code \((Lambda|__lambda__)\), which is never run"):
        load_model(tmp_path / "m.keras")


class Foreign(keras.layers.Layer):
    """A layer that nobody registered."""

    def call(self, x):
        return x


def test_layers_of_other_modules_are_not_made(tmp_path):
    inputs = keras.Input((32, 40, 1))
    save_model(keras.Model(inputs, keras.layers.Conv2D(3, 1)(Foreign()(inputs))), tmp_path / "m.keras", METADATA)
    with pytest.raises(MaskwrightError, match=r"names 'Foreign' of .*test_described"):
        load_model(tmp_path / "m.keras")


def weights(make):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        make(file)
    return buffer.getvalue()


def external(file):
    file.create_dataset("a", (4,), "f4", external=[("/etc/hostname", 0, 16)])


BAD_WEIGHTS = {
    "a terabyte that is not there": lambda file: file.create_dataset("a", (1 << 38,), "f4", chunks=(1 << 20,)),
    "another file's bytes": external,
    "a link to another file": lambda file: file.__setitem__("a", h5py.ExternalLink("/etc/other.h5", "/b")),
    "a soft link": lambda file: file.__setitem__("a", h5py.SoftLink("/b")),
    "objects": lambda file: file.create_dataset("a", (1,), h5py.string_dtype()),
}


@pytest.mark.parametrize("make", BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
def test_weights_that_are_elsewhere_or_nowhere(whole, tmp_path, monkeypatch, make):
    no_network_is_built(monkeypatch)
    path = changed(whole, tmp_path, described.WEIGHTS, lambda data: weights(make))
    with pytest.raises(MaskwrightError, match=r"changed\.keras: is a damaged model"):
        load_model(path)


def test_a_note_that_is_a_bomb(whole, tmp_path):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.namelist():
            new.writestr(item, old.read(item) if item != "maskwright.json" else b" " * (1 << 28))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(MaskwrightError, match=r"bomb\.keras:maskwright\.json: has, or claims, 256 MiB"):
        load_model(path)


NOTES = [
    ("channels", "3"), ("channels", 0), ("channels", True), ("channels", 2.0), ("channels", 4), ("class_names", "abc"), ("class_names", [1, 2, 3]), ("class_names", []),
    ("options", []), ("architecture", None), ("mirrored_axes", [7]), ("mirrored_axes", "1"), ("training", 3), ("predict", None), ("x", 1), ("label_rule", {"classes": "3"}),
]  # fmt: skip
RULES = [
    ("height", 0), ("height", -1), ("height", 10**9), ("height", "32"), ("width", None), ("channels", 65), ("dtype", "float64"), ("resize", "none"),
    ("intensity", "x"), ("low", float("nan")), ("low", 255.0), ("high", float("inf")), ("gamma", -1), ("neighbours", 10**6), ("depth", 10**6), ("spacing", [1.0, 1.0]),
    ("spacing", [1.0, 1.0, -1.0]), ("orientation", "SP"), ("orientation", "SSL"), ("slice_pattern", "("), ("slice_pattern", "a"), ("channel_patterns", [1]),
    ("color_conversion", 3), ("body_border", "x"),
]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{name: value} for name, value in NOTES] + [{"input_rule": {name: value}} for name, value in RULES],
    ids=str,
)
def test_a_note_of_wrong_values_is_refused_by_its_file(change):
    plain = {"format": 1, **asdict(METADATA)}
    assert from_json(json.dumps(plain), "a.keras") == METADATA
    inner = change.pop("input_rule", {})
    plain = plain | change | {"input_rule": plain["input_rule"] | inner}
    with pytest.raises(MaskwrightError, match=r"^a\.keras: describes itself in a way that is damaged"):
        from_json(json.dumps(plain), "a.keras")


def test_every_kind_of_shape_is_compared():
    described.require_same("x", METADATA, [32, 40, 1], [32, 40, 3])
    described.require_same("x", METADATA, [None, -1, 1], None)
    for inputs, outputs in (([32, 40], None), ([32, 40, 3], None), ([32, 40, 1], [32, 40, 4])):
        with pytest.raises(MaskwrightError, match="x: is a damaged model: its network"):
            described.require_same("x", METADATA, inputs, outputs)
    assert np.prod(METADATA.input_shape) == 1280


def test_a_padded_network_is_told_by_its_own_input(tmp_path):
    """36 px are padded to 48 within, by another network that has an input too."""
    metadata = Metadata("unet3plus", {"base_filters": 2}, 1, ["background", "a"], InputRule(32, 36, 1), LabelRule())
    save_model(build(metadata), tmp_path / "m.keras", metadata)
    assert load_model(tmp_path / "m.keras")[1] == metadata


@keras.saving.register_keras_serializable("maskwright")
class Nameless(keras.layers.Layer):
    """A layer whose configuration has no name, as some of the packages that are known."""

    __module__ = "maskwright.nameless"

    def call(self, x):
        return x

    def get_config(self):
        return {}


def test_a_network_compiled_with_anybodys_loss_and_layers_without_names(tmp_path):
    inputs = keras.Input((32, 40, 1))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1)(Nameless()(inputs)))
    model.compile(loss=lambda truth, pred: keras.ops.mean((truth - pred) ** 2))
    save_model(model, tmp_path / "m.keras", METADATA)
    loaded, metadata = load_model(tmp_path / "m.keras")
    assert metadata == METADATA
    picture = np.ones((1, 32, 40, 1), "float32")
    np.testing.assert_array_equal(loaded.predict_on_batch(picture), model.predict_on_batch(picture))

"""Exported files that are damaged, or whose notes disagree with their networks, are refused before an engine opens them."""

import importlib.util
import json
import shutil
import zipfile
from dataclasses import replace

import pytest

from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.exporting.run import FORMATS
from maskwright.inference.model_files import kind_of, read_metadata
from maskwright.inference.runtimes import open_runtime
from maskwright.labels.rule import LabelRule
from maskwright.models.metadata import Metadata
from maskwright.models.saving import build

pytestmark = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("openvino", "onnxruntime", "tf2onnx"))),
    reason="the extra [engines] is not installed",
)
METADATA = Metadata("unet", {"num_layers": 2, "base_filters": 4}, 3, ["background", "a", "b"], InputRule(32, 40, 1), LabelRule("index", 3))  # fmt: skip
FILES = {"onnx": "m.onnx", "openvino": "m.xml", "saved_model": "saved", "bioimageio": "m.zip"}
LIES = {
    "takes an input of": replace(METADATA, input_rule=InputRule(32, 48, 1)),
    "gives 3 channels, and it says 2": replace(METADATA, channels=2, class_names=["background", "a"]),
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    for format, name in FILES.items():
        FORMATS[format](build(METADATA), METADATA, folder / name)
    return folder


def opened(path, tmp_path):
    return open_runtime(kind_of(path).engines[0], path, "float32", tmp_path / "cache")


def with_note(path, metadata):
    """The same file with another note."""
    if path.suffix == ".onnx":
        import onnx

        from maskwright.models.onnx import described

        path.write_bytes(described(onnx.ModelProto.FromString(path.read_bytes()), metadata).SerializeToString())
    elif path.suffix == ".xml":
        from xml.etree import ElementTree

        tree = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        tree.find("rt_info/maskwright").set("value", metadata.to_json())
        path.write_bytes(ElementTree.tostring(tree))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        plain = json.loads(entries["rdf.yaml"])
        plain["config"]["maskwright"] = json.loads(metadata.to_json())
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in (entries | {"rdf.yaml": json.dumps(plain).encode()}).items():
                archive.writestr(name, data)
    else:
        (path / "assets.extra" / "maskwright.json").write_text(metadata.to_json(), encoding="utf-8")


@pytest.mark.parametrize("told", LIES)
@pytest.mark.parametrize("format", FILES)
def test_a_note_that_disagrees_with_its_network(exported, tmp_path, format, told):
    path = shutil.copytree(exported, tmp_path / "copy") / FILES[format]
    assert opened(path, tmp_path).metadata == METADATA
    with_note(path, LIES[told])
    with pytest.raises(MaskwrightError, match=rf"{FILES[format]}: is a damaged model: its network {told}"):
        opened(path, tmp_path / "other")


@pytest.mark.parametrize("how", ["empty", "cut", "flipped"])
@pytest.mark.parametrize("format", ["onnx", "openvino", "bioimageio"])
def test_damaged_files(exported, tmp_path, format, how):
    path = shutil.copytree(exported, tmp_path / "copy") / FILES[format]
    data = path.read_bytes()
    flipped = data[: len(data) - 60] + bytes(60)
    path.write_bytes({"empty": b"", "cut": data[: len(data) // 2], "flipped": flipped}[how])
    with pytest.raises(MaskwrightError, match=FILES[format]):
        opened(path, tmp_path)


def test_entities_that_unfold_without_end(exported, tmp_path):
    path = shutil.copytree(exported, tmp_path / "copy") / "m.xml"
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    path.write_text(path.read_text(encoding="utf-8").replace('<?xml version="1.0"?>', f'<?xml version="1.0"?>{bomb}'))
    with pytest.raises(MaskwrightError, match=r"m\.xml: is no OpenVINO model"):
        read_metadata(path)


@pytest.mark.parametrize("how", ["external", "domain", "huge"])
def test_an_onnx_file_of_more_than_a_network(exported, tmp_path, how):
    import onnx

    proto = onnx.ModelProto.FromString((exported / "m.onnx").read_bytes())
    weight = proto.graph.initializer[0]
    if how == "external":
        weight.external_data.add(key="location", value="/etc/hostname")
    elif how == "domain":
        proto.opset_import.add(domain="com.example", version=1)
    else:
        weight.dims.append(1 << 40)
    (tmp_path / "m.onnx").write_bytes(proto.SerializeToString())
    told = {"external": "keeps weights in other files", "domain": "needs operators of 'com.example'", "huge": "claim"}
    with pytest.raises(MaskwrightError, match=rf"m\.onnx: .*{told[how]}"):
        read_metadata(tmp_path / "m.onnx")

"""Good files of every kind, small, the same at every run; without Keras where that can be."""

from __future__ import annotations

import functools
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

Files = list[tuple[str, bytes]]


def npy(array: Any) -> bytes:
    """An array as NumPy writes it."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def zipped(entries: dict[str, bytes]) -> bytes:
    """An archive of names and bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _grey(kind: Any = np.uint8, size: tuple[int, ...] = (17, 23)) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 200, size).astype(kind)


def _pillow(array: np.ndarray, format: str, mode: str | None = None, **options: Any) -> bytes:
    from PIL import Image

    picture = Image.fromarray(array)
    if mode == "P":
        picture = Image.fromarray(array % 5)
        picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def images(folder: Path) -> Files:
    """Every format of pictures that is read."""
    grey, colour, deep = _grey(), _grey(size=(17, 23, 3)), _grey(np.uint16) * 256
    files = [
        (f"a{end}", cv2.imencode(end, colour)[1].tobytes()) for end in (".png", ".jpg", ".bmp", ".webp", ".ppm", ".tif")
    ]
    files += [
        (f"a{number}.jp2", cv2.imencode(".jp2", array)[1].tobytes())
        for number, array in enumerate((_grey(size=(64, 64, 3)), _grey(np.uint16, (64, 64))))
    ]
    files += [(f"b{end}", cv2.imencode(end, deep)[1].tobytes()) for end in (".png", ".pgm", ".tif")]
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    files += [
        ("c.jpg", _pillow(colour, "JPEG", exif=exif)),
        ("c.gif", _pillow(grey, "GIF")),
        ("c.webp", _pillow(colour, "WEBP", lossless=True)),
    ]
    files += [
        ("d.tif", _pillow(colour, "TIFF", compression=one))
        for one in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
    ]
    files += [
        ("e.png", _pillow(np.dstack([colour, grey]), "PNG")),
        ("e.pbm", b"P1\n3 2\n0 1 0 1 0 1\n"),
        ("e.ppm", b"P3 2 1 9 1 2 3 4 5 6"),
    ]
    return files


def masks(folder: Path) -> Files:
    """Palettes beside pictures of other kinds."""
    files = [
        (f"m.{end}", _pillow(_grey(), end.upper().replace("TIF", "TIFF"), "P")) for end in ("png", "gif", "bmp", "tif")
    ]
    return [
        *files,
        ("n.png", _pillow((_grey() > 99).astype(np.uint8) * 255, "PNG")),
        ("n.jpg", _pillow(_grey(), "JPEG")),
    ]


def tiffs(folder: Path) -> Files:
    """TIFFs of bands, planes, tiles, signs and floats."""
    import tifffile

    bands = _grey(np.uint16, (5, 17, 23))
    ways: list[tuple[np.ndarray, dict[str, Any]]] = [
        (bands, {"planarconfig": "separate", "photometric": "minisblack"}),
        (np.moveaxis(bands, 0, -1), {"planarconfig": "contig", "photometric": "minisblack"}),
        (_grey(np.float32), {}), (_grey(np.int16), {}), (_grey(np.int8), {}), (_grey(np.uint32), {}),
        (_grey(np.uint16), {"compression": "zlib"}), (_grey(np.uint16), {"compression": "zlib", "predictor": True, "rowsperstrip": 3}),
        (_grey(np.uint16, (40, 40)), {"tile": (16, 16)}), (_grey(np.uint16), {"photometric": "miniswhite"}), (_grey(np.uint16), {"bigtiff": True}),
        (_grey(np.uint16), {"byteorder": ">"}), (_grey(np.uint16), {"extratags": [(274, 3, 1, 6, True)]}),
    ]  # fmt: skip
    files = []
    for number, (array, options) in enumerate(ways):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, array, **options)
        files.append((f"{number}.tif", buffer.getvalue()))
    return files


@functools.cache
def slices() -> tuple[tuple[str, bytes], ...]:
    """Three slices of a series."""
    from scans import write_series

    with tempfile.TemporaryDirectory() as place:
        paths = write_series(
            Path(place), _grey(np.int16, (4, 12, 10)), names=[f"good{i}.dcm" for i in range(3)] + ["slice.dcm"]
        )
        return tuple((path.name, path.read_bytes()) for path in paths[:3])


def dicom(folder: Path) -> Files:
    """A fourth slice in several compressions, and a file of several frames."""
    from scans import write_series

    files = []
    for place, syntax in enumerate(("2.1", "2.5", "2.4.80", "2.4.90", "2.4.70")):
        names = ["0.dcm", "1.dcm", "2.dcm", f"slice{place}.dcm"]
        path = write_series(
            folder / str(place), _grey(np.int16, (4, 12, 10)), syntax=f"1.2.840.10008.1.{syntax}", names=names
        )[3]
        files.append((path.name, path.read_bytes()))
    return [*files, ("alone.dcm", _enhanced())]


def _enhanced() -> bytes:
    """An image of three frames, each with its place."""
    import pydicom
    from pydicom.dataset import Dataset

    one = pydicom.dcmread(io.BytesIO(slices()[0][1]))
    groups = []
    for frame in range(3):
        group, place, way, pixel, value = (Dataset() for _ in range(5))
        place.ImagePositionPatient = [0, 0, 2.5 * frame]
        way.ImageOrientationPatient, pixel.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.8, 0.9]
        value.RescaleSlope, value.RescaleIntercept = "1", "-1024"
        group.PlanePositionSequence, group.PlaneOrientationSequence = [place], [way]
        group.PixelMeasuresSequence, group.PixelValueTransformationSequence = [pixel], [value]
        groups.append(group)
    one.PerFrameFunctionalGroupsSequence, one.NumberOfFrames, one.PixelData = groups, 3, one.PixelData * 3
    buffer = io.BytesIO()
    one.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def dicom_seg(folder: Path) -> Files:
    """A segmentation of two segments."""
    from scans import write_series

    from maskwright.volumes.dicom import read_dicom
    from maskwright.volumes.dicom_seg import segmentation

    write_series(folder / "scan", np.zeros((4, 9, 8)))
    scan = read_dicom(folder / "scan")
    label = np.zeros((4, 9, 8), np.uint8)
    label[1:3, 1:4, 1:4], label[2, 5:8, 2:6] = 1, 2
    segmentation(scan.with_array(label), scan, folder, {1: "liver", 2: "spleen"}).save_as(folder / "seg.dcm")
    return [("seg.dcm", (folder / "seg.dcm").read_bytes())]


def _volume(kind: Any = np.int16) -> Any:
    from scans import SERIES_AFFINE, volume

    return volume((4, 5, 6), SERIES_AFFINE, kind=kind)


def nifti(folder: Path) -> Files:
    """NIfTI 1 and 2, packed and not, and MGH."""
    import nibabel

    from maskwright.volumes.nifti import nifti_bytes

    files = [
        ("a.nii", nifti_bytes(_volume(), packed=False)),
        ("b.nii.gz", nifti_bytes(_volume(np.float32), packed=True)),
    ]
    array, affine = np.zeros((4, 5, 6), np.float32), np.diag([1.0, 2, 3, 1])
    for name, image in (
        ("c.nii", nibabel.Nifti2Image(array, affine)), ("d.nii", nibabel.Nifti1Image(np.zeros((4, 5, 6, 2), np.uint8), affine)),
        ("e.mgh", nibabel.MGHImage(array, affine)), ("f.mgz", nibabel.MGHImage(array, affine)),
    ):  # fmt: skip
        folder.mkdir(exist_ok=True)
        nibabel.save(image, folder / name)
        files.append((name, (folder / name).read_bytes()))
    return files


@functools.cache
def _pair_files() -> dict[str, bytes]:
    import nibabel

    with tempfile.TemporaryDirectory() as place:
        nibabel.save(
            nibabel.Nifti1Pair(np.zeros((4, 5, 6), np.int16), np.diag([1.0, 2, 3, 1])), Path(place) / "scan.hdr"
        )
        return {end: (Path(place) / f"scan.{end}").read_bytes() for end in ("hdr", "img")}


def nifti_pair(folder: Path) -> Files:
    """The header of a pair."""
    return [("scan.hdr", _pair_files()["hdr"])]


def voxels() -> bytes:
    """The other half of it."""
    return _pair_files()["img"]


def itk(folder: Path) -> Files:
    """NRRD and MetaImage, packed and not."""
    import SimpleITK as sitk

    folder.mkdir(exist_ok=True)
    image = sitk.GetImageFromArray(_grey(np.int16, (4, 5, 6)))
    image.SetSpacing((0.5, 0.6, 2.0))
    files = []
    for name, packed in (("a.nrrd", False), ("b.nrrd", True), ("c.mha", False), ("d.mha", True)):
        sitk.WriteImage(image, str(folder / name), packed)
        files.append((name, (folder / name).read_bytes()))
    return files


def scan_zip(folder: Path) -> Files:
    """A series in an archive."""
    return [("scan.zip", zipped(dict(slices())))]


def toml(folder: Path) -> Files:
    """Our configurations."""
    from maskwright.config import Configuration, write_toml

    short = '[data]\nimages = "a"\nmasks = "b"\npatient_pattern = \'P(\\d+)\'\n[mask]\nlevels = [0, 128]\n[model]\nimage_width = 32\n'
    short += "[model.options]\nx = [1, 2]\n[train]\nlearning_rate = 0.01\nclass_weights = [1.0, 2.0]\n[evaluate]\nspacing = [1.0, 2]\n"
    return [("a.toml", short.encode()), ("b.toml", write_toml(Configuration(), everything=True).encode())]


def ini(folder: Path) -> Files:
    """The reference's."""
    from conftest import PROJECT

    more = '[mask]\nmask_colors = [(0,0,0), (255, 0, 0)]\n; a comment\n[image]\ncolor_converter = "BGR2HSV"\nangles = [1,\n  2,\n 3]\n'
    return [("a.config", PROJECT.encode()), ("b.config", (PROJECT + more).encode())]


def literals(folder: Path) -> Files:
    """Values on the command line."""
    return [("a", b"[1.0, 2, 0.5]"), ("b", b"(1, 2.5e0, 0x3)"), ("c", b"[1.0, +2.0, 3_0]")]


def pairs() -> list[Any]:
    """Pairs that a split may name."""
    from maskwright.data.pairs import Pair

    return [Pair(f"P{i}-0", Path(f"i/P{i}-0.png"), Path(f"m/P{i}-0.png"), f"P{i}") for i in range(6)]


def _records() -> list[Any]:
    from maskwright.data.records import Record

    return [
        Record(
            one.name, one.patient, 32, 40, "uint8", 0.0, 200.0, [900, 124], "aa", "bb", np.zeros((128, 128), np.uint8)
        )
        for one in pairs()
    ]


@functools.cache
def plan_json() -> bytes:
    """A plan of six pairs."""
    from maskwright.data.labels import LabelRule
    from maskwright.plan.choices import Choice
    from maskwright.plan.files import as_dict
    from maskwright.plan.plan import Entry, Plan

    parts = ("train", "train", "train", "valid", "valid", "test")
    entries = tuple(
        Entry(pair, part, ("aa",), "bb", None if part == "test" else i % 2, record)
        for i, (pair, part, record) in enumerate(zip(pairs(), parts, _records(), strict=True))
    )
    made = Plan("pictures", entries, {"data.folds": 2, "seed": 1}, 1, True, LabelRule(), "black and white", ("background", "a"), "uint8",
                0.0, 255.0, folds=2, notes=("a note",), chosen=(Choice("epoch", "Dice", ("P3",), ("aa",), 3),))  # fmt: skip
    return json.dumps(as_dict(made)).encode()


@functools.cache
def thumbnails() -> bytes:
    """Of those pairs."""
    return npy(np.zeros((6, 128, 128), np.uint8))


def plan(folder: Path) -> Files:
    """`plan.json`, the thumbnails beside it whole."""
    return [("plan.json", plan_json())]


def plan_thumbnails(folder: Path) -> Files:
    """The thumbnails, the plan beside them whole."""
    return [("plan_thumbnails.npy", thumbnails()), ("plan_thumbnails.npy", npy(np.zeros((6, 4, 64, 64), np.uint8)))]


def trained_on(folder: Path) -> Files:
    """What a run was trained on."""
    return [
        ("training_images.json", json.dumps([one.as_dict() for one in _records()]).encode()),
        ("training_images.json", b"[" + json.dumps(_records()[0].as_dict()).encode() + b"]"),
    ][:1]


def splits(folder: Path) -> Files:
    """Lists of patients and names, and a plan in their place."""
    return [("a.json", b'{"train": ["P0", "P1-0", "P2"], "valid": ["P3"], "test": []}'), ("plan.json", plan_json())]


def metadata() -> Any:
    """What a small network says of itself."""
    from maskwright.data.labels import LabelRule
    from maskwright.data.preprocess import InputRule
    from maskwright.models.metadata import Metadata

    return Metadata("unet", {"num_layers": 2, "base_filters": 4}, 3, ["background", "a", "b"], InputRule(32, 40, 1, intensity="zscore"),
                    LabelRule("color", 3, colors=((0, 0, 0), (1, 2, 3), (4, 5, 6))), {"threshold": [0.2, 0.4]}, {"epoch": 3}, (1,))  # fmt: skip


def _network() -> tuple[bytes, bytes]:
    """`config.json` and weights of one convolution, as Keras writes them."""
    import h5py

    def layer(kind: str, name: str, config: dict[str, Any], nodes: list[Any]) -> dict[str, Any]:
        return {
            "module": "keras.layers",
            "class_name": kind,
            "config": {"name": name, **config},
            "name": name,
            "registered_name": None,
            "inbound_nodes": nodes,
        }

    tensor = {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 32, 40, 1], "dtype": "float32", "keras_history": ["image", 0, 0]},
    }
    layers = [
        layer("InputLayer", "image", {"batch_shape": [None, 32, 40, 1], "dtype": "float32", "sparse": False}, []),
        layer("Conv2D", "conv2d", {"filters": 3, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "activation": "softmax",
              "kernel_initializer": {"module": "keras.initializers", "class_name": "HeNormal", "config": {"seed": None}, "registered_name": None}},
              [{"args": [tensor], "kwargs": {}}]),
    ]  # fmt: skip
    config = {"module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional", "build_config": {"input_shape": None},
              "config": {"name": "unet", "trainable": True, "layers": layers, "input_layers": [["image", 0, 0]], "output_layers": [["conv2d", 0, 0]]}}  # fmt: skip
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        held = file.create_group("layers/conv2d/vars")
        held["0"], held["1"] = np.zeros((3, 3, 1, 3), np.float32), np.zeros(3, np.float32)
    return json.dumps(config).encode(), buffer.getvalue()


def keras_files(folder: Path) -> Files:
    """`.keras` files, without Keras."""
    config, weights = _network()
    note = metadata().to_json().encode()
    entries = {
        "metadata.json": b'{"keras_version": "3.15.0"}',
        "config.json": config,
        "model.weights.h5": weights,
        "maskwright.json": note,
    }
    return [("a.keras", zipped(entries))]


def _onnx() -> bytes:
    import onnx
    from onnx import TensorProto, helper

    shapes = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", 32, 40, edge])
        for name, edge in (("image", 1), ("probabilities", 3))
    ]
    weights = helper.make_tensor("w", TensorProto.FLOAT, [1, 3], np.zeros(3))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["image", "w"], ["probabilities"])], "g", shapes[:1], shapes[1:], [weights]
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    helper.set_model_props(made, {"maskwright": metadata().to_json()})
    return onnx.ModelProto.SerializeToString(made)


def message(name: str, data: bytes) -> Any:
    """The protocol buffer of an ONNX file or a SavedModel."""
    import onnx

    if name.endswith(".onnx"):
        return onnx.ModelProto.FromString(data)
    from maskwright.backend import parse_saved_model

    return parse_saved_model(data)


def models(folder: Path) -> Files:
    """What models of every kind say of themselves."""
    from xml.sax.saxutils import quoteattr

    def port(edge: int) -> str:
        return f"<port id='0'><dim>-1</dim><dim>32</dim><dim>40</dim><dim>{edge}</dim></port>"

    note = metadata().to_json()
    xml = f"<?xml version='1.0'?><net><layers><layer id='0' type='Parameter'><output>{port(1)}</output></layer><layer id='1' type='Result'><input>{port(3)}</input></layer></layers><rt_info><maskwright value={quoteattr(note)} /></rt_info></net>"
    package = {"rdf.yaml": json.dumps({"config": {"maskwright": json.loads(note)}}).encode(), "model.onnx": b"x"}
    return [
        *keras_files(folder),
        ("b.onnx", _onnx()),
        ("c.xml", xml.encode()),
        ("d.zip", zipped({"x.json" if n == "" else n: d for n, d in package.items()})),
    ]


class Variable:
    """What a checkpoint needs of a variable."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def assign(self, value: Any) -> None:
        """Take an array of its shape."""
        np.zeros(self.shape)[...] = value


class Model:
    """A learner with three variables."""

    checkpoint_variables = (Variable((3, 3, 1, 4)), Variable((4,)), Variable(()))


def checkpoints(folder: Path) -> Files:
    """A checkpoint after two epochs."""
    rows = [{"epoch": 1.0, "loss": 0.5, "val_dice": float("nan")}, {"epoch": 2.0, "loss": 0.4, "val_dice": 0.1}]
    watch = {"patience": 3, "best": 0.4, "best_tie": float("inf"), "waited": 0}
    state = {"epoch": 2, "rows": rows, "stopping": watch, "reducer": {**watch, "factor": 0.5, "min_delta": 1e-4}}
    text = np.frombuffer(json.dumps(state).encode(), np.uint8)
    arrays = [text, np.zeros((3, 3, 1, 4), np.float32), np.zeros(4, np.float32), np.array(7, np.int64)]
    return [
        (
            "last.npz",
            zipped(
                {f"{name}.npy": npy(array) for name, array in zip(("state", "v0", "v1", "v2"), arrays, strict=True)}
            ),
        )
    ]


def history(folder: Path) -> Files:
    """The epochs of a run."""
    return [
        ("history.csv", b"epoch,dice,loss,val_loss,seconds\n1,0.2,0.7,0.8,5.6\n2,0.3,0.6,nan,1e-3\n3,0.4,0.5,0.6,2\n")
    ]


def geometry(folder: Path) -> Files:
    """Where the slices of a patient lie."""
    rows = [{"file": f"P1-000{i}.png", "patient": "P1", "split": "train", "slice": i, "crop_margin": 0} for i in (1, 2)]
    facts = {"affine": np.diag([2.5, 0.8, 0.9, 1]).tolist(), "shape": [4, 20, 30], "box": [[0, 4], [2, 18], [0, 30]], "size": [16, 16], "split": "train",
             "structures": {"liver": [1]}, "rows": rows, "scan": "a.nii", "labels": "b.nii", "not_whole": [], "settings": "x"}  # fmt: skip
    return [("P1.json", json.dumps(facts).encode())]


def manifest(folder: Path) -> Files:
    """The slices of a data set."""
    from maskwright.prepare.files import COLUMNS

    return [
        (
            "manifest.csv",
            (",".join(COLUMNS) + "\n" + "\n".join(",".join([str(i)] * len(COLUMNS)) for i in range(4)) + "\n").encode(),
        )
    ]


def evaluation(folder: Path) -> Files:
    """The summary of an evaluation."""
    facts = {"mean": 0.5, "std": 0.1, "median": 0.5, "min": 0.2, "n": 3, "undefined": 0, "ci95": [0.4, 0.6]}
    empty = {**facts, "mean": None, "ci95": None, "undefined": 3}
    group = {"dice": facts, "hausdorff95": empty, "surface_dice": facts, "liver": {"dice": facts}}
    made = {"split": "test", "network": {"loss": 0.3}, "units": {"distance": "mm", "volume": "ml", "tolerance": 2.0}, "images": 3, "patients": 3, "volumes": 0,
            "empty_truth": 0, "absent_classes": [], "per_image": group, "per_patient": group, "worst": [{"patient": "P1", "dice": 0.2}],
            "agreement": {"liver": {"correlation": 0.9, "limits": [0.1, 0.2]}}, "confusion": [[1, 2], [3, 4]], "warnings": ["one"],
            "calibration": {"brier": 0.1, "expected_calibration_error": 0.2, "bins": [{"share": 0.1}]}}  # fmt: skip
    return [("evaluation.json", json.dumps(made).encode())]


def scores(folder: Path) -> Files:
    """The scores of patients."""
    return [
        (
            "per_patient.csv",
            b"name,patient,class,dice,iou\nP1,P1,liver,0.5,0.4\nP2,P2,liver,,0.1\nP3,P3,liver,0.25,nan\n",
        )
    ]


def whole_models(folder: Path) -> Files:
    """A network as Keras writes it."""
    from maskwright.models.saving import build, save_model

    folder.mkdir(exist_ok=True)
    save_model(build(metadata()), folder / "a.keras", metadata())
    return [("a.keras", (folder / "a.keras").read_bytes())]


def saved_models(folder: Path) -> Files:
    """And as TensorFlow does."""
    return [("saved_model.pb", _saved()["saved_model.pb"])]


def variables() -> list[tuple[str, bytes]]:
    """The files beside it."""
    return [(name, data) for name, data in _saved().items() if name.startswith("variables.")]


@functools.cache
def _saved() -> dict[str, bytes]:
    from maskwright.backend import save_tensorflow
    from maskwright.models.saving import build

    with tempfile.TemporaryDirectory() as place:
        save_tensorflow(build(metadata()), Path(place))
        return {path.name: path.read_bytes() for path in Path(place).rglob("*") if path.is_file()}

"""The commands of the README and of the page that shows everything, as they stand there, on tiny data."""

import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from maskwright.cli import main
from maskwright.config import load
from maskwright.phantoms.abdomen import write_phantoms

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
OVERVIEW = (ROOT / "docs" / "overview.md").read_text(encoding="utf-8")
SMALL = """
[model]
image_width = 32
image_height = 32
num_layers = 1
base_filters = 4
[train]
epochs = 1
precision = "float32"
[predict]
precision = "float32"
"""


def section(title):
    return OVERVIEW.split(f"## {title}", 1)[1].split("\n## ", 1)[0]


def blocks(text, kind):
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def commands(text):
    for block in blocks(text, "sh"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words:
                assert words[0] == "maskwright"
                yield words[1:]


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    """Made once: most of its time goes into noise and smoothing."""
    place = tmp_path_factory.mktemp("phantoms") / "dataset"
    write_phantoms(place, 8, 1, every=4)
    return place


@pytest.fixture
def folder(phantoms, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(phantoms, tmp_path / "dataset")
    return tmp_path


def test_a_folder_of_images_and_masks(folder):
    text = section("You have a folder of images and a folder of masks")
    (toml,) = blocks(text, "toml")
    init, *others = commands(text)
    assert main([*init, "--quiet"]) == 0 and load(folder / "config.toml").config.data.patient_pattern
    (folder / "config.toml").write_text(toml + SMALL, encoding="utf-8")  # trained in a second
    done = [main([*words, "--quiet"]) for words in others]
    assert others[0] == ["train"] and others[1] == ["report"] and done == [0] * 10
    (python,) = blocks(text, "python")
    exec(compile(python, "README.md", "exec"), {})  # noqa: S102 - our own README
    assert len(list((folder / "from_notebook").glob("*.png"))) == len(list((folder / "dataset" / "images").iterdir()))
    assert main(["train", "config.toml", "--resume", "--quiet"]) == 0


def test_a_model_put_to_work(folder, capfd):
    for package in ("onnxruntime", "openvino", "tf2onnx", "fastapi"):
        pytest.importorskip(package)
    text = section("You have a folder of images and a folder of masks")
    (folder / "config.toml").write_text(blocks(text, "toml")[0] + SMALL, encoding="utf-8")
    assert main(["train", "config.toml", "--quiet"]) == 0
    *others, serve = commands(section("You want to put a model to work"))
    assert [main([*words, "--quiet"]) for words in others] == [0] * 3
    assert len(list((folder / "by_file").glob("*.png"))) == len(list((folder / "dataset" / "images").iterdir()))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "maskwright", *(port if word == "8000" else word for word in serve)]
    )
    try:
        answer = None
        while answer is None and process.poll() is None:
            try:
                answer = urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).read()
            except OSError:
                time.sleep(0.1)
        assert answer is not None
        image = next((folder / "dataset" / "images").iterdir()).read_bytes()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/segment", image)
        assert urllib.request.urlopen(request, timeout=60).read().startswith(b"\x89PNG")
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()


@pytest.mark.slow
def test_scans(folder):
    for path in sorted((folder / "dataset" / "volumes").glob("PHANTOM_*.nii.gz")):
        kind = "labels" if "-label" in path.name else "scans"
        (folder / kind).mkdir(exist_ok=True)
        path.rename(folder / kind / path.name.replace("-label", ""))
    text = section("You have scans")
    prepare, train, predict, measure, restore, *volumes = commands(text)
    assert main([*prepare, "--quiet"]) == 0
    config = folder / "pairs" / "config.toml"
    config.write_text(config.read_text(encoding="utf-8") + SMALL, encoding="utf-8")
    assert [main([*words, "--quiet"]) for words in (train, predict, restore)] == [0] * 3
    found = sorted((folder / "organs").glob("*.nii.gz"))
    assert found
    assert main([word.replace("PATIENT.nii.gz", found[0].name) for word in measure] + ["--quiet"]) == 0
    (toml,) = blocks(text, "toml")
    small = re.sub(r"(image_\w+) = \d+", r"\1 = 48", toml).replace("num_layers = 4", "num_layers = 2\nbase_filters = 4")
    small += (
        'epochs = 1\nsteps_per_epoch = 1\nbatch_size = 1\nprecision = "float32"\n[predict]\nprecision = "float32"\n'
    )
    (folder / "volumes.toml").write_text(small + "volume_batch_size = 8\n", encoding="utf-8")
    assert [main([*words, "--quiet"]) for words in volumes] == [0] * 3


@pytest.mark.slow
def test_a_project_of_the_reference(folder, reference_project):
    (folder / "train_eval_infer.config").write_text(reference_project("dataset"), encoding="utf-8")
    found = list(commands(section("You have a project for the reference system")))
    assert [words[0] for words in found] == ["config", "train", "evaluate", "predict", "config"]
    assert [main([*words, "--quiet"]) for words in found] == [0] * 5
    for name in ("models/best_model.h5", "eval/train_losses.csv", "generated_images_dir", "test_output", "test_output_merged",
                 "config.toml"):  # fmt: skip
        assert (folder / name).exists()


def test_the_readmes_commands_are_those_that_the_overview_begins_with():
    """Where they are run."""
    found = list(commands(README))
    first = list(commands(section("You have a folder of images and a folder of masks")))[: len(found)]
    assert found == first == [["init", "dataset"], ["train"], ["report"]]


def test_it_is_one_screen():
    assert len(README.splitlines()) < 60


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_two_commands_of_the_first_screen_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in ("demo", "test"):
        assert f"make {name}" in README[:900] and re.search(rf"^{name}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.toml")), ids=lambda path: path.name)
def test_every_example_loads(path):
    assert load(path).dialect == "toml"

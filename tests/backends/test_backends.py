"""JAX and PyTorch: every architecture has the same parameters and output and trains, every loss the same value, and a
training from a configuration goes on where it stopped."""

import json
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import keras
import pytest
from architecture_cases import SMALL

from conftest import CONFIG, write_dataset
from maskwright.models.lite_encoder import ENCODERS, lite_encoder

pytestmark = pytest.mark.backends
BACKENDS = ["jax", "torch"]
SHARES = 4
NOT_INSTALLED = "{} is not installed; `make test-backends` installs it"
WORKER = Path(__file__).parents[1] / "support" / "backend_worker.py"
# The networks are tiny and each is compiled once: what XLA optimises takes longer than it saves, and threads only wait.
SMALL_WORK = {
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
    "OMP_NUM_THREADS": "1",
}


def work(what, folder, backend, *more):
    environment = os.environ | SMALL_WORK | {"KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, str(WORKER), what, str(folder), *more],
        capture_output=True,
        text=True,
        env=environment,
        timeout=3000,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def pool():
    """What is under way at a time: a process is one core's work."""
    with ThreadPoolExecutor(2) as workers:
        yield workers


@pytest.fixture(scope="module")
def trained(pool, tmp_path_factory):
    """Of each backend, what came of a training: begun before the models are made, which takes one core."""
    results = {}
    for backend in filter(find_spec, BACKENDS):
        folder = tmp_path_factory.mktemp(backend)
        write_dataset(folder / "dataset")
        (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
        results[backend] = pool.submit(work, "run", folder / "config.toml", backend)
    return results


@pytest.fixture(scope="module")
def made(trained, pool, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    pool.submit(work, "make", folder, "tensorflow").result()
    return folder


@pytest.fixture(scope="module")
def checks(made, pool):
    """Of each backend, the shares of its check; JAX, which compiles each layer, takes the most."""
    return {
        backend: [pool.submit(work, "check", made, backend, str(number), str(SHARES)) for number in range(SHARES)]
        for backend in filter(find_spec, BACKENDS)
    }


@pytest.fixture(scope="module", params=BACKENDS)
def found(request, checks):
    if request.param not in checks:
        pytest.skip(NOT_INSTALLED.format(request.param))
    shares = [json.loads(share.result().splitlines()[-1]) for share in checks[request.param]]
    assert {one["backend"] for one in shares} == {request.param}
    return {
        "architectures": {name: found for one in shares for name, found in one["architectures"].items()},
        "losses": shares[0]["losses"],
    }


@pytest.mark.parametrize("name", sorted(SMALL))
def test_the_same_on_every_backend(found, name):
    one = found["architectures"][name]
    assert one["fresh"] == one["parameters"]
    assert one["difference"] < 1e-4
    if one["losses"]:
        assert one["losses"][-1] <= one["losses"][0] / 2


def test_every_loss_has_the_same_value(found, made):
    expected = json.loads((made / "losses.json").read_text(encoding="utf-8"))
    assert found["losses"] == pytest.approx(expected, rel=1e-4, abs=1e-6) and all(map(math.isfinite, expected.values()))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_training_goes_on_and_is_evaluated(backend, trained):
    if backend not in trained:
        pytest.skip(NOT_INSTALLED.format(backend))
    result = json.loads(trained[backend].result().splitlines()[-1])
    assert result["backend"] == backend and result["masks"] == 3
    assert len(result["history"]) == 4 and result["history"][-1]["loss"] < result["history"][0]["loss"]
    assert result["apart"] == 0 and 0 < result["dice"] <= 1


@pytest.mark.parametrize(("name", "edge"), [("lite0", 224), ("lite1", 240), ("lite2", 260)])
def test_the_logits_of_efficientnet_lite(tmp_path, name, edge):
    """On a photograph, beside the package that the weights were made for, with the same file."""
    cv2, data = pytest.importorskip("cv2"), pytest.importorskip("skimage.data")
    theirs = pytest.importorskip("efficientnet_lite_pytorch", reason=NOT_INSTALLED.format("efficientnet-lite-pytorch"))
    import torch

    photo = cv2.resize(data.coffee(), (edge, edge), interpolation=cv2.INTER_AREA)
    network = theirs.EfficientNet.from_pretrained(f"efficientnet-{name}", weights_path=str(ENCODERS[name].file()))
    with torch.no_grad():
        right = network.eval()(torch.tensor(((photo.astype("float32") - 127) / 128).transpose(2, 0, 1)[None]))
    inputs = keras.Input((edge, edge, 3))
    _, logits, _ = lite_encoder(inputs, name, "imagenet", top=True)
    found = keras.Model(inputs, logits).predict_on_batch(photo[None].astype("float32") / 255)
    assert abs(found - right.numpy()).max() < 1e-4 and found.argmax() == 967  # espresso

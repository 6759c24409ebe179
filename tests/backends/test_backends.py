"""Every architecture on JAX and PyTorch: the same parameters, the same output from the same weights, and it trains."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from architecture_cases import SMALL

pytestmark = pytest.mark.backends
WORKER = Path(__file__).parents[1] / "support" / "backend_worker.py"


def work(what, folder, backend):
    environment = os.environ | {"KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, str(WORKER), what, str(folder)], capture_output=True, text=True, env=environment, timeout=3000
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    work("make", folder, "tensorflow")
    return folder


@pytest.fixture(scope="module", params=["jax", "torch"])
def found(request, made):
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed; `make test-backends` installs it")
    result = json.loads(work("check", made, request.param).splitlines()[-1])
    assert result["backend"] == request.param
    return result["architectures"]


@pytest.mark.parametrize("name", sorted(SMALL))
def test_the_same_on_every_backend(found, name):
    one = found[name]
    assert one["fresh"] == one["parameters"]
    assert one["difference"] < 1e-4
    if one["losses"]:
        assert one["losses"][-1] <= one["losses"][0] / 2

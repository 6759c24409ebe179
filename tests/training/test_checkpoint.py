"""A checkpoint that is damaged changes nothing of the model that it is read into."""

import io
import zipfile

import numpy as np
import pytest
import seed_basics
import seed_models

from maskwright.errors import MaskwrightError
from maskwright.training.checkpoint import load_checkpoint


class Model:
    """Three variables that keep what they are given."""

    def __init__(self):
        self.given = []
        self.checkpoint_variables = [self._variable(shape) for shape in ((3, 3, 1, 4), (4,), ())]

    def _variable(self, shape):
        variable = seed_models.Variable(shape)
        variable.assign = self.given.append
        return variable


def changed(tmp_path, name, data):
    path = tmp_path / "last.npz"
    with (
        zipfile.ZipFile(io.BytesIO(seed_models.checkpoints(tmp_path)[0][1])) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for item in old.namelist():
            new.writestr(item, data if item == f"{name}.npy" else old.read(item))
    return path


def test_a_whole_one(tmp_path):
    model = Model()
    state = load_checkpoint(changed(tmp_path, "none", b""), model)
    assert state["epoch"] == 2 and state["stopping"]["best_tie"] == float("inf") and len(model.given) == 3


def state(text):
    return seed_basics.npy(np.frombuffer(text, np.uint8))


BROKEN = {
    "another shape": ("v2", seed_basics.npy(np.zeros(3))), "text": ("v1", seed_basics.npy(np.array(list("abcd")))), "no array": ("v0", b"noise"),
    "a bomb": ("v1", bytes(1 << 26)), "no state": ("state", b""), "another state": ("state", state(b"[]")),
    "an epoch without its row": ("state", state(b'{"epoch": 3, "rows": [], "stopping": {}, "reducer": {}}')),
    "words": ("state", state(b'{"epoch": 0, "rows": [], "stopping": {"best": "x"}, "reducer": {}}')),
    "deep": ("state", state(b"[" * 100_000)),
}  # fmt: skip


@pytest.mark.parametrize(("name", "data"), BROKEN.values(), ids=BROKEN)
def test_a_damaged_one_is_named_and_assigns_nothing(tmp_path, name, data):
    model = Model()
    with pytest.raises(MaskwrightError, match=r"last\.npz"):
        load_checkpoint(changed(tmp_path, name, data), model)
    assert model.given == []

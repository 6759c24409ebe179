"""What --resume needs, in one file: every variable of model and optimiser, and the counters of the loop."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.storage import atomic
from maskwright.typed import NUMBER
from maskwright.untrusted.archives import open_zip, read_member
from maskwright.untrusted.arrays import parse_npy
from maskwright.untrusted.text import parse_json


def _variables(model: Any) -> list[Any]:
    if hasattr(model, "checkpoint_variables"):  # several networks that are trained together
        return model.checkpoint_variables
    model.optimizer.build(model.trainable_variables)
    # `model.variables` holds the states of the dropout layers' random generators too.
    return [*model.variables, *model.optimizer.variables]


def save_checkpoint(path: Path, model: Any, state: dict[str, Any]) -> None:
    """Write the variables of a compiled model and `state` (plain values), whole or not at all."""
    import keras

    arrays = {f"v{i}": keras.ops.convert_to_numpy(variable) for i, variable in enumerate(_variables(model))}
    text = np.frombuffer(json.dumps(state).encode(), np.uint8)
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez(file, state=text, **arrays)


def load_checkpoint(path: Path, model: Any) -> dict[str, Any]:
    """Put a checkpoint's variables into a compiled model; returns its state.

    Raises:
        MaskwrightError: the file is damaged, or belongs to another network.
    """
    variables = _variables(model)
    with open_zip(path, _DAMAGED, _FIX, "there is no checkpoint") as archive:
        if len(archive.namelist()) != len(variables) + 1:
            raise MaskwrightError("belongs to another network or optimiser", where=path, fix=_FIX)
        values = []  # all of them before the first is assigned
        for i, variable in enumerate(variables):
            value = _member(archive, f"v{i}", 8 * math.prod(variable.shape), path)
            if tuple(value.shape) != tuple(variable.shape) or value.dtype.kind not in "biuf":
                raise MaskwrightError("belongs to another network", where=path, fix=_FIX)
            values.append(value)
        text = _member(archive, "state", _MOST_STATE, path)
    found = parse_json(text.tobytes(), path, limit=_MOST_STATE, what=_DAMAGED, fix=_FIX, like=_STATE)
    if found["epoch"] != len(found["rows"]):
        what = f"{_DAMAGED}: after {found['epoch']} epochs it has rows of {len(found['rows'])}"
        raise MaskwrightError(what, where=path, fix=_FIX)
    state = {name: found[name] for name in ("epoch", "rows", "spent", "before", "part") if name in found}
    for name, keys in (("stopping", _STOPPING), ("reducer", _REDUCER)):
        state[name] = {key: value for key, value in found[name].items() if f"?{key}" in keys}
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return state


def _member(archive: zipfile.ZipFile, name: str, most: int, path: Path) -> np.ndarray:
    """An array of a checkpoint, of at most so many bytes and its header."""
    data = read_member(archive, f"{name}.npy", most + _HEADER, path, what=_DAMAGED, fix=_FIX)
    return parse_npy(data, path, fix=_FIX, what=_DAMAGED)


_DAMAGED = "is a damaged checkpoint"
_HEADER = 10_000  # bytes of an array's header
_MOST_STATE = 64 << 20
_STOPPING = {"?patience": int, "?best": float, "?best_tie": float, "?waited": int}
_REDUCER = _STOPPING | {"?factor": float, "?min_delta": float}
_PART = {"?step": int, "?seconds": NUMBER, "?count": int, "?sums": {str: NUMBER}}
_STATE = {"epoch": int, "rows": [{str: NUMBER}], "stopping": _STOPPING, "reducer": _REDUCER,
          "?spent": NUMBER, "?before": NUMBER, "?part": _PART}  # fmt: skip
_FIX = (
    "Resume with the configuration that the run was started with, or train anew without --resume; the best model "
    "so far stays in model.keras."
)

"""What --resume needs, in one file: every variable of model and optimiser, and the counters of the loop."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.storage import atomic


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
    try:
        with np.load(path, allow_pickle=False) as archive:
            variables = _variables(model)
            if len(archive.files) != len(variables) + 1:
                raise MaskwrightError("belongs to another network or optimiser", where=path, fix=_FIX)
            for i, variable in enumerate(variables):
                value = archive[f"v{i}"]
                if tuple(value.shape) != tuple(variable.shape):
                    raise MaskwrightError("belongs to another network", where=path, fix=_FIX)
                variable.assign(value)
            return json.loads(archive["state"].tobytes())
    except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise MaskwrightError(f"is a damaged checkpoint ({error})", where=path, fix=_FIX) from None


_FIX = (
    "Resume with the configuration that the run was started with, or train anew without --resume; the best model "
    "so far stays in model.keras."
)

"""Image segmentation from one configuration file: train, evaluate and predict, on slices and on volumes.

    import maskwright as mw

    mw.init("dataset", minutes=30)
    run = mw.train("config.toml")
    mw.evaluate(run)
    mw.predict(run, "images/")
    mw.load(run).predict(array).mask

Names are imported when they are first used, so that importing the package is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from maskwright.environment import prepare_environment

__version__ = "0.1.0"

# Before anything of ours can import Keras: which kernels TensorFlow takes is read once, and decides the last bits.
prepare_environment()

if TYPE_CHECKING:
    from maskwright.api import evaluate, export, load_config, predict, report, serve, suspects, train, tune
    from maskwright.api.advising import Advice, init
    from maskwright.api.feeding import Feed, dataset
    from maskwright.api.model import Model, load
    from maskwright.api.segmentation import Segmentation
    from maskwright.errors import MaskwrightError
    from maskwright.models.registry import create_model
    from maskwright.training.run import Run

_HOMES = {
    "load_config": "api",
    "train": "api",
    "evaluate": "api",
    "export": "api",
    "predict": "api",
    "report": "api",
    "serve": "api",
    "suspects": "api",
    "tune": "api",
    "init": "api.advising",
    "Advice": "api.advising",
    "dataset": "api.feeding",
    "Feed": "api.feeding",
    "load": "api.model",
    "Model": "api.model",
    "Segmentation": "api.segmentation",
    "create_model": "models.registry",
    "Run": "training.run",
    "MaskwrightError": "errors",
}

__all__ = [
    "Advice",
    "Feed",
    "MaskwrightError",
    "Model",
    "Run",
    "Segmentation",
    "create_model",
    "dataset",
    "evaluate",
    "export",
    "init",
    "load",
    "load_config",
    "predict",
    "report",
    "serve",
    "suspects",
    "train",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'maskwright' has no attribute {name!r}")
    return getattr(import_module(f"maskwright.{_HOMES[name]}"), name)

"""What a notebook and the command line both call."""

from maskwright.api.judging import Evaluation, evaluate, report, suspects
from maskwright.api.learning import load_config, train, tune
from maskwright.api.using import export, predict, serve

__all__ = ["Evaluation", "evaluate", "export", "load_config", "predict", "report", "serve", "suspects", "train", "tune"]

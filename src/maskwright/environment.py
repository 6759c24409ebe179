"""Settings of TensorFlow that are read once, when it is loaded; so they are made before anything can import Keras."""

import os


def prepare_environment() -> None:
    """Keep TensorFlow from filling the terminal, and let it take the same kernels whoever loads it first."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

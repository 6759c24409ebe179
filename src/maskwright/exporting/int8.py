"""Arithmetic in whole numbers of 8 bits: calibrated on the validation cases of a run, kept if it loses next to nothing.

Convolutions compute with 8-bit inputs and weights, everything else in float32. Inputs have a range of their own each,
found in what the network sees when it predicts the validation cases.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.config import Configuration
from maskwright.data.pairs import Pair
from maskwright.evaluation.summary import report
from maskwright.inference.engines import Engine
from maskwright.inference.evaluate import score_network
from maskwright.inference.evaluate_scans import score_scans
from maskwright.progress import Reporter

MOST_LOSS = 0.005  # of mean Dice over validation patients
_INPUTS = {2: 100, 3: 24}  # to calibrate on
_QUANTILE = 99.999  # of an input's values; a few outliers would cost the others their precision
_STRIDE = 4  # inputs whose intermediate values are in memory at a time


class Recorder:
    """An engine that keeps some of its inputs, every one with the same chance."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.metadata = engine, engine.metadata
        self._most = _INPUTS[3 if engine.metadata.input_rule.depth else 2]
        self._rng, self._seen, self.kept = np.random.default_rng(0), 0, list[np.ndarray]()

    def probabilities(self, inputs: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        """See `Engine`."""
        for one in inputs:
            self._seen += 1
            if len(self.kept) < self._most:
                self.kept.append(one.copy())
            elif (place := int(self._rng.integers(self._seen))) < self._most:
                self.kept[place] = one.copy()
        return self.engine.probabilities(inputs, batch_size)


def dice_on(engine: Engine, pairs: Sequence[Pair], config: Configuration, reporter: Reporter) -> float:
    """Mean Dice over patients (and classes)."""
    score = score_scans if engine.metadata.input_rule.depth else score_network
    images = score(engine, pairs, config, reporter).images
    return float(report(images, engine.metadata.class_names, 100)["per_patient"]["dice"]["mean"])


def quantize(graph: Path, inputs: Sequence[np.ndarray], target: Path) -> None:
    """Write the ONNX file of a network with 8-bit convolutions, for OpenVINO.

    Only what goes into a convolution is quantised, not what comes out: OpenVINO then fuses it with what follows.
    Whole numbers have no sign, because OpenVINO runs signed inputs wrongly (0.87 instead of 0.97 Dice to Keras).
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    kinds = ["Conv", "ConvTranspose"]
    flat = inputs[0].ndim == 3
    stride = _STRIDE if len(inputs) >= _STRIDE else 1
    used = inputs[: len(inputs) // stride * stride]  # it must divide them
    extra: dict[str, Any] = {"OpTypesToExcludeOutputQuantization": kinds, "CalibStridedMinMax": stride}
    method = CalibrationMethod.Percentile if flat else CalibrationMethod.MinMax  # quantiles of volumes fill the memory
    if flat:
        extra["CalibPercentile"] = _QUANTILE
    root, before = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.ERROR)  # it advises another preparation, which changes nothing here
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it tells of every step
            quantize_static(
                onnx.load(graph), str(target), _Reader(used), quant_format=QuantFormat.QDQ, per_channel=True,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=method,
                op_types_to_quantize=kinds, extra_options=extra,
            )  # fmt: skip
    finally:
        root.setLevel(before)


class _Reader:
    """Inputs one by one, as ONNX Runtime's quantisation asks for them."""

    def __init__(self, inputs: Sequence[np.ndarray]) -> None:
        self._inputs, self._next, self._end = inputs, 0, len(inputs)

    def __len__(self) -> int:
        return len(self._inputs)

    def set_range(self, start_index: int, end_index: int) -> None:
        self._next, self._end = start_index, end_index

    def get_next(self) -> dict[str, np.ndarray] | None:
        if self._next >= self._end:
            return None
        self._next += 1
        return {"image": self._inputs[self._next - 1][None]}

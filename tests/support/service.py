"""A service on a free port of this machine, and a client for it."""

import contextlib
import http.client
import json
import logging
import threading
import time
import warnings

import numpy as np
import uvicorn

from maskwright.config.schema import PredictSection
from maskwright.data.preprocess import InputRule
from maskwright.labels.rule import LabelRule
from maskwright.models.metadata import Metadata
from maskwright.serving.app import create_app
from maskwright.serving.limits import Limits
from maskwright.serving.measures import Measures
from maskwright.serving.segmenter import Segmenter
from maskwright.serving.server import describe, settings
from maskwright.serving.tickets import Gate
from maskwright.serving.watch import TALKATIVE, silence_readers

RULE = InputRule(32, 32, 1, window="abdomen")


class Bright:
    """An engine that finds what is bright, in numbers that can be followed: the probability is the level itself.

    Args:
        seconds: that each batch takes.
    """

    def __init__(self, rule=RULE, channels=1, seconds=0.0):
        names = ["background", *(f"organ {number}" for number in range(1, max(channels, 2)))]
        self.metadata = Metadata("unet", {}, channels, names, rule, LabelRule("index", len(names)))
        self.seconds, self.sizes, self.asked = seconds, [], []

    def probabilities(self, inputs, batch_size=None):
        self.sizes.append(len(inputs))
        self.asked.append(batch_size)
        time.sleep(self.seconds)
        level = inputs.mean(axis=-1, keepdims=True).astype(np.float32)
        if self.metadata.channels == 1:
            return level
        return np.concatenate(
            [1 - level, *[level / (self.metadata.channels - 1)] * (self.metadata.channels - 1)], axis=-1
        )


class Service:
    """A running service: `url`, `ask` and what is behind it."""

    def __init__(self, engine, options, limits, token):
        self.gate = Gate(limits.waiting)
        self.measures = Measures(self.gate)
        engines = engine if isinstance(engine, list) else [engine]
        self.segmenter = Segmenter(engines, options, limits, self.measures.batches.observe)
        self.token = token
        app = create_app(
            self.segmenter, self.gate, self.measures, describe(self.segmenter), token=token, local=True
        )  # fmt: skip
        self.server = uvicorn.Server(settings(app, limits))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def ask(self, path, body=None, headers=None, method=None, timeout=60):
        """Status, headers and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            given = ({"Authorization": f"Bearer {self.token}"} if self.token else {}) | (headers or {})
            try:
                connection.request(method or ("GET" if body is None else "POST"), path, body, given)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the service had seen enough of the body; its answer is there
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def segment(self, body, query="", **more):
        """Status and body; JSON as a dict."""
        status, headers, found = self.ask(f"/v1/segment{query}", body, **more)
        return status, json.loads(found) if headers.get_content_type() == "application/json" else found

    def close(self):
        self.server.should_exit = True
        self.thread.join(30)


@contextlib.contextmanager
def running(engine=None, *, token=None, options=None, **limits):
    """A service that runs as long as the block."""
    loggers = [logging.getLogger(name) for name in TALKATIVE]
    before = [(one.handlers, one.propagate, one.disabled) for one in loggers]
    with warnings.catch_warnings():
        silence_readers()
        logging.getLogger("maskwright.serve").setLevel(logging.INFO)
        yield from _run(engine, options, limits, token)
    for logger, kept in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate, logger.disabled = kept


def _run(engine, options, limits, token):
    service = Service(engine or Bright(), options or PredictSection(), Limits(**limits), token)
    try:
        yield service
    finally:
        service.close()

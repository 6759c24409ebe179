"""Starting and ending the service."""

from __future__ import annotations

import logging
import os
import signal
import socket
import webbrowser
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI

from maskwright import __version__
from maskwright.config import Configuration
from maskwright.config.schema.scans import WINDOWS
from maskwright.errors import MaskwrightError
from maskwright.progress import Reporter
from maskwright.serving.app import create_app
from maskwright.serving.limits import Limits
from maskwright.serving.measures import Measures
from maskwright.serving.pages import STATIC
from maskwright.serving.security import check_token, is_loopback
from maskwright.serving.segmenter import Segmenter
from maskwright.serving.tickets import Gate
from maskwright.serving.watch import silence_readers
from maskwright.targets import engine
from maskwright.volumes.window import FROM_VALUES
from maskwright.volumes.window import limits as limits_of

TOKEN_VARIABLE = "MASKWRIGHT_TOKEN"
_CONNECTIONS = 1000  # open at the same time


def run_service(
    models: list[Path],
    config: Configuration,
    limits: Limits,
    reporter: Reporter,
    *,
    host: str,
    port: int,
    token: str | None,
    open_browser: bool = False,
) -> None:
    """Serve one model, or an ensemble of several, until SIGTERM or SIGINT; what was taken in is finished first.

    Args:
        port: 0 for any that is free.

    Raises:
        MaskwrightError: the port is taken, others could connect without a token, or the model cannot be opened.
    """
    check_token(host, token)
    with _listening(host, port) as listener:
        gate = Gate(limits.waiting)
        measures = Measures(gate)
        opened = [engine(model, config) for model in models]
        if not (STATIC / "vendor" / "niivue.js").exists():
            reporter.warn("the viewer's libraries are not packed (make viewer); the service works without them")
        segmenter = Segmenter(opened, config.predict, limits, measures.batches.observe, reporter.warn)
        reporter.say(f"{len(models)} model{'s' * (len(models) > 1)} in {type(opened[0]).__name__}, warming up …")
        reporter.say(f"ready after {segmenter.warm_up():.1f} s")
        name, place = listener.getsockname()[:2]
        shown = f"http://{'localhost' if is_loopback(name) else name}:{place}/"
        silence_readers()
        _log_lines(quiet=reporter.quiet)
        app = create_app(
            segmenter, gate, measures, describe(segmenter),
            token=token, local=is_loopback(host),
        )  # fmt: skip

        def begun() -> None:
            reporter.say(f"viewer and service: {shown}  (Ctrl+C ends it)")
            if open_browser:
                webbrowser.open(shown)

        # Signals are raised again when the server has ended; by then all is done.
        before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            _Server(settings(app, limits), begun, gate).run(sockets=[listener])
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    reporter.say("the service has ended")


def settings(app: FastAPI, limits: Limits) -> uvicorn.Config:
    """How HTTP is spoken: by h11, whatever else is installed, because every reader of HTTP is lax in its own way."""
    return uvicorn.Config(
        app, http="h11", ws="none", log_config=None, access_log=False, server_header=False, port=0,
        limit_concurrency=_CONNECTIONS, timeout_graceful_shutdown=int(limits.seconds) + 5, lifespan="on",
        proxy_headers=False,
    )  # fmt: skip


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, begun: Callable[[], None], gate: Gate) -> None:
        super().__init__(config)
        self._begun, self._gate = begun, gate

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._begun()

    def handle_exit(self, sig: int, frame: Any) -> None:
        self._gate.closing = True
        super().handle_exit(sig, frame)


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        raise MaskwrightError(
            f"cannot be listened on ({getattr(error, 'strerror', None) or error})",
            where=f"{host}, port {port}",
            fix="Choose another with --port (0 takes any that is free) or --host.",
        ) from None


def _log_lines(*, quiet: bool) -> None:
    log = logging.getLogger("maskwright.serve")
    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)
    log.setLevel(logging.WARNING if quiet else logging.INFO)
    log.propagate = False


def read_token(path: str | None) -> str | None:
    """The token of a file, else of the environment.

    Raises:
        MaskwrightError: the file cannot be read.
    """
    if path is None:
        return os.environ.get(TOKEN_VARIABLE) or None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise MaskwrightError(
            f"cannot be read ({error})", where=path, fix="Name a file that holds the token."
        ) from None


def describe(segmenter: Segmenter) -> dict[str, Any]:
    """What /v1/model tells."""
    metadata, options = segmenter.metadata, segmenter.options
    rule, window = metadata.input_rule, options.window or metadata.input_rule.window
    scans = bool(rule.depth or window)
    return {
        "maskwright": __version__,
        "architecture": metadata.architecture,
        "members": len(segmenter.engines),
        "engine": type(segmenter.engines[0]).__name__.removesuffix("Engine").lower(),
        "classes": metadata.class_names,
        "takes": ([] if rule.depth else ["picture"])
        + (["nifti"] if scans else [])
        + (["dicom"] if scans and find_spec("pydicom") else []),
        "input": rule.as_dict(),
        "window": _range(window) if window and window not in FROM_VALUES else None,
        "windows": {name: _range(name) for name in WINDOWS},
        "training": metadata.training,
        "limits": asdict(segmenter.limits),
    }


def _range(window: str) -> list[float]:
    """What becomes black and white."""
    return list(limits_of(window, np.zeros(1)))

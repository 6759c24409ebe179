"""One line and one count a request; what a request holds is never written down."""

from __future__ import annotations

import logging
import time
import traceback
import warnings
from pathlib import Path

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maskwright.serving.measures import Measures

LOG = logging.getLogger("maskwright.serve")
# They remark on values that they read, which are those of patients.
TALKATIVE = ("pydicom", "highdicom", "nibabel", "nibabel.global", "PIL", "uvicorn.error", "uvicorn.access")


def silence_readers() -> None:
    """Keep libraries from writing what they read into the log."""
    for name in TALKATIVE:
        logger = logging.getLogger(name)
        # Its children ask it for a handler; where it had none, Python would write to standard error.
        logger.handlers, logger.propagate, logger.disabled = [logging.NullHandler()], False, True
    warnings.simplefilter("ignore")


class Watch:
    """Middleware: counts, times and logs requests by their route, and answers 500 where something of ours fails."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self.app, self._measures = app, measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception as error:  # noqa: BLE001 - the last resort; the message may hold what a file says
            place = traceback.extract_tb(error.__traceback__)[-1]
            LOG.error("%s in %s, line %s", type(error).__name__, Path(place.filename).name, place.lineno)
            if not status:
                text = {"error": {"what": "this is a mistake of Maskwright's", "fix": "The log says where."}}
                await JSONResponse(text, 500)(scope, receive, noted)
        finally:
            seconds = time.perf_counter() - begin
            route = getattr(scope.get("route"), "path", "other")
            self._measures.requests.labels(route, str(status)).inc()
            self._measures.seconds.labels(route).observe(seconds)
            LOG.info("%s %s %s %.3f s", scope["method"] if route != "other" else "-", route, status, seconds)

"""The HTTP side of the service."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from maskwright import __version__
from maskwright.serving.answers import INCLUDES, TYPES, Answer, answer, wanted
from maskwright.serving.head import Head
from maskwright.serving.limits import Refused
from maskwright.serving.measures import Measures
from maskwright.serving.pages import add_pages
from maskwright.serving.receive import receive
from maskwright.serving.security import Guard
from maskwright.serving.segmenter import Segmenter
from maskwright.serving.tickets import Gate, Ticket
from maskwright.serving.watch import Watch

_BODY = {
    "required": True,
    "description": "The file itself, or a form with one file: a picture (PNG, JPEG, BMP, TIFF), a NIfTI file, or a zip "
    "archive of a DICOM series. What it is, its first bytes say.",
    "content": {
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        "multipart/form-data": {
            "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
        },
    },
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The mask.", "content": {kind: {} for kind in TYPES.values()}},
    204: {"description": "Nothing was found, and DICOM has no empty segmentation."},
    400: {"description": "The body is empty, a form without one file, or its length or the request's host not clear."},
    401: {"description": "The token is missing or wrong."},
    408: {"description": "The body came too slowly."},
    413: {"description": "Larger than the service takes."},
    415: {"description": "Of no kind that is taken."},
    422: {"description": "Damaged, or nothing that this model can segment."},
    507: {"description": "The service has no room on its disk."},
    503: {"description": "Too many requests are waiting; Retry-After says when to come again."},
    504: {"description": "Not done in time."},
}
Format = Annotated[
    Literal["mask", "png", "nifti", "seg", "json"],
    Query(description="`mask`: PNG for a picture, NIfTI for NIfTI, DICOM segmentation for a DICOM series."),
]
Include = Annotated[str, Query(description=f"Of json, with commas between: {', '.join(INCLUDES)}.", max_length=100)]
Series = Annotated[
    str | None, Query(description="Beginning of the UID or description, where an archive holds several.", max_length=64)
]


def create_app(
    segmenter: Segmenter, gate: Gate, measures: Measures, model: dict[str, Any], *, token: str | None, local: bool
) -> FastAPI:
    """The application.

    Args:
        model: what /v1/model tells. token, local: see `Guard`.
    """
    limits = segmenter.limits
    home = tempfile.TemporaryDirectory(prefix="maskwright-serve-")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(segmenter.close)
        home.cleanup()

    app = FastAPI(
        title="Maskwright", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan,
        description="Segments pictures and scans with one trained model.",
    )  # fmt: skip
    app.add_middleware(Guard, token=token, local=local)
    app.add_middleware(Head)
    app.add_middleware(Watch, measures=measures)

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
        return JSONResponse({"error": {"what": error.what, "fix": error.fix}}, error.status, headers)

    @app.exception_handler(RequestValidationError)
    async def misunderstood(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        text = {"what": f"{first['loc'][-1]}: {first['msg']}", "fix": "See /docs."}
        return JSONResponse({"error": text}, 422)

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": {"what": error.detail, "fix": "See /docs."}}, error.status_code, error.headers)

    @app.post("/v1/segment", openapi_extra={"requestBody": _BODY}, responses=_ANSWERS, response_class=Response)
    async def segment(
        request: Request, format: Format = "mask", include: Include = "rle", series: Series = None
    ) -> Response:
        """Segment a picture or a scan."""
        wanted(include)

        def finish(found: Any) -> Answer:
            return answer(found, segmenter.metadata, segmenter.options, format, include)

        with gate.admitted(), tempfile.TemporaryDirectory(dir=home.name) as folder:
            upload = await receive(request, limits, Path(folder))
            ticket = Ticket(limits.seconds)
            work = asyncio.wrap_future(segmenter.submit(upload, ticket, finish, series))
            while not (await asyncio.wait({work}, timeout=1.0))[0]:
                if await request.is_disconnected():
                    ticket.drop()
                if ticket.is_over():
                    work.add_done_callback(lambda done: done.cancelled() or done.exception())
                    ticket.left()
            done = await work
            measures.uploads.labels(upload.kind).inc()
            return _response(done)

    @app.get("/v1/model")
    async def about() -> dict[str, Any]:
        """The model: what it finds, what it takes, and the limits of this service."""
        return model

    @app.get("/healthz")
    async def health() -> Response:
        """Whether the service takes requests."""
        closing = gate.closing
        return JSONResponse({"status": "ending" if closing else "ok"}, 503 if closing else 200)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(measures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    add_pages(app)
    return app


def _response(found: Answer) -> Response:
    if found.body is None:
        return Response(status_code=204)
    if isinstance(found.body, dict):
        return JSONResponse(found.body)
    headers = {"Content-Disposition": f'attachment; filename="{found.name}"'}
    return Response(found.body, media_type=found.media_type, headers=headers)

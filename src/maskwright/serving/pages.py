"""The viewer's files, read once when the service starts: what a request names is looked up, never opened."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class _Page:
    kind: str
    body: bytes
    packed: bytes
    tag: str


def add_pages(app: FastAPI, folder: Path = STATIC) -> None:
    """`/`, `/docs` and `/static/…`."""
    pages = {path.relative_to(folder).as_posix(): _read(path) for path in folder.rglob("*") if path.suffix in _TYPES}

    def answer(name: str, request: Request) -> Response:
        page = pages.get(name)
        if page is None:
            raise HTTPException(404, "there is no such page")
        headers = {"ETag": page.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == page.tag:
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(page.packed, media_type=page.kind, headers=headers | {"Content-Encoding": "gzip"})
        return Response(page.body, media_type=page.kind, headers=headers)

    @app.get("/", include_in_schema=False)
    async def viewer(request: Request) -> Response:
        return answer("index.html", request)

    @app.get("/docs", include_in_schema=False)
    async def documentation(request: Request) -> Response:
        return answer("docs.html", request)

    @app.get("/static/{name:path}", include_in_schema=False)
    async def static(name: str, request: Request) -> Response:
        return answer(name, request)


def _read(path: Path) -> _Page:
    body = path.read_bytes()
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    return _Page(_TYPES[path.suffix], body, gzip.compress(body, 5, mtime=0), tag)

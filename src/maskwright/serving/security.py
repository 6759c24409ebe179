"""Who may ask: the token, other sites' pages, and what a browser may do with our answers."""

from __future__ import annotations

import secrets
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maskwright.errors import MaskwrightError

SHORTEST_TOKEN = 16
# The viewer's own files and nothing else; NiiVue keeps its font as a data URI.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# The page, its files and whether we live tell nothing of anybody.
_OPEN = ("/static/", "/healthz", "/docs", "/openapi.json")
# Where a request says one of these twice, a proxy in front may have gone by the other.
_ONCE = (b"host", b"content-length", b"transfer-encoding", b"origin", b"authorization")


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def check_token(host: str, token: str | None) -> None:
    """Refuse to listen to others without a token.

    Raises:
        MaskwrightError: there is none, or one that can be guessed.
    """
    if token is None and not is_loopback(host):
        raise MaskwrightError(
            "can be reached by others, and no token is set",
            where=f"--host {host}",
            fix="Put a secret into a file for --token-file (or MASKWRIGHT_TOKEN), or leave --host out.",
        )
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise MaskwrightError(
            f"has {len(token)} characters",
            where="the token",
            fix=f"Take at least {SHORTEST_TOKEN}, for example of: openssl rand -hex 24",
        )


class Guard:
    """Middleware: refuses what should not be answered, and tells browsers what they may do.

    Args:
        token: what a request must bring (`Authorization: Bearer …`), if any. local: whether we listen on this machine
            only; a request must then name it, or a page of another site could have pointed its own name at us.
    """

    def __init__(self, app: ASGIApp, token: str | None, local: bool) -> None:
        self.app, self._token, self._local = app, token, local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        unread = _has_body(scope)

        async def noted() -> Message:
            nonlocal unread
            message = await receive()
            unread = message["type"] == "http.request" and message.get("more_body", False)
            return message

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if unread:
                    headers["Connection"] = "close"  # nobody reads the rest, however slowly it would come
                for name, value in _HEADERS.items():
                    headers[name] = value
                if not scope["path"].startswith("/static/"):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        refused = self._refusal(scope)
        await (refused or self.app)(scope, noted, with_headers)

    def _refusal(self, scope: Scope) -> Any:
        if unclear := _unclear(scope):
            return _no(400, unclear, "Send a request that can be understood in one way only.", {"Connection": "close"})
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._local and not is_loopback(_place(f"//{host}")[0]):
            return _no(421, "the request names another machine", "Ask for localhost or 127.0.0.1.")
        origin = headers.get("origin")
        if origin is not None and _place(origin)[1] != host:  # `null`, of a page in a file or a frame, has no place
            return _no(403, "the request comes from a page of another site", "Use the page of this service.")
        if self._token is not None and scope["path"] != "/" and not scope["path"].startswith(_OPEN):
            kind, _, given = headers.get("authorization", "").partition(" ")
            right = secrets.compare_digest(given.strip().encode(), self._token.encode())
            if kind.lower() != "bearer" or not right:
                fix = "Send Authorization: Bearer TOKEN."
                return _no(401, "the token is missing or wrong", fix, {"WWW-Authenticate": "Bearer"})
        return None


def _has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def _unclear(scope: Scope) -> str:
    """What in a request's head two readers could understand differently (RFC 9112, 3.2 and 6.3); empty where nothing.

    The server below refuses most of it by itself, with 400; where a length stands beside it, it goes by
    Transfer-Encoding.
    """
    names = [name.lower() for name, _ in scope["headers"]]
    if twice := [name.decode() for name in _ONCE if names.count(name) > 1]:
        return f"the request has {names.count(twice[0].encode())} headers {twice[0].title()}"
    if b"transfer-encoding" in names and b"content-length" in names:
        return "the request has Content-Length and Transfer-Encoding"
    if b"transfer-encoding" in names and scope.get("http_version") == "1.0":
        return "the request has Transfer-Encoding, which HTTP/1.0 does not know"
    return ""


def _place(address: str) -> tuple[str, str]:
    """Name, and name with port, of an address; empty where it is none."""
    try:
        parts = urlsplit(address)
        return parts.hostname or "", parts.netloc
    except ValueError:
        return "", ""


def _no(status: int, what: str, fix: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"what": what, "fix": fix}}, status, headers)

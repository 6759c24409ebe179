"""What two readers of HTTP could understand differently, and what a client could do slowly, over a raw socket."""

import asyncio
import json
import socket
import time

import bodies
import pytest
from service import running

from maskwright.serving.security import Guard

GET = b"GET /healthz HTTP/1.1\r\n"
POST = b"POST /v1/segment HTTP/1.1\r\nHost: localhost\r\n"
CHUNKS = b"3\r\nabc\r\n0\r\n\r\n"


def answered(service, request, seconds=20):
    """All that the service says until it closes."""
    found = b""
    with socket.create_connection(("127.0.0.1", service.port), seconds) as client:
        client.sendall(request)
        while piece := client.recv(1 << 16):
            found += piece
    return found


@pytest.mark.parametrize("request_", [
    GET + b"Host: localhost\r\nHost: evil.example\r\n\r\n",
    GET + b"Host: localhost\r\nHOST: localhost\r\n\r\n",
    GET + b"\r\n",
    POST + b"Content-Length: 13\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n" + CHUNKS,
    GET + b"Host: localhost\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    POST + b"Content-Length: 5, 6\r\n\r\nabcdef",
    POST + b"Content-Length: +5\r\n\r\nabcde",
    POST + b"Content-Length: -5\r\n\r\nabcde",
    POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS,
    POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + CHUNKS,
    POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    GET + b"Host: localhost\r\nOrigin: http://localhost\r\nOrigin: http://evil.example\r\n\r\n",
])  # fmt: skip
def test_what_has_two_readings_is_refused_and_the_connection_ends(service, request_):
    """What follows on the connection, whoever's request it may be, is not answered."""
    found = answered(service, request_ + b"GET /v1/model HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 400 ") and found.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in found.lower()


def test_what_has_one_reading_is_answered(service):
    picture = bodies.picture()
    length = b"Content-Length: %d\r\n" % len(picture)
    for head, body in (
        (length, picture),
        (length + length, picture),  # twice the same, which RFC 9110 (8.6) lets pass
        (b"Transfer-Encoding: chunked\r\n", b"%x\r\n%s\r\n0\r\n\r\n" % (len(picture), picture)),
    ):
        assert answered(service, POST + head + b"Connection: close\r\n\r\n" + body).startswith(b"HTTP/1.1 200 "), head
    two = answered(service, GET + b"Host: localhost\r\n\r\n" + GET + b"Host: localhost\r\nConnection: close\r\n\r\n")
    assert two.count(b"HTTP/1.1 200 ") == 2


@pytest.mark.parametrize(("headers", "version", "said"), [
    ([("host", "localhost"), ("host", "localhost")], "1.1", "2 headers Host"),
    ([("host", "localhost"), ("content-length", "3"), ("content-length", "4")], "1.1", "2 headers Content-Length"),
    ([("host", "localhost"), ("content-length", "3"), ("transfer-encoding", "chunked")], "1.1", "and Transfer-Encoding"),
    ([("host", "localhost"), ("transfer-encoding", "chunked"), ("transfer-encoding", "x")], "1.1", "2 headers Transfer"),
    ([("host", "localhost"), ("transfer-encoding", "chunked")], "1.0", "HTTP/1.0"),
    ([("host", "localhost"), ("authorization", "Bearer a"), ("authorization", "Bearer b")], "1.1", "Authorization"),
    ([("host", "localhost"), ("origin", "http://localhost"), ("origin", "null")], "1.1", "2 headers Origin"),
    ([("host", "localhost"), ("content-length", "3")], "1.1", None),
    ([("host", "localhost"), ("transfer-encoding", "chunked")], "1.1", None),
    ([("host", "localhost")], "1.0", None),
])  # fmt: skip
def test_the_guard_refuses_it_whatever_server_stands_below(headers, version, said):
    sent = []

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": "/healthz", "http_version": version,
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }  # fmt: skip
    asyncio.run(Guard(application, token=None, local=True)(scope, None, send))
    assert sent[0]["status"] == (400 if said else 200)
    if said:
        error = json.loads(sent[1]["body"])["error"]
        assert said in error["what"] and error["fix"]
        assert (b"connection", b"close") in sent[0]["headers"]


def test_head_says_what_get_says_without_a_body(service):
    for path in ("/", "/docs", "/static/app.js", "/static/none.js", "/v1/model", "/healthz", "/openapi.json", "/none"):
        got, asked = service.ask(path), service.ask(path, method="HEAD")
        assert asked[0] == got[0] and asked[2] == b"", path
        differ = {"date"}
        one, other = ({k.lower(): v for k, v in found[1].items() if k.lower() not in differ} for found in (got, asked))
        assert one == other and int(one["content-length"]) == len(got[2]), path
    assert service.ask("/metrics", method="HEAD")[::2] == (200, b"")  # its body is another each time
    assert service.ask("/v1/segment", method="HEAD")[0] == service.ask("/v1/segment", method="GET")[0] == 405
    tag = service.ask("/static/app.js")[1]["ETag"]
    assert service.ask("/static/app.js", headers={"If-None-Match": tag}, method="HEAD")[0] == 304
    assert service.ask("/v1/model", headers={"Host": "evil.example"}, method="HEAD")[::2] == (421, b"")
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE"):
        assert service.ask("/healthz", method=method)[0] == 405, method
    head = GET.replace(b"GET", b"HEAD") + b"Host: localhost\r\n\r\n"
    raw = answered(service, head + GET + b"Host: localhost\r\nConnection: close\r\n\r\n")
    assert raw.count(b"HTTP/1.1 200 ") == 2, "a body behind the answer to HEAD would be taken for the next answer"
    metrics = service.ask("/metrics")[2].decode()
    assert 'maskwright_requests_total{route="/healthz",status="200"}' in metrics


def test_head_asks_for_the_token_too():
    with running(token="0123456789abcdef0123") as service:
        assert service.ask("/v1/model", headers={"Authorization": ""}, method="HEAD")[::2] == (401, b"")
        assert service.ask("/v1/model", method="HEAD")[::2] == (200, b"")


def drip(service, head, piece, seconds=30, pause=0.05):
    """Send a piece now and then until the service answers: its answer, and whether it closed the connection."""
    with socket.create_connection(("127.0.0.1", service.port), 10) as client:
        client.sendall(head)
        client.settimeout(pause)
        end, found = time.monotonic() + seconds, b""
        while time.monotonic() < end:
            try:
                more = client.recv(1 << 16)
            except TimeoutError:
                more = None
            except ConnectionResetError:
                return found, True
            if more == b"":
                return found, True
            found += more or b""
            try:
                client.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                return found, True
    return found, False


@pytest.mark.parametrize(("head", "piece"), [
    (b"Content-Length: 100000\r\n\r\n\x89PNG\r\n\x1a\n", b"x"),
    (b"Content-Length: 100000\r\n\r\n\x89PNG\r\n\x1a\n" + bytes(600), b"xx"),  # its kind is known, it lies in a file
    (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
])  # fmt: skip
def test_a_body_that_drips_is_ended(head, piece):
    with running(upload_seconds=1.0, pause_seconds=20) as service:
        found, closed = drip(service, POST + head, piece)
        assert found.startswith(b"HTTP/1.1 408 ") and b"not complete after 1 s" in found and closed
        assert service.gate.inside == 0
        assert service.segment(bodies.picture())[0] == 200


def test_a_body_that_nobody_reads_does_not_hold_the_connection(service):
    """An answer that needs no body: a page, a route that is none, a query that is wrong."""
    length = b"Host: localhost\r\nContent-Length: 100000\r\n\r\n"
    for head, status in ((b"GET /healthz", 200), (b"POST /none", 404), (b"POST /v1/segment?format=exe", 422)):
        found, closed = drip(service, head + b" HTTP/1.1\r\n" + length, b"x")
        assert found.startswith(b"HTTP/1.1 %d " % status) and closed, head


def test_a_body_that_comes_in_time_is_taken():
    picture = bodies.picture(200, 200)
    with running(upload_seconds=30, pause_seconds=10) as service:
        head = POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(picture)
        found, _ = drip(service, head + picture[:-3], picture[-3:])
        assert found.startswith(b"HTTP/1.1 200 ")

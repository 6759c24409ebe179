"""Taking in a body, piece by piece, into a file of our own name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.requests import ClientDisconnect, Request

from maskwright.serving.form import FORM, boundary_of, unpacked
from maskwright.serving.intake import HEAD, Upload, kind_of
from maskwright.serving.limits import Limits, Refused, too_large


async def receive(request: Request, limits: Limits, folder: Path) -> Upload:
    """Write the body, or the file in it where it is a form, into `folder`.

    Raises:
        Refused: 400 empty or a form without one file, 408 too slow, 413 too long, 415 of no kind that is taken, 499
            broken off, 507 no room for it.
    """
    declared = request.headers.get("content-length", "")
    boundary = boundary_of(request.headers.get("content-type", ""))
    if declared.isdigit() and int(declared) > limits.bytes + (FORM if boundary else 0):
        raise too_large(f"a body of {int(declared) / 1e6:.0f} MB", f"{limits.megabytes:g} MB")
    pieces = _pieces(request, limits)
    if boundary:
        pieces = unpacked(pieces, boundary, limits)
    head = b""
    async for piece in pieces:
        head += piece
        if len(head) >= HEAD:
            break
    kind, ending = kind_of(head)
    path, total = folder / limits.file_name(ending), len(head)
    try:
        with path.open("wb") as file:
            file.write(head)
            async for piece in pieces:
                total += len(piece)
                if total > limits.bytes:
                    raise too_large("the body", f"{limits.megabytes:g} MB")
                file.write(piece)
    except OSError as error:
        raise Refused(507, f"the service cannot keep the upload ({error.strerror})", "Tell who runs it.") from None
    return Upload(kind, path)


async def _pieces(request: Request, limits: Limits) -> AsyncIterator[bytes]:
    stream = request.stream()
    # A byte now and then never pauses for long: the whole body has a time as well.
    deadline = time.monotonic() + limits.upload_seconds
    while True:
        left = deadline - time.monotonic()
        try:
            piece = await asyncio.wait_for(anext(stream), max(0.0, min(limits.pause_seconds, left)))
        except StopAsyncIteration:
            return
        except TimeoutError:
            if left <= limits.pause_seconds:
                what = f"the body was not complete after {limits.upload_seconds:g} s"
                raise Refused(408, what, "Send something smaller, or over a faster line.") from None
            raise Refused(408, f"nothing came for {limits.pause_seconds:g} s", "Send it again.") from None
        except ClientDisconnect:
            raise Refused(499, "the client is gone") from None
        if piece:
            yield piece

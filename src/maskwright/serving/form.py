"""The one file in a form (multipart/form-data, RFC 7578), as browsers and `curl -F` send it, piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from maskwright.serving.limits import Limits, Refused, too_large

FORM = 1 << 16  # bytes of a form beside its file, at most
_FIX = "Send one file: curl -F file=@FILE, or the file itself as the body: curl --data-binary @FILE."


def boundary_of(content_type: str) -> bytes | None:
    """What parts of a form lie between; None where a body is no form.

    Raises:
        Refused: 400, it is one without a boundary.
    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        return None
    if not options.get(b"boundary"):
        raise Refused(400, "the form does not say where its parts end (boundary)", _FIX)
    return options[b"boundary"]


async def unpacked(pieces: AsyncIterator[bytes], boundary: bytes, limits: Limits) -> AsyncIterator[bytes]:
    """The bytes of the form's file, as they come.

    Raises:
        Refused: 400, it is damaged or cut short, or has no file or several; 413, it is too long.
    """
    form, total = _Form(boundary), 0
    async for piece in pieces:
        total += len(piece)
        if total > limits.bytes + FORM:
            raise too_large("the body", f"{limits.megabytes:g} MB")
        if found := form.feed(piece):
            yield found
    form.close()


class _Form:
    """A form that comes in pieces."""

    def __init__(self, boundary: bytes) -> None:
        self.files, self.ended = 0, False
        self._name, self._value = b"", b""
        self._inside = False  # the file
        self._found: list[bytes] = []
        callbacks: dict[str, Any] = {
            "on_part_begin": self._begin, "on_header_field": self._field, "on_header_value": self._valued,
            "on_header_end": self._header, "on_part_data": self._data, "on_end": self._end,
        }  # fmt: skip
        try:
            self._parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
        except MultipartParseError as error:
            raise _damaged(error) from None

    def feed(self, piece: bytes) -> bytes:
        """The bytes of the file in the next piece of the form."""
        try:
            self._parser.write(piece)
        except MultipartParseError as error:
            raise _damaged(error) from None
        found = b"".join(self._found)
        self._found.clear()
        return found

    def close(self) -> None:
        """The body is over."""
        if not self.ended:
            raise Refused(400, "the form ends before its last part does", _FIX)
        if not self.files:
            raise Refused(400, "the form holds no file", _FIX)

    def _begin(self) -> None:
        self._inside = False

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]
        self._bounded()

    def _valued(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._bounded()

    def _bounded(self) -> None:
        """Newer versions of the parser see to it themselves."""
        if len(self._name) + len(self._value) > FORM:
            raise Refused(400, "a part of the form has an endless head", _FIX)

    def _header(self) -> None:
        if self._name.lower() == b"content-disposition":
            options = parse_options_header(self._value)[1]
            if b"filename" in options or b"filename*" in options:
                self.files += 1
                self._inside = True
                if self.files > 1:
                    raise Refused(400, "the form holds several files", _FIX)
        self._name = self._value = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._inside:
            self._found.append(data[start:end])

    def _end(self) -> None:
        self.ended = True


def _damaged(error: MultipartParseError) -> Refused:
    return Refused(400, f"the form is damaged ({error})", _FIX)

"""Pieces of what a notebook shows: pictures inside the page, and tables; no style of ours, so that dark pages fit."""

from __future__ import annotations

import base64
import html
import io
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

_MEDIA = {".png": "image/png", ".jpg": "image/jpeg"}


def notebook() -> Any:
    """IPython's display module where this process is a notebook's; None elsewhere, and nothing is imported for that."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if not hasattr(shell, "kernel"):
        return None
    return import_module("IPython.display")


def as_image(picture: Image, text: str, widest: int) -> str:
    """A picture as HTML, made smaller where it is wider than `widest` px."""
    if picture.width > widest:
        picture = picture.resize((widest, max(1, round(picture.height * widest / picture.width))))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return _image(buffer.getvalue(), "image/png", text)


def file_as_image(path: Path, text: str) -> str:
    """A picture file as HTML; nothing where there is none."""
    return _image(path.read_bytes(), _MEDIA[path.suffix], text) if path.is_file() else ""


def _image(data: bytes, kind: str, text: str) -> str:
    source = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    return f'<img src="{source}" alt="{html.escape(text, quote=True)}" style="max-width:100%">'


def as_text(text: str) -> str:
    """Lines of text as HTML, as they stand."""
    return f"<pre>{html.escape(text)}</pre>"


def as_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as an HTML table."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(_text(row.get(name)))}</td>" for name in columns) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)

"""Weights that are fetched on purpose; no training ever does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras

from maskwright.errors import MaskwrightError, choices
from maskwright.models import lite_weights
from maskwright.models.pretrained import ENCODERS, cache

_SILENCE = 30.0  # s without an answer, after which a network counts as none


def known_weights() -> dict[str, tuple[Path | None, str]]:
    """Of each encoder with ImageNet weights the file on this machine, or None, and how it comes here."""
    found: dict[str, tuple[Path | None, str]] = {}
    for name, lite in lite_weights.ENCODERS.items():
        found[f"efficientnet_{name}"] = (lite.file(), lite_weights.INSTALL)
    for name, encoder in ENCODERS.items():
        file = cache() / encoder.file
        found[name] = (file if file.is_file() else None, f"maskwright weights get {name}")
    return found


def fetch(name: str) -> Path:
    """Fetch an encoder's weights into Keras's cache; Keras shows the progress and compares the checksum that it knows.

    Raises:
        MaskwrightError: an unknown name, no network, or a file that arrived damaged.
    """
    if name not in ENCODERS:
        fix = lite_weights.INSTALL if name.startswith("efficientnet_lite") else choices(name, list(ENCODERS))
        raise MaskwrightError(f"there are no weights {name!r} to fetch", where="weights get", fix=fix)
    target = cache() / ENCODERS[name].file
    try:
        with _patience():
            getattr(keras.applications, name)(include_top=False, weights="imagenet")
    except Exception as error:  # noqa: BLE001 - of no other kind is what Keras raises
        told = str(error).strip().splitlines()
        raise MaskwrightError(
            f"could not be fetched ({told[0] if told else type(error).__name__})",
            where=f"weights of {name}",
            fix=f"On a machine with a network run maskwright weights get {name}, and copy {target.name} from its "
            f"~/.keras/{target.parent.name} into {target.parent} here.",
        ) from None
    if not target.is_file():
        fix = f"Look for {target.name}, and name its path with model.weights."
        raise MaskwrightError("Keras has put them elsewhere", where=f"weights of {name}", fix=fix)
    return target


@contextmanager
def _patience() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SILENCE)

    try:
        yield
    finally:
        socket.setdefaulttimeout(before)

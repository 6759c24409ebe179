"""What the service takes at most, and how it refuses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from maskwright.data.images import TooLarge
from maskwright.errors import MaskwrightError

# What a user sets, by the names of the command line.
_OPTIONS = {
    "megabytes": "--most-mb", "seconds": "--timeout", "upload_seconds": "--upload-timeout", "waiting": "--queue",
}  # fmt: skip
_MOST = 1e7
_NAME = "upload"  # of the file that a body is kept in


@dataclass(frozen=True)
class Limits:
    """What one request may cost.

    Attributes:
        megabytes: of its body. unpacked_megabytes: of what is packed in it. pixels: of a picture. voxels, slices: of a
            scan. edge: the longest edge of a picture or slice, and `smallest_edge` the shortest, in px. seconds: from
            its last byte to the answer. pause_seconds: between two pieces of its body, and `upload_seconds` for all of
            it. waiting: requests in the house at the same time; more are sent away with 503.
    """

    megabytes: float = 512
    unpacked_megabytes: float = 2048
    pixels: int = 1 << 25
    voxels: int = 1 << 28
    slices: int = 2000
    edge: int = 32768
    smallest_edge: int = 8
    seconds: float = 300
    pause_seconds: float = 30
    upload_seconds: float = 600
    waiting: int = 64

    def __post_init__(self) -> None:
        for name, option in _OPTIONS.items():
            value = getattr(self, name)
            if not 0 < value < _MOST:
                raise MaskwrightError(
                    f"is {value:g}", where=f"serve {option} ({name})", fix="Give a number above 0 and below 10 million."
                )

    @staticmethod
    def file_name(ending: str) -> str:
        """Of the file that a body is kept in."""
        return f"{_NAME}{ending}"

    @property
    def bytes(self) -> int:
        """Of a body."""
        return int(self.megabytes * 1e6)

    @property
    def unpacked_bytes(self) -> int:
        """Of what is packed in a body."""
        return int(self.unpacked_megabytes * 1e6)


class Refused(Exception):
    """A request that is not done: the HTTP status, what is wrong with it, and what would be right."""

    def __init__(self, status: int, what: str, fix: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(what)
        self.status, self.what, self.fix, self.retry_after = status, what, fix, retry_after

    @classmethod
    def because(cls, error: MaskwrightError, kept: Path) -> Refused:
        """422 for a file that cannot be used (413 for one that declares too much); where it was kept is not told."""
        text = f"{error.where}: {error.what}" if error.where else error.what
        hidden = re.escape(str(kept.parent)) + rf"[/\\]{_NAME}[.\w]*"
        return cls(413 if isinstance(error, TooLarge) else 422, re.sub(hidden, "the upload", text), error.fix or "")


def too_large(what: str, most: str) -> Refused:
    """413 for what is over a limit."""
    return Refused(413, f"{what} is too much for this service", f"At most {most}.")

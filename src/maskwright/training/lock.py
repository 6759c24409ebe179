"""One training at a time into one run folder."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from maskwright.data.cache import default_folder
from maskwright.errors import MaskwrightError
from maskwright.storage import make_folder


def _folder() -> Path:
    try:
        return make_folder(default_folder().parent / "maskwright-locks")
    except MaskwrightError:  # a home that nobody may write to
        return make_folder(Path(tempfile.gettempdir()) / "maskwright-locks")


@contextmanager
def only_one(run_dir: Path) -> Iterator[None]:
    """Hold a run folder while it is trained into; the system frees it when a process dies, however it dies.

    The lock lies in the cache, so that nothing of it stays beside the run.

    Raises:
        MaskwrightError: another process of this machine trains into the folder.
    """
    name = hashlib.blake2b(str(run_dir.resolve()).encode(), digest_size=12).hexdigest()
    lock = FileLock(_folder() / f"{name}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise MaskwrightError(
            "is being trained into by another process",
            where=run_dir,
            fix="Wait for it, stop it, or choose another folder with --run.",
        ) from None
    try:
        yield
    finally:
        lock.release()

"""GDCM in a process of its own: it aborts the process that it runs in on many a damaged image."""

from __future__ import annotations

import atexit
import io
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.untrusted.arrays import parse_npy

_CHILD = Path(__file__).with_name("gdcm_child.py")
_SECONDS = 300.0  # for one file; a damaged one may also lead round in circles
# What says how pixels are stored (PS3.3 C.7.6.3); nothing about the patient leaves this process.
_DESCRIBES = ("SOPClassUID", "SOPInstanceUID", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration",
              "NumberOfFrames", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
              "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "PixelData")  # fmt: skip


class Child:
    """The process, started when it is first asked and again after each death."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        atexit.register(self.close)

    def decode(self, dataset: Any) -> np.ndarray:
        """The stored values of a compressed image, as `pydicom` gives them.

        Raises:
            RuntimeError: they cannot be decoded, or GDCM did not survive it.
        """
        question = _file(dataset)
        # One at a time, and one process: a lossless JPEG of 512x512 takes 28 ms either way, and its start a second.
        with self._lock:
            answer = self._ask(question)
        if not answer:
            raise RuntimeError("GDCM cannot decode it")
        return parse_npy(answer, "GDCM's answer")

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _ask(self, question: bytes) -> bytes:
        process = self._process
        if process is None or process.poll() is not None:
            self.close()
            process = self._process = subprocess.Popen(
                [sys.executable, "-P", str(_CHILD)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        timer = threading.Timer(_SECONDS, process.kill)
        timer.start()
        try:
            process.stdin.write(len(question).to_bytes(8, "little") + question)
            process.stdin.flush()
            length = int.from_bytes(process.stdout.read(8), "little")
            answer = process.stdout.read(length)
            whole = bool(length) and len(answer) == length
        except OSError:  # it died while it was asked
            whole, answer = False, b""
        except BaseException:
            self.close()  # else the next one who asks would read this answer
            raise
        finally:
            timer.cancel()
        return answer if whole else b""


def _file(dataset: Any) -> bytes:
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    part = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    for keyword in _DESCRIBES:
        if keyword in dataset:
            part[keyword] = dataset[keyword]
    buffer = io.BytesIO()
    part.save_as(buffer, enforce_file_format=False)
    return buffer.getvalue()


CHILD = Child()

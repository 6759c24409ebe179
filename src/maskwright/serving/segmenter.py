"""What the service does, without HTTP: uploads in, masks and measures out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from maskwright.config.schema import PredictSection
from maskwright.data.resolution import spacing_for
from maskwright.data.threads import cores
from maskwright.errors import MaskwrightError
from maskwright.inference.decision import decision
from maskwright.inference.engines import Engine, combined
from maskwright.inference.in_memory import Labelled, label_picture, label_scan
from maskwright.serving.batching import NetworkThread, batch_of, batch_sizes
from maskwright.serving.intake import Upload, read_picture, read_scan
from maskwright.serving.limits import Limits, Refused
from maskwright.serving.tickets import Ticket, TicketEngine

Result = TypeVar("Result")
_SCANS = 2  # at a time: each holds a whole scan in memory


@dataclass(frozen=True)
class SegmentedUpload:
    """What was found in an upload, and its kind."""

    kind: str
    what: Labelled


class Segmenter:
    """One model (or ensemble), ready for many requests at once.

    Args:
        engines: the members. options: [predict], as for `maskwright predict`. noted: called with each batch's size.
        warn: told what the options ask for and the model cannot give.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        options: PredictSection,
        limits: Limits,
        noted: Callable[[int], None] = lambda size: None,
        warn: Callable[[str], None] = lambda message: None,
    ) -> None:
        self.engines, self.options, self.limits = list(engines), options, limits
        self.metadata = combined(engines, options, warn).metadata  # members that do not fit together are refused here
        decision(self.metadata, options)
        volumes = bool(self.metadata.input_rule.depth)
        self.most = options.volume_batch_size if volumes else options.batch_size
        self._network = NetworkThread(noted)
        # As many as fill a batch, and some that decode and encode meanwhile.
        self._pictures = ThreadPoolExecutor(self.most + cores(), "picture")
        self._scans = ThreadPoolExecutor(_SCANS, "scan")

    def warm_up(self) -> float:
        """Run each size of batch once, so that the first request does not wait for a compiler; returns seconds."""
        begin = time.perf_counter()
        for size in batch_sizes(self.most):
            for engine in self.engines:
                engine.probabilities(
                    np.zeros((size, *self.metadata.input_shape), np.float32), batch_of(size, self.most)
                )
        return time.perf_counter() - begin

    def submit(
        self, upload: Upload, ticket: Ticket, finish: Callable[[SegmentedUpload], Result], series: str | None = None
    ) -> Future[Result]:
        """Segment an upload in a thread, and what `finish` makes of it; scans and pictures do not wait for each other.

        Raises (the future):
            Refused: a file that cannot be used, or time that is over.
        """
        pool = self._scans if upload.is_scan else self._pictures
        return pool.submit(lambda: finish(self._segment(upload, ticket, series)))

    def close(self) -> None:
        """End when everything that was submitted is done."""
        self._pictures.shutdown()
        self._scans.shutdown()
        self._network.close()

    def _segment(self, upload: Upload, ticket: Ticket, series: str | None) -> SegmentedUpload:
        ticket.left()
        members = [TicketEngine(engine, self._network, self.most, ticket) for engine in self.engines]
        engine = combined(members, self.options)
        try:
            if upload.is_scan:
                return self._scan(engine, upload, ticket, series)
            return self._picture(engine, upload)
        except MaskwrightError as error:
            raise Refused.because(error, upload.path) from None

    def _picture(self, engine: Engine, upload: Upload) -> SegmentedUpload:
        rule = self.metadata.input_rule
        if rule.depth:
            raise Refused(422, "is a picture, and the model takes volumes", "Send a NIfTI file or a DICOM series.")
        image = read_picture(upload, self.limits, self.metadata.channels)
        spacing = spacing_for(upload.path, rule)
        return SegmentedUpload(
            upload.kind, label_picture(engine, image, self.options, where=upload.path, spacing=spacing)
        )

    def _scan(self, engine: Engine, upload: Upload, ticket: Ticket, series: str | None) -> SegmentedUpload:
        scan = read_scan(upload, self.limits, self.metadata.input_rule, series)
        ticket.left()
        found = label_scan(engine, scan, self.options)
        ticket.left()
        return SegmentedUpload(upload.kind, found)

"""What the service counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from maskwright.serving.tickets import Gate

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Measures:
    """Counters of one service."""

    def __init__(self, gate: Gate) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.requests = Counter(
            "maskwright_requests_total", "Requests that were answered.", ["route", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "maskwright_request_seconds", "Time to the answer.", ["route"], buckets=_SECONDS, registry=self._registry
        )
        self.uploads = Counter(
            "maskwright_uploads_total", "Uploads that were segmented, by kind.", ["kind"], registry=self._registry
        )
        self.batches = Histogram(
            "maskwright_batch_inputs", "Inputs a batch.", buckets=(1, 2, 4, 8, 16, 32), registry=self._registry
        )
        inside = Gauge("maskwright_requests_inside", "Requests waiting or in work.", registry=self._registry)
        inside.set_function(lambda: gate.inside)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)

"""Prometheus metrics of a server, with the names and text format of TF Serving.

Dashboards for TF Serving read `:tensorflow:serving:request_count` and
`:tensorflow:serving:request_latency` unchanged; times are in microseconds.
"""

import threading
from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import Metric, UntypedMetricFamily

_BUCKETS = tuple(10 * 1.8**k for k in range(33))
_LABELS = ("model_name", "API", "entrypoint")


class Monitoring:
    """Counts requests of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._registry.register(self)
        self._latency = Histogram(
            ":tensorflow:serving:request_latency",
            "Wall time (in microseconds) of answered requests.",
            _LABELS,
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def count(
        self, model: str, code: str, seconds: float, *, api: str, entrypoint: str
    ) -> None:
        """Counts one request.

        Args:
            model: its name; "" if there is no such model.
            code: status code, such as OK.
            seconds: from its arrival to its answer.
            api: predict, classify, regress or status.
            entrypoint: REST or GRPC.
        """
        with self._lock:
            self._counts[model, code] += 1
        if code == "OK":
            self._latency.labels(model, api, entrypoint).observe(seconds * 1e6)

    def page(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """The counts, for Prometheus; TF Serving's name has no ``_total``."""
        family = UntypedMetricFamily(
            ":tensorflow:serving:request_count",
            "The total number of requests.",
            labels=("model_name", "status"),
        )
        with self._lock:
            counts = dict(self._counts)
        for labels, count in sorted(counts.items()):
            family.add_metric(labels, count)
        yield family

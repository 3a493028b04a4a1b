"""Prometheus metrics of this process: requests and their durations."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

# Litestar adds the charset to types of text.
_MEDIA_TYPE = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LABELS = ("method", "route", "status")
_METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}


class RequestMetrics:
    """Counts requests by method, route template and status."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._requests = Counter(
            "goatherd_http_requests",
            "Requests answered",
            _LABELS,
            registry=registry,
        )
        self._seconds = Histogram(
            "goatherd_http_request_seconds",
            "Seconds from a request's arrival to the end of its answer",
            _LABELS,
            buckets=_BUCKETS,
            registry=registry,
        )
        # Looking up a child by its labels takes longer than counting.
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer; ``route`` is a template, so that there are few.

        Nothing that a client made up is kept: all unknown methods count as one.
        """
        key = (method if method in _METHODS else "other", route, status)
        children = self._children.get(key)
        if children is None:
            children = self._children[key] = self._labelled(*key)
        counter, histogram = children
        counter.inc()
        histogram.observe(seconds)

    def _labelled(
        self, method: str, route: str, status: int
    ) -> tuple[Counter, Histogram]:
        labels = (method, route, str(status))
        return self._requests.labels(*labels), self._seconds.labels(*labels)


def metrics_route(registry: CollectorRegistry) -> HTTPRouteHandler:
    @get(
        "/metrics",
        opt={"scope": None},
        operation_id="getMetrics",
        # A collector may query the database.
        sync_to_thread=True,
        tags=["Operations"],
    )
    def metrics() -> Response[bytes]:
        """Numbers of this process, in Prometheus' text format."""
        return Response(generate_latest(registry), media_type=_MEDIA_TYPE)

    return metrics

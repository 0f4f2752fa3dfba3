"""Prometheus metrics of requests and jobs. Endpoint labels are route templates: identifiers never become labels.

`mechshare.adapters.metrics` has those of the adapters.
"""

from functools import lru_cache

from prometheus_client import Counter, Histogram

_LATENCY_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds. A cached response takes less than a millisecond."""

REQUESTS = Counter("http_requests_total", "HTTP requests", ["method", "endpoint", "status"])
LATENCY = Histogram(
    "http_request_duration_seconds",
    "Duration of HTTP requests, in seconds",
    ["method", "endpoint"],
    buckets=_LATENCY_BUCKETS,
)
JOB_ATTEMPTS = Counter("mechshare_job_attempts_total", "Finished attempts at jobs", ["kind", "outcome"])
FILES_VERIFIED = Counter(
    "mechshare_files_verified_total", "Stored files compared with their digest", ["result"]
)
FAILED_ORIGINALS_DELETED = Counter(
    "mechshare_failed_originals_deleted_total", "Deleted files whose processing failed long ago"
)
UPLOADED_BYTES = Counter("mechshare_uploaded_bytes_total", "Bytes of accepted files")


class RequestMetrics:
    """The metrics of requests of one method and endpoint with one status."""

    def __init__(self, method: str, endpoint: str, status: int) -> None:
        self._count = REQUESTS.labels(method, endpoint, str(status)).inc
        self._observe = LATENCY.labels(method, endpoint).observe

    def record(self, seconds: float) -> None:
        """Counts a request that took `seconds`."""
        self._count()
        self._observe(seconds)


request_metrics = lru_cache(maxsize=None)(RequestMetrics)
"""Returns the same object for the same arguments: a lookup by label for each request would cost more than counting."""

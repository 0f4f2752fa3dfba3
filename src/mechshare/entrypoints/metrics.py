"""Prometheus metrics. Endpoint labels are route templates, so that identifiers never become labels."""

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from mechshare.domain.jobs import Backlog, JobKind, JobState

REQUESTS = Counter("http_requests_total", "HTTP requests answered", ["method", "endpoint", "status"])
LATENCY = Histogram(
    "http_request_duration_seconds", "Time to answer a request, in seconds", ["method", "endpoint"]
)
JOB_ATTEMPTS = Counter("mechshare_job_attempts_total", "Attempts at jobs that ended", ["kind", "outcome"])
UPLOADED_BYTES = Counter("mechshare_uploaded_bytes_total", "Bytes of clips that were taken in")


def backlog_metrics(backlog: Mapping[tuple[JobKind, JobState], Backlog] | None, now: datetime) -> bytes:
    """Returns metrics of the ledger for all processes together. `backlog` is None if the database is unavailable."""
    registry = CollectorRegistry()
    up = Gauge("mechshare_database_up", "1 while the database answers", registry=registry)
    up.set(backlog is not None)
    which = ["kind", "state"]
    jobs = Gauge("mechshare_jobs", "Jobs that have not ended", which, registry=registry)
    ages = Gauge("mechshare_jobs_oldest_seconds", "Since the oldest was asked for", which, registry=registry)
    for (kind, state), some in (backlog or {}).items():
        jobs.labels(kind.value, state.value).set(some.count)
        ages.labels(kind.value, state.value).set((now - some.oldest).total_seconds())
    return generate_latest(registry)

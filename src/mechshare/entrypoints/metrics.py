"""Prometheus metrics. Endpoint labels are route templates, so that identifiers never become labels."""

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from mechshare.domain.jobs import Backlog, JobKind, JobState

REQUESTS = Counter("http_requests_total", "HTTP requests", ["method", "endpoint", "status"])
LATENCY = Histogram(
    "http_request_duration_seconds", "Duration of HTTP requests, in seconds", ["method", "endpoint"]
)
JOB_ATTEMPTS = Counter("mechshare_job_attempts_total", "Finished attempts at jobs", ["kind", "outcome"])
UPLOADED_BYTES = Counter("mechshare_uploaded_bytes_total", "Bytes of accepted clips")


def backlog_metrics(backlog: Mapping[tuple[JobKind, JobState], Backlog] | None, now: datetime) -> bytes:
    """Returns metrics of the ledger for all processes together. `backlog` is None if the database is unavailable."""
    registry = CollectorRegistry()
    up = Gauge("mechshare_database_up", "1 if the database is reachable, else 0", registry=registry)
    up.set(backlog is not None)
    labels = ["kind", "state"]
    jobs = Gauge("mechshare_jobs", "Queued and running jobs", labels, registry=registry)
    ages = Gauge(
        "mechshare_jobs_oldest_seconds",
        "Age of the oldest queued or running job, in seconds",
        labels,
        registry=registry,
    )
    for (kind, state), waiting in (backlog or {}).items():
        jobs.labels(kind.value, state.value).set(waiting.count)
        ages.labels(kind.value, state.value).set((now - waiting.oldest).total_seconds())
    return generate_latest(registry)

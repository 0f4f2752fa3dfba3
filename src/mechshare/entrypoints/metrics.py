"""What is counted, for Prometheus. Endpoints are route templates, so that identifiers never become labels."""

from prometheus_client import Counter, Histogram

REQUESTS = Counter("http_requests_total", "HTTP requests answered", ["method", "endpoint", "status"])
LATENCY = Histogram(
    "http_request_duration_seconds", "Time to answer a request, in seconds", ["method", "endpoint"]
)
JOB_ATTEMPTS = Counter("mechshare_job_attempts_total", "Attempts at jobs that ended", ["kind", "outcome"])
UPLOADED_BYTES = Counter("mechshare_uploaded_bytes_total", "Bytes of clips that were taken in")

"""The pages of the operations listener, as a WSGI application: /metrics and the details of /health."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec
from prometheus_client import CollectorRegistry, make_wsgi_app

from mechshare.services.maintenance.health import Check, readiness

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
_READY = ("/health", "/health/ready")


class OperationsPages:
    """`find_checks(uploads)` examines the dependencies; `is_stopping` says whether the server shuts down."""

    def __init__(
        self,
        registry: CollectorRegistry,
        find_checks: Callable[[bool], Sequence[Check]],
        is_stopping: Callable[[], bool],
    ) -> None:
        self._metrics = make_wsgi_app(registry)
        self._find_checks = find_checks
        self._is_stopping = is_stopping

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path not in ("/metrics", "/health/live", *_READY):
            return _json(start, "404 Not Found", {"message": "There are /metrics, /health and /health/live."})
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _json(start, "405 Method Not Allowed", {"message": "Use GET."}, ("Allow", "GET, HEAD"))
        if path == "/metrics":
            response: Iterable[bytes] = self._metrics(environ | {"REQUEST_METHOD": "GET"}, start)
        elif path == "/health/live":
            response = _json(start, "200 OK", {"status": "alive"})
        else:
            response = self._ready(environ, start)
        return response if environ["REQUEST_METHOD"] == "GET" else []

    def _ready(self, environ: dict[str, Any], start: StartResponse) -> list[bytes]:
        purposes = parse_qs(environ.get("QUERY_STRING", "")).get("for", [])
        if set(purposes) - {"uploads"}:
            return _json(start, "400 Bad Request", {"message": "`for` is `uploads`, or omit it."})
        checks = self._find_checks(bool(purposes))
        status, is_ready = readiness(checks, is_stopping=self._is_stopping())
        line = "200 OK" if is_ready else "503 Service Unavailable"
        return _json(start, line, {"status": status, "checks": checks})


def _json(start: StartResponse, line: str, body: object, *headers: tuple[str, str]) -> list[bytes]:
    content = msgspec.json.encode(body)
    start(
        line,
        [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(content))),
            ("Cache-Control", "no-store"),
            *headers,
        ],
    )
    return [content]

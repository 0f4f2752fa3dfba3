"""/health, /metrics, /.well-known/jwks.json"""

import os
from typing import Any

from litestar import MediaType, Request, Response, Router, get
from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from mechshare.entrypoints.http.answers import resource
from mechshare.entrypoints.http.auth import application_of
from mechshare.services.health import Check

Req = Request[Any, Any, Any]


class LiveAnswer(Struct):
    status: str


class ReadyAnswer(Struct):
    """`status` is ready, degraded (something that can be done without is down) or unavailable."""

    status: str
    checks: list[Check]


class KeysAnswer(Struct):
    keys: list[dict[str, str]]


@get("/health/live", summary="Is the process alive?")
async def get_live(request: Req) -> Response[LiveAnswer]:
    return resource(request, LiveAnswer("alive"), cache="no-store")


@get("/health/ready", summary="Can it do its work?")
async def get_ready(request: Req) -> Response[ReadyAnswer]:
    """503 while something essential does not answer."""
    checks = list(await application_of(request).health.check())
    status = "ready" if all(check.is_up for check in checks) else "degraded"
    if any(check.is_essential and not check.is_up for check in checks):
        status = "unavailable"
    code = 503 if status == "unavailable" else 200
    return resource(request, ReadyAnswer(status, checks), status=code, cache="no-store")


@get("/metrics", summary="Prometheus metrics", media_type=MediaType.TEXT)
async def get_metrics(request: Req) -> Response[bytes]:
    """Of all server processes together."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    headers = {"Cache-Control": "no-store"}
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST, headers=headers)


@get(
    ["/.well-known/jwks.json", "/api/v1/.well-known/jwks.json"], summary="The keys that verify access tokens"
)
async def get_keys(request: Req) -> Response[KeysAnswer]:
    """JSON Web Key Set (RFC 7517); empty where tokens are signed with a shared secret."""
    keys = [dict(key) for key in application_of(request).tokens.public_keys()]
    return resource(request, KeysAnswer(keys), cache="public, max-age=300")


router = Router("/", tags=["operations"], route_handlers=[get_live, get_ready, get_metrics, get_keys])

"""Every error response has one shape, and no server fault is reported as the client's."""

from typing import Any

import httpx
import pytest
import structlog

from mechshare.domain.audit import AuditAction
from mechshare.domain.pagination import PageRequest
from tests.http.conftest import API, Site

MECHANISMS = f"{API}/mechanisms"


def assert_one_shape(response: Any) -> None:
    body = response.json()
    assert set(body) - {"details"} == {"status", "message", "code", "request_id"}
    assert body["status"] == "error"
    assert body["message"]
    assert body["request_id"] == response.headers["x-request-id"]
    for detail in body.get("details", ()):
        assert set(detail) == {"field", "message"}


@pytest.mark.parametrize(
    ("method", "path", "request_", "status"),
    [
        ("GET", "/nothing/here", {}, 404),
        ("GET", f"{MECHANISMS}/%2e%2e%2fetc", {}, 404),
        ("PUT", MECHANISMS, {}, 405),
        ("POST", "/health/live", {}, 405),
        (
            "POST",
            f"{API}/auth/login",
            {"content": b"{", "headers": {"Content-Type": "application/json"}},
            400,
        ),
        (
            "POST",
            f"{API}/auth/login",
            {"content": b"\xff\xfe", "headers": {"Content-Type": "application/json"}},
            400,
        ),
        ("POST", f"{API}/auth/login", {"content": b"{}"}, 415),
        ("POST", f"{API}/auth/login", {"json": {"username": 1, "password": "x"}}, 400),
        ("POST", f"{API}/auth/login", {"json": {"username": "x", "password": "y", "z": 1}}, 400),
        ("POST", f"{API}/auth/login", {"json": {"username": "\x00", "password": "\x00"}}, 401),
        (
            "POST",
            f"{API}/auth/login",
            {
                "content": b'{"username":"\\ud800","password":"x"}',
                "headers": {"Content-Type": "application/json"},
            },
            400,
        ),
        (
            "POST",
            f"{API}/auth/login",
            {"content": b"[" * 8_000, "headers": {"Content-Type": "application/json"}},
            400,
        ),
        (
            "POST",
            f"{API}/auth/login",
            {"content": b'{"username":' + b"9" * 400 + b"}", "headers": {"Content-Type": "application/json"}},
            400,
        ),
        (
            "POST",
            f"{API}/auth/register",
            {"content": b'"' + b"x" * 2_000_000 + b'"', "headers": {"Content-Type": "application/json"}},
            413,
        ),
        ("POST", f"{API}/auth/register", {"json": {"username": "x", "email": "e", "password": "p"}}, 422),
        ("GET", MECHANISMS, {"params": {"page": "10" * 9}}, 400),
        ("GET", MECHANISMS, {"params": {"sort": "no"}}, 400),
        ("GET", MECHANISMS, {"headers": {"Authorization": "Basic eA=="}}, 401),
        ("GET", f"{API}/search/mechanisms", {"params": {"q": "x" * 201}}, 400),
        ("GET", f"{API}/search/mechanisms", {"params": {"q": "\x00"}}, 422),
        ("GET", f"{API}/categories/no-such", {}, 404),
        ("GET", f"{API}/users/no-such", {}, 404),
        ("GET", f"{API}/users/me", {}, 401),
        ("GET", f"{API}/media/x/..%2f..%2fetc%2fpasswd", {}, 404),
    ],
)
async def test_errors_have_their_status_and_one_shape(
    site: Site, method: str, path: str, request_: dict[str, Any], status: int
) -> None:
    response = await site.client.request(method, path, **request_)
    assert response.status_code == status, response.text
    assert_one_shape(response)


async def test_errors_are_in_japanese_on_request(site: Site) -> None:
    for header, expected in (
        ("ja", "ja"),
        ("ja-JP,en;q=0.5", "ja"),
        ("en,ja;q=0.9", "en"),
        ("fr", "en"),
        ("ja;q=x", "en"),
        ("", "en"),
    ):
        response = await site.client.get(f"{API}/users/x", headers={"Accept-Language": header})
        assert response.headers["content-language"] == expected
        assert response.json()["code"] == "USER_NOT_FOUND"
        assert ("見つかりません" in response.json()["message"]) == (expected == "ja")


async def test_a_500_response_shows_no_details(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*args: object, **named: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(site.application.mechanisms, "find_public_ids", broken)
    response = await site.client.get(MECHANISMS)
    assert (response.status_code, response.json()["code"]) == (500, "INTERNAL_ERROR")
    assert "secret" not in response.text
    assert_one_shape(response)


async def test_the_log_of_a_defect_contains_no_credential(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(name: str, password: str, request_metadata: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(site.application.sessions, "login", broken)
    with structlog.testing.capture_logs() as logged:
        planted = {"username": "sakura", "password": "planted-secret"}
        assert (await site.client.post(f"{API}/auth/login", json=planted)).status_code == 500
    (crash,) = [entry for entry in logged if entry["event"] == "request_crashed"]
    assert "a defect" in crash["traceback"]
    assert "exc_info" not in crash, "whatever draws the traceback would add the local variables"
    assert "planted-secret" not in str(logged)


async def test_a_request_keeps_its_id_or_gets_a_new_one(site: Site) -> None:
    assert (await site.client.get("/health/live", headers={"X-Request-ID": "r-1"})).headers[
        "x-request-id"
    ] == "r-1"
    for bad in ("", "a b", "x" * 65, "é"):
        made = (await site.client.get("/health/live", headers={"X-Request-ID": bad.encode()})).headers[
            "x-request-id"
        ]
        assert made
        assert made != bad


async def test_a_429_response_has_retry_after(open_site: Any) -> None:
    site = await open_site(requests_per_minute=3)
    responses = [await site.client.get(MECHANISMS) for _ in range(4)]
    assert [response.status_code for response in responses] == [200, 200, 200, 429]
    assert [response.headers["ratelimit"].split(";")[1] for response in responses] == [
        "r=2",
        "r=1",
        "r=0",
        "r=0",
    ]
    assert responses[3].headers["ratelimit-policy"] == '"requests";q=3;w=60'
    assert int(responses[3].headers["retry-after"]) >= 1
    assert_one_shape(responses[3])
    assert (await site.client.get("/health/live")).status_code == 200
    spoofed = await site.client.get(MECHANISMS, headers={"X-Forwarded-For": "198.51.100.7"})
    assert spoofed.status_code == 429


async def test_the_last_forwarded_field_is_trusted_and_not_the_one_before(
    open_site: Any,
) -> None:
    site = await open_site(requests_per_minute=3, trusted_proxies=("127.0.0.1",))
    for number in range(4):
        fields = [("X-Forwarded-For", f"203.0.113.{number}"), ("X-Forwarded-For", "198.51.100.7")]
        response = await site.client.get(MECHANISMS, headers=httpx.Headers(fields))
    assert response.status_code == 429


async def test_every_denial_to_a_known_caller_is_audited(site: Site) -> None:
    made = await site.published(await site.sign_up("sakura"), original_offered="false")
    other = {**await site.sign_up("kaede"), "If-Match": "*"}
    one = f"{MECHANISMS}/{made['id']}"
    refused = [
        await site.client.patch(one, headers=other, json={"title": "mine"}),
        await site.client.delete(one, headers=other),
        await site.client.post(f"{one}/publish", headers=other),
        await site.client.get(f"{one}/original", headers=other),
        await site.client.get(f"{API}/users", headers=other),
    ]
    assert [response.status_code for response in refused] == [403] * 5

    async with site.adapters.database.read() as tx:
        entries = (await tx.audit.find_all(PageRequest(limit=100))).items
    denied = [entry for entry in entries if entry.action is AuditAction.DENIED]

    assert [(entry.actor_id, entry.subject) for entry in reversed(denied)] == [
        (site.ids["kaede"], f"{response.request.method} {response.request.url.path}") for response in refused
    ]
    assert {entry.detail for entry in denied} == {"UNAUTHORIZED_OPERATION"}
    assert [entry.request_id for entry in reversed(denied)] == [
        response.headers["x-request-id"] for response in refused
    ]


async def test_no_response_contains_an_address(site: Site) -> None:
    headers = await site.sign_up("sakura")
    made = await site.published(headers)
    for path in (
        f"/users/{site.ids['sakura']}",
        f"/users/{site.ids['sakura']}/mechanisms",
        "/mechanisms",
        f"/mechanisms/{made['id']}",
        "/search/mechanisms?q=歯車",
        "/search/suggest?q=歯",
    ):
        assert "example.com" not in (await site.client.get(API + path)).text, path


async def test_a_long_url_is_refused_for_head_as_for_get(site: Site) -> None:
    """The messages are those of the application: an HTTP client drops the content of a response to HEAD."""
    for method in ("GET", "HEAD"):
        start, *body = await messages_of(site, method, f"{API}/mechanisms", b"a&" * 5_000)
        content = b"".join(message.get("body", b"") for message in body)
        assert start["status"] == 414
        assert bool(content) == (method == "GET")


async def messages_of(site: Site, method: str, path: str, query: bytes) -> list[Any]:
    """Sends a request without a body to the application; returns the ASGI messages of its response."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"mechshare.test")],
        "client": ("127.0.0.1", 1),
        "server": ("mechshare.test", 80),
    }
    await site.app(scope, receive, send)
    return sent

"""Who may do what, as a table: every route, every kind of caller, every state of the mechanism."""

from typing import Any

import pytest

from mechshare.domain.users import Role
from tests.http.conftest import API, Site
from tests.services.world import GIF

CALLERS = ("anonymous", "owner", "other", "moderator", "admin", "suspended", "bad token")
STATES = ("pending", "ready", "published", "withdrawn")

# A row: what each caller gets, in the order of CALLERS. The answers of mechanisms are given by state.
SAME = "*"
OPEN = (200,) * 5 + (401, 401)
SIGNED_IN = (401, 200, 200, 200, 200, 401, 401)
ADMIN = (401, 403, 403, 403, 200, 401, 401)
MATRIX: dict[str, dict[str, tuple[int, ...]]] = {
    "POST /api/v1/auth/register": {SAME: (400,) * 7},
    "POST /api/v1/auth/login": {SAME: (400,) * 7},
    "POST /api/v1/auth/refresh": {SAME: (400,) * 7},
    "POST /api/v1/auth/logout": {SAME: (401, 204, 204, 204, 204, 401, 401)},
    "GET /api/v1/auth/sessions": {SAME: SIGNED_IN},
    "DELETE /api/v1/auth/sessions/{session_id}": {SAME: (401, 404, 404, 404, 404, 401, 401)},
    "POST /api/v1/auth/password": {SAME: (401, 400, 400, 400, 400, 401, 401)},
    "GET /api/v1/users/me": {SAME: SIGNED_IN},
    "PATCH /api/v1/users/me": {SAME: (401, 428, 428, 428, 428, 401, 401)},
    "DELETE /api/v1/users/me": {SAME: (401, 428, 428, 428, 428, 401, 401)},
    "GET /api/v1/users/{user_id}": {SAME: (200,) * 7},
    "GET /api/v1/users/{user_id}/mechanisms": {SAME: OPEN},
    "GET /api/v1/users": {SAME: ADMIN},
    "PATCH /api/v1/users/{user_id}": {SAME: (401, 403, 403, 403, 428, 401, 401)},
    "POST /api/v1/mechanisms": {SAME: (401, 400, 400, 400, 400, 401, 401)},
    "GET /api/v1/mechanisms": {SAME: OPEN},
    "GET /api/v1/mechanisms/{mechanism_id}": {
        "pending": (404, 200, 404, 404, 200, 401, 401),
        "ready": (404, 200, 404, 404, 200, 401, 401),
        "published": OPEN,
        "withdrawn": (404, 200, 404, 200, 200, 401, 401),
    },
    "PATCH /api/v1/mechanisms/{mechanism_id}": {
        "pending": (401, 200, 404, 404, 200, 401, 401),
        "ready": (401, 200, 404, 404, 200, 401, 401),
        "published": (401, 200, 403, 403, 200, 401, 401),
        "withdrawn": (401, 200, 404, 403, 200, 401, 401),
    },
    "DELETE /api/v1/mechanisms/{mechanism_id}": {
        "pending": (401, 204, 404, 404, 204, 401, 401),
        "ready": (401, 204, 404, 404, 204, 401, 401),
        "published": (401, 204, 403, 403, 204, 401, 401),
        "withdrawn": (401, 204, 404, 403, 204, 401, 401),
    },
    "POST /api/v1/mechanisms/{mechanism_id}/publish": {
        "pending": (401, 409, 404, 404, 409, 401, 401),
        "ready": (401, 200, 404, 404, 200, 401, 401),
        "published": (401, 200, 403, 403, 200, 401, 401),
        "withdrawn": (401, 403, 404, 200, 200, 401, 401),
    },
    "POST /api/v1/mechanisms/{mechanism_id}/withdraw": {
        "pending": (401, 200, 404, 404, 200, 401, 401),
        "ready": (401, 200, 404, 404, 200, 401, 401),
        "published": (401, 200, 403, 200, 200, 401, 401),
        "withdrawn": (401, 200, 404, 200, 200, 401, 401),
    },
    "GET /api/v1/mechanisms/{mechanism_id}/processing": {
        "pending": (404, 200, 404, 404, 200, 401, 401),
        "ready": (404, 200, 404, 404, 200, 401, 401),
        "published": OPEN,
        "withdrawn": (404, 200, 404, 200, 200, 401, 401),
    },
    "GET /api/v1/mechanisms/{mechanism_id}/processing/events": {
        "ready": (404, 200, 404, 404, 200, 401, 401),
        "published": OPEN,
        "withdrawn": (404, 200, 404, 200, 200, 401, 401),
    },
    "POST /api/v1/mechanisms/{mechanism_id}/processing/retry": {
        "pending": (401, 409, 404, 404, 409, 401, 401),
        "ready": (401, 409, 404, 404, 409, 401, 401),
        "published": (401, 409, 403, 403, 409, 401, 401),
        "withdrawn": (401, 409, 404, 403, 409, 401, 401),
    },
    "GET /api/v1/mechanisms/{mechanism_id}/original": {
        "pending": (401, 200, 404, 404, 200, 401, 401),
        "ready": (401, 200, 404, 404, 200, 401, 401),
        "published": (401, 200, 403, 403, 200, 401, 401),
        "withdrawn": (401, 200, 404, 403, 200, 401, 401),
    },
    "GET /api/v1/media/{mechanism_id}/{name}": {
        "pending": (404, 404, 404, 404, 404, 401, 401),
        "ready": (404, 200, 404, 404, 200, 401, 401),
        "published": OPEN,
        "withdrawn": (404, 200, 404, 200, 200, 401, 401),
    },
    "GET /api/v1/categories": {SAME: (200,) * 7},
    "GET /api/v1/categories/{category_id}": {SAME: (200,) * 7},
    "POST /api/v1/categories": {SAME: (401, 403, 403, 403, 400, 401, 401)},
    "PATCH /api/v1/categories/{category_id}": {SAME: (401, 403, 403, 403, 428, 401, 401)},
    "DELETE /api/v1/categories/{category_id}": {SAME: (401, 403, 403, 403, 428, 401, 401)},
    "GET /api/v1/search/mechanisms": {SAME: OPEN},
    "GET /api/v1/search/suggest": {SAME: (200,) * 7},
    "GET /health/live": {SAME: (200,) * 7},
    "GET /health/ready": {SAME: (200,) * 7},
    "GET /metrics": {SAME: (200,) * 7},
    "GET /.well-known/jwks.json": {SAME: (200,) * 7},
    "GET /api/v1/.well-known/jwks.json": {SAME: (200,) * 7},
}
BODIES: dict[str, Any] = {
    "PATCH /api/v1/mechanisms/{mechanism_id}": {"title": "新しい"},
    "POST /api/v1/mechanisms/{mechanism_id}/withdraw": {"reason": "重複"},
    "PATCH /api/v1/users/me": {"bio": "x"},
    "PATCH /api/v1/users/{user_id}": {"role": "user"},
    "PATCH /api/v1/categories/{category_id}": {"name_en": "x"},
}
CASES = [(row, state) for row, states in MATRIX.items() for state in states]


def routes(site: Site) -> list[tuple[str, Any]]:
    """Every route of the API as "METHOD /path", with its handler; pages for people are left out."""
    found = []
    for route in site.litestar.routes:
        for handler in getattr(route, "route_handlers", ()):
            if handler.resolve_include_in_schema() is False or handler.fn.__module__.startswith("litestar"):
                continue
            path = route.path_format
            found += [(f"{method} {path}", handler) for method in handler.http_methods if method != "OPTIONS"]
    return found


async def test_every_route_has_its_row(site: Site) -> None:
    assert sorted(name for name, _ in routes(site)) == sorted(MATRIX)


async def test_every_route_that_changes_something_has_a_guard_or_is_declared_open(site: Site) -> None:
    for name, handler in routes(site):
        if not name.startswith("GET"):
            assert handler.resolve_guards() or handler.opt.get("open"), name


async def mechanism_in(site: Site, state: str) -> dict[str, Any]:
    owner = site.tokens["owner"]
    if state == "pending":
        return await site.share(owner)
    if state == "ready":
        return await site.ready(owner)
    made = await site.published(owner)
    if state == "withdrawn":
        url = f"{API}/mechanisms/{made['id']}/withdraw"
        await site.client.post(url, headers=site.tokens["moderator"], json={"reason": "r"})
    return made


@pytest.mark.parametrize(("row", "state"), CASES, ids=lambda one: one.replace("/api/v1", ""))
async def test_each_caller_gets_what_the_table_says(site: Site, row: str, state: str) -> None:
    for name, role in (
        ("owner", Role.USER),
        ("other", Role.USER),
        ("moderator", Role.MODERATOR),
        ("admin", Role.ADMIN),
    ):
        await site.sign_up(name, role)
    site.tokens["anonymous"] = {}
    site.tokens["bad token"] = {"Authorization": "Bearer x.y.z"}
    await site.sign_up("suspended")
    url = f"{API}/users/{site.ids['suspended']}"
    suspending = {**site.tokens["admin"], "If-Match": "*"}
    assert (await site.client.patch(url, headers=suspending, json={"is_suspended": True})).status_code == 200
    method, template = row.split(" ")
    got = []
    for caller in CALLERS:
        path = template.replace("{user_id}", site.ids["other"]).replace("{category_id}", "gears")
        path = path.replace("{session_id}", "01900000-0000-7000-8000-000000000000")
        if "{mechanism_id}" in path:
            made = await mechanism_in(site, state)
            name = (made["file_url"] or "/x.mp4").partition("?")[0].rpartition("/")[2]
            path = path.replace("{mechanism_id}", made["id"]).replace("{name}", name)
        headers = dict(site.tokens[caller])
        if "mechanisms/{" in template:
            headers["If-Match"] = "*"
        body = {} if method == "GET" else {"json": BODIES.get(row, {})}
        if method == "DELETE":
            body = {}
        got.append((await site.client.request(method, path, headers=headers, **body)).status_code)
    assert dict(zip(CALLERS, got, strict=True)) == dict(zip(CALLERS, MATRIX[row][state], strict=True))


async def test_somebody_elses_private_mechanism_looks_exactly_like_an_absent_one(site: Site) -> None:
    await site.sign_up("owner")
    other = {**await site.sign_up("other"), "X-Request-ID": "same", "If-Match": "*"}
    private = (await site.ready(site.tokens["owner"]))["id"]
    absent = "01900000-0000-7000-8000-000000000000"
    for method, suffix in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/publish"),
        ("POST", "/withdraw"),
        ("GET", "/processing"),
        ("GET", "/original"),
    ):
        body = {"json": {"title": "x"}} if method == "PATCH" else {}
        answers = [
            await site.client.request(method, f"{API}/mechanisms/{id}{suffix}", headers=other, **body)
            for id in (private, absent)
        ]
        assert answers[0].content == answers[1].content, (method, suffix)
        assert answers[0].headers == answers[1].headers, (method, suffix)


ATTRIBUTES = {
    "id": "01900000-0000-7000-8000-000000000000",
    "user_id": "01900000-0000-7000-8000-000000000000",
    "role": "admin",
    "is_published": True,
    "is_suspended": False,
    "suspended_at": None,
    "withdrawn_reason": None,
    "processing": {"state": "ready"},
    "media": None,
    "original": None,
    "version": 7,
    "created_at": "2026-01-01T00:00:00Z",
    "password_hash": "x",
    "email": "x@example.com",
    "surprise": 1,
}


@pytest.mark.parametrize("attribute", ATTRIBUTES)
async def test_what_is_not_the_callers_to_set_is_refused_everywhere(site: Site, attribute: str) -> None:
    headers = {**await site.sign_up("sakura", Role.ADMIN), "If-Match": "*"}
    made = await site.ready(headers)
    extra = {attribute: ATTRIBUTES[attribute]}
    external = {
        "title": "x",
        "file_url": "https://a.example/a",
        "thumbnail_url": "https://a.example/b",
        "duration": 1,
    }
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/mechanisms", external),
        ("PATCH", f"/mechanisms/{made['id']}", {"title": "x"}),
        ("POST", f"/mechanisms/{made['id']}/withdraw", {"reason": "x"}),
        ("PATCH", "/users/me", {"bio": "x"}),
        ("POST", "/auth/login", {"username": "sakura", "password": "x"}),
        ("POST", "/auth/password", {"old_password": "x", "new_password": "y"}),
        ("PATCH", "/categories/gears", {"name_en": "x"}),
    ]
    for method, path, body in requests:
        answer = await site.client.request(method, API + path, headers=headers, json={**body, **extra})
        assert (answer.status_code, answer.json()["details"][0]["message"][:10]) == (400, "Object con"), path
    form = {key: str(value) for key, value in extra.items()}
    answer = await site.client.post(
        f"{API}/mechanisms", headers=headers, data={"title": "x", **form}, files={"file": ("a.gif", GIF)}
    )
    assert answer.status_code == 400
    after = (await site.client.get(f"{API}/mechanisms/{made['id']}", headers=headers)).json()
    before = {key: value for key, value in made.items() if not key.endswith("_url")}
    assert {key: after[key] for key in before} == before

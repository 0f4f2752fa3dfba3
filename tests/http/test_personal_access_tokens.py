"""Personal access tokens: made once by a person, used by programs within their scopes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.domain.personal_access_tokens import MAX_TOKENS_OF_USER, Scope
from mechshare.domain.sessions import RECENT_SIGN_IN
from mechshare.domain.users import Role
from mechshare.entrypoints.http.protocol.scopes import scope_of
from tests.http.conftest import API, Site
from tests.http.scopes import SCOPES
from tests.http.test_access_matrix import BODIES, ELSEWHERE, MATRIX, routes

TOKENS = f"{API}/auth/tokens"
ABSENT = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
async def clock() -> FrozenClock:
    return FrozenClock(datetime.now(UTC))


@pytest.fixture
async def site(open_site: Any, clock: FrozenClock) -> Site:
    site: Site = await open_site(clock=clock)
    await site.sign_up("mika")
    return site


async def create(site: Site, *scopes: str, name: str = "mika", **fields: Any) -> dict[str, Any]:
    body = {"name": "test bench", "scopes": scopes, **fields}
    response = await site.client.post(TOKENS, headers=site.tokens[name], json=body)
    assert response.status_code == 201, response.text
    assert response.headers["cache-control"] == "no-store"
    created: dict[str, Any] = response.json()
    return created


def bearer(created: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {created['token']}"}


async def test_every_route_has_a_scope_and_no_route_has_two(site: Site) -> None:
    listed = [route for of_scope in SCOPES.values() for route in of_scope]
    assert sorted(listed) == sorted(name for name, _ in routes(site))


def test_each_route_needs_its_scope() -> None:
    needed = {route: scope for scope, of_scope in SCOPES.items() for route in of_scope}
    assert {route: scope_of(*route.split(" ")) for route in needed} == needed


def test_pages_accept_no_personal_access_token() -> None:
    assert scope_of("GET", "/m/{mechanism_id}") is None


LOOKS_AT_NO_TOKEN = {row for row, cells in MATRIX.items() if len(set(cells.get("*", (0, 1)))) == 1}
"""The routes that treat all callers alike."""


async def test_a_token_is_refused_at_every_route_outside_its_scopes(site: Site) -> None:
    await site.sign_up("admin", Role.ADMIN)
    programs = {scope: bearer(await create(site, scope, name="admin")) for scope in Scope}
    for scope, listed in SCOPES.items():
        code = "SESSION_REQUIRED" if scope is None else "INSUFFICIENT_SCOPE"
        for route in set(listed) - LOOKS_AT_NO_TOKEN:
            for other in set(Scope) - {scope}:
                refused = await call(site, route, programs[other])
                assert (refused.status_code, refused.json()["code"]) == (403, code), (route, other)


async def call(site: Site, route: str, headers: dict[str, str]) -> Any:
    method, template = route.split(" ")
    path = template.replace("{number}", "1").replace("{kind}", "part_of")
    path = "/".join(ABSENT if part[:1] == "{" else part for part in path.split("/"))
    body = {"json": BODIES[route]} if route in BODIES else {}
    return await site.client.request(method, path, headers=headers, **body)


async def test_a_program_creates_publishes_and_reads_with_the_scopes_for_it(site: Site) -> None:
    program = bearer(await create(site, "read", "write", "upload"))
    made = await site.client.post(f"{API}/mechanisms", headers=program, json=ELSEWHERE)
    assert made.status_code == 201
    path = f"{API}/mechanisms/{made.json()['id']}"
    assert (await site.client.get(path, headers=program)).status_code == 200
    assert (await site.client.post(f"{path}/publish", headers=program)).status_code == 200
    assert (await site.client.get(f"{API}/users/me", headers=program)).json()["username"] == "mika"


async def test_a_cached_page_is_refused_to_a_token_that_must_not_read(site: Site) -> None:
    made = await site.published(site.tokens["mika"])
    program = bearer(await create(site, "upload"))
    for path in (f"{API}/mechanisms/{made['id']}", f"{API}/mechanisms"):
        for _ in range(2):
            assert (await site.client.get(path)).status_code == 200
            assert (await site.client.get(path, headers=program)).status_code == 403


async def test_a_token_opens_no_page(site: Site) -> None:
    program = bearer(await create(site, "read", "write", "upload"))
    for path in ("/settings", "/"):
        refused = await site.client.get(path, headers={**program, "Accept": "text/html"})
        assert (refused.status_code, "SESSION_REQUIRED" in refused.text) == (403, True)


async def test_without_the_scope_admin_an_admins_token_sees_what_a_user_sees(site: Site) -> None:
    await site.sign_up("admin", Role.ADMIN)
    draft = await site.ready(site.tokens["mika"])
    path = f"{API}/mechanisms/{draft['id']}"
    plain = await create(site, "read", name="admin")
    powerful = await create(site, "read", "admin", name="admin")
    assert (await site.client.get(path, headers=bearer(plain))).status_code == 404
    assert (await site.client.get(path, headers=bearer(powerful))).status_code == 200
    assert (await site.client.get(f"{API}/users", headers=bearer(powerful))).status_code == 200


async def test_a_token_is_shown_once_and_stored_as_a_hash(site: Site) -> None:
    created = await create(site, "read")
    listed = await site.client.get(TOKENS, headers=site.tokens["mika"])
    (shown,) = listed.json()["items"]
    assert shown == {name: value for name, value in created.items() if name != "token"}
    async with site.adapters.database.read() as tx:
        (stored,) = await tx.personal_access_tokens.find_of_user(site.ids["mika"])
    assert created["token"] not in repr(stored)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["admin"]}, "scopes"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": 367}, "expires_in_days"),
    ],
)
async def test_a_token_that_breaks_a_rule_is_refused_at_its_field(
    site: Site, change: dict[str, Any], field: str
) -> None:
    body = {"name": "x", "scopes": ["read"], **change}
    refused = await site.client.post(TOKENS, headers=site.tokens["mika"], json=body)
    assert (refused.status_code, refused.json()["details"][0]["field"]) == (422, field)


async def test_a_user_has_a_limited_number_of_tokens(site: Site) -> None:
    for _ in range(MAX_TOKENS_OF_USER):
        await create(site, "read")
    body = {"name": "x", "scopes": ["read"]}
    refused = await site.client.post(TOKENS, headers=site.tokens["mika"], json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "TOO_MANY_TOKENS")


async def test_creating_needs_a_recent_sign_in(site: Site, clock: FrozenClock) -> None:
    clock.advance(RECENT_SIGN_IN)
    body = {"name": "x", "scopes": ["read"]}
    refused = await site.client.post(TOKENS, headers=site.tokens["mika"], json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "RECENT_SIGN_IN_REQUIRED")


async def test_a_revoked_an_expired_and_an_altered_token_are_refused(site: Site, clock: FrozenClock) -> None:
    revoked, expiring = await create(site, "read"), await create(site, "read", expires_in_days=1)
    me = f"{API}/users/me"
    assert (await site.client.get(me, headers=bearer(revoked))).status_code == 200
    ended = await site.client.delete(f"{TOKENS}/{revoked['id']}", headers=site.tokens["mika"])
    assert ended.status_code == 204
    assert (await site.client.get(me, headers=bearer(revoked))).status_code == 401
    altered = {"token": expiring["token"][:-1] + ("0" if expiring["token"][-1] != "0" else "1")}
    assert (await site.client.get(me, headers=bearer(altered))).status_code == 401
    assert (await site.client.get(me, headers=bearer(expiring))).status_code == 200
    clock.advance(timedelta(days=1))
    assert (await site.client.get(me, headers=bearer(expiring))).status_code == 401


async def test_tokens_end_with_the_suspension_and_with_the_account(site: Site) -> None:
    await site.sign_up("ren")
    admin = {**await site.sign_up("admin", Role.ADMIN), "If-Match": "*"}
    suspended, deleted = await create(site, "read"), await create(site, "read", name="ren")
    me = f"{API}/users/me"
    for program in (suspended, deleted):
        assert (await site.client.get(me, headers=bearer(program))).status_code == 200
    account = f"{API}/users/{site.ids['mika']}"
    for is_suspended in (True, False):
        await site.client.patch(account, headers=admin, json={"is_suspended": is_suspended})
        assert (await site.client.get(me, headers=bearer(suspended))).status_code == 401
    await site.client.delete(me, headers={**site.tokens["ren"], "If-Match": "*"})
    assert (await site.client.get(me, headers=bearer(deleted))).status_code == 401


async def test_a_use_is_written_later_and_once_for_many_requests(site: Site, clock: FrozenClock) -> None:
    created = await create(site, "read")
    tokens = site.application.personal_access_tokens

    async def last_used_at() -> Any:
        (token,) = await tokens.find_of_user(site.ids["mika"])
        return token.last_used_at

    for _ in range(3):
        clock.advance(timedelta(seconds=1))
        await site.client.get(f"{API}/users/me", headers=bearer(created))
    assert await last_used_at() is None
    await tokens.record_uses()
    assert await last_used_at() == clock.now()
    clock.advance(timedelta(seconds=1))
    await tokens.record_uses()
    assert await last_used_at() == clock.now() - timedelta(seconds=1)


async def test_creating_and_revoking_are_in_the_audit_log(site: Site) -> None:
    created = await create(site, "read")
    await site.client.delete(f"{TOKENS}/{created['id']}", headers=site.tokens["mika"])
    admin = await site.sign_up("admin", Role.ADMIN)
    found = await site.client.get(f"{API}/audit", params={"subject": created["id"]}, headers=admin)
    assert [(one["action"], one["detail"]) for one in found.json()["items"]] == [
        ("token_revoked", ""),
        ("token_created", "test bench"),
    ]

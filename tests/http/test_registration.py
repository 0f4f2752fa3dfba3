"""Who may create an account: open, after an approval, by invitation, nobody."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.domain.users import Role
from tests.http.conftest import API, PASSWORD, Site
from tests.web.visitors import Visitor

REGISTER, LOGIN = f"{API}/auth/register", f"{API}/auth/login"


def joining(name: str, **fields: str) -> dict[str, str]:
    return {"username": name, "email": f"{name}@example.com", "password": PASSWORD, **fields}


async def register(site: Site, name: str, headers: dict[str, str] | None = None, **fields: str) -> Any:
    return await site.client.post(REGISTER, json=joining(name, **fields), headers=headers)


async def login(site: Site, name: str, password: str = PASSWORD) -> Any:
    return await site.client.post(LOGIN, json={"username": name, "password": password})


async def invite(site: Site, **fields: Any) -> dict[str, Any]:
    if "admin" not in site.tokens:
        await site.sign_up("admin", Role.ADMIN)
    made = await site.client.post(f"{API}/invitations", headers=site.tokens["admin"], json=fields)
    assert made.status_code == 201, made.text
    created: dict[str, Any] = made.json()
    return created


async def test_nobody_registers_where_registration_is_closed(open_site: Any) -> None:
    site = await open_site(registration="closed")
    secret = (await invite(site))["invitation"]
    for refused in (await register(site, "mika"), await register(site, "mika", invitation=secret)):
        assert (refused.status_code, refused.json()["code"]) == (403, "REGISTRATION_CLOSED")
    assert 'name="email"' not in (await Visitor(site).open("/register")).text


async def test_an_account_that_awaits_approval_does_nothing_until_it_is_approved(open_site: Any) -> None:
    site = await open_site(registration="approval")
    admin = await site.sign_up("admin", Role.ADMIN)
    made = await register(site, "mika")
    assert (made.status_code, made.json()["awaits_approval"]) == (201, True)
    waits = await login(site, "mika")
    assert (waits.status_code, waits.json()["code"]) == (403, "AWAITING_APPROVAL")
    assert (await login(site, "mika", "wrong password")).json()["code"] == "INVALID_CREDENTIALS"
    id = made.json()["id"]
    assert (await site.client.get(f"{API}/users/{id}")).status_code == 404
    listed = await site.client.get(f"{API}/registrations", headers=admin)
    assert [one["username"] for one in listed.json()["items"]] == ["mika"]
    approved = await site.client.post(f"{API}/registrations/{id}/approve", headers=admin)
    assert (approved.status_code, approved.json()["awaits_approval"]) == (200, False)
    assert (await login(site, "mika")).status_code == 200
    assert (await site.client.get(f"{API}/users/{id}")).status_code == 200
    again = await site.client.post(f"{API}/registrations/{id}/reject", headers=admin)
    assert (again.status_code, again.json()["code"]) == (409, "NOT_AWAITING_APPROVAL")


async def test_a_rejected_account_is_gone_and_its_name_is_free(open_site: Any) -> None:
    site = await open_site(registration="approval")
    admin = await site.sign_up("admin", Role.ADMIN)
    id = (await register(site, "mika")).json()["id"]
    rejected = await site.client.post(f"{API}/registrations/{id}/reject", headers=admin)
    assert rejected.status_code == 204
    assert (await register(site, "mika")).status_code == 201
    found = await site.client.get(f"{API}/audit", params={"subject": id}, headers=admin)
    assert [one["action"] for one in found.json()["items"]] == ["registration_rejected"]


async def test_an_invitation_admits_as_many_as_it_says_and_no_name_is_revealed_without_one(
    open_site: Any,
) -> None:
    site = await open_site(registration="invitation")
    secret = (await invite(site, note="設計課", max_uses=2))["invitation"]
    for name in ("mika", "ren"):
        assert (await register(site, name, invitation=secret)).status_code == 201
        assert (await login(site, name)).status_code == 200
    for refused in (
        await register(site, "third", invitation=secret),
        await register(site, "third", invitation="made up"),
        await register(site, "third"),
        await register(site, "mika"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "INVITATION_REQUIRED")
    listed = await site.client.get(f"{API}/invitations", headers=site.tokens["admin"])
    (shown,) = listed.json()["items"]
    assert (shown["note"], shown["uses"], "invitation" in shown) == ("設計課", 2, False)


async def test_an_expired_or_revoked_invitation_admits_nobody(open_site: Any) -> None:
    clock = FrozenClock(datetime.now(UTC))
    site = await open_site(registration="invitation", clock=clock)
    expiring, revoked = await invite(site, expires_in_days=1), await invite(site)
    address = f"{API}/invitations/{revoked['id']}"
    assert (await site.client.delete(address, headers=site.tokens["admin"])).status_code == 204
    assert (await register(site, "mika", invitation=revoked["invitation"])).status_code == 403
    clock.advance(timedelta(days=1))
    assert (await register(site, "mika", invitation=expiring["invitation"])).status_code == 403


async def test_a_failed_registration_leaves_the_invitation_unused_and_a_repeated_one_is_replayed(
    open_site: Any,
) -> None:
    site = await open_site(registration="invitation")
    secret = (await invite(site))["invitation"]
    assert (await register(site, "admin", invitation=secret)).status_code == 409
    key = {"Idempotency-Key": "once"}
    first, again = [await register(site, "mika", key, invitation=secret) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"max_uses": 0}, "max_uses"),
        ({"expires_in_days": 367}, "expires_in_days"),
        ({"note": "x" * 81}, "note"),
    ],
)
async def test_an_invitation_that_breaks_a_rule_is_refused_at_its_field(
    site: Site, fields: dict[str, Any], field: str
) -> None:
    admin = await site.sign_up("admin", Role.ADMIN)
    refused = await site.client.post(f"{API}/invitations", headers=admin, json=fields)
    assert (refused.status_code, refused.json()["details"][0]["field"]) == (422, field)


async def test_an_account_with_an_invitation_needs_no_approval(open_site: Any) -> None:
    site = await open_site(registration="approval")
    secret = (await invite(site))["invitation"]
    assert (await register(site, "mika", invitation=secret)).json()["awaits_approval"] is False

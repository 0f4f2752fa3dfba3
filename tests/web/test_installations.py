"""Three installations from the first account to the first mechanism: public, of a company, on a laptop."""

import re
from typing import Any

from mechshare.domain.users import Role
from tests.http.conftest import API, PASSWORD
from tests.web.visitors import Visitor


def account(name: str, **fields: str) -> dict[str, str]:
    return {"username": name, "email": f"{name}@example.com", "password": PASSWORD, **fields}


async def test_a_public_installation_lets_strangers_read_and_join(open_site: Any) -> None:
    site = await open_site()
    made = await site.published(await site.sign_up("mika"), "crank")
    stranger = Visitor(site)
    assert "crank" in (await stranger.open(f"/m/{made['id']}")).text
    joined = await stranger.submit("/register", **account("ren", next="/upload"))
    assert (joined.status_code, joined.headers["location"]) == (303, "/upload")
    assert (await stranger.open("/upload")).status_code == 200


async def test_a_company_invites_its_people_and_shows_strangers_nothing(open_site: Any) -> None:
    site = await open_site(anonymous="none", registration="invitation")
    made = await site.published(await site.sign_up("boss", Role.ADMIN), "crank")
    boss = await Visitor(site).sign_in("boss")
    created = await boss.submit("/admin/invitations", note="設計課", max_uses="1", expires_in_days="7")
    link = re.search(r"http://mechshare\.test(/register\?invitation=[\w-]+)", created.text)
    assert link, created.text
    employee, stranger = Visitor(site, "ja"), Visitor(site, "ja")
    assert (await employee.open(f"/m/{made['id']}")).status_code == 303
    assert 'name="email"' not in (await stranger.open("/register")).text
    form = (await employee.open(link[1])).text
    invitation = re.search(r'name="invitation" value="([\w-]+)"', form)
    assert invitation
    joined = await employee.submit("/register", **account("taro.yamada", invitation=invitation[1]))
    assert joined.status_code == 303, joined.text
    assert "crank" in (await employee.open(f"/m/{made['id']}")).text
    assert 'name="email"' not in (await stranger.open(link[1])).text
    assert (await stranger.open(made["thumbnail_url"])).status_code == 401
    assert "1 件中 1 件使用済み" in (await _in_japanese(boss)).text


async def _in_japanese(visitor: Visitor) -> Any:
    visitor.browser.headers["Accept-Language"] = "ja"
    return await visitor.open("/admin/registrations")


async def test_people_wait_for_an_approval_and_then_sign_in(open_site: Any) -> None:
    site = await open_site(registration="approval")
    await site.sign_up("boss", Role.ADMIN)
    boss, newcomer = await Visitor(site).sign_in("boss"), Visitor(site)
    assert "approves your account" in (await newcomer.open("/register")).text
    waits = await newcomer.submit("/register", **account("mika"))
    assert (waits.status_code, "awaits approval" in waits.text) == (200, True)
    refused = await newcomer.submit("/sign-in", username="mika", password=PASSWORD)
    assert (refused.status_code, "not approved the account yet" in refused.text) == (403, True)
    assert "awaits approval" in (await boss.open("/admin/users")).text
    queue = (await boss.open("/admin/registrations")).text
    path = re.search(r'action="(/admin/registrations/[\w-]+/approve)"', queue)
    assert path, queue
    assert (await boss.submit(path[1])).headers["location"] == "/admin/registrations?saved=approved"
    assert "awaits approval" not in (await boss.open("/admin/users")).text
    await newcomer.sign_in("mika")
    assert "Nobody is waiting." in (await boss.open("/admin/registrations")).text


async def test_a_laptop_has_one_account_and_needs_nobody_else(open_site: Any) -> None:
    site = await open_site(registration="closed")
    headers = await site.sign_up("me", Role.ADMIN)  # as `mechshare users create-admin` does
    me = await Visitor(site).sign_in("me")
    made = await site.published(headers, "crank")
    assert "crank" in (await me.open(f"/m/{made['id']}")).text
    refused = await Visitor(site).submit("/register", **account("ren"))
    assert (refused.status_code, "Nobody can create an account here" in refused.text) == (403, True)
    assert (await site.client.get(f"{API}/mechanisms")).json()["total"] == 1

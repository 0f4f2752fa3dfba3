"""The page of personal access tokens."""

import re

from mechshare.domain.users import Role
from tests.http.conftest import API, Site
from tests.web.visitors import error_at, visitor


async def test_a_created_token_is_shown_once_works_and_is_revoked(site: Site) -> None:
    mika = await visitor(site, "mika")
    created = await mika.submit(
        "/settings/tokens", name="bench", scopes=["read", "upload"], expires_in_days="30"
    )
    found = re.search(r"msp_[\w-]+", created.text)
    assert found, created.text
    used = await site.client.get(f"{API}/users/me", headers={"Authorization": f"Bearer {found[0]}"})
    assert used.json()["username"] == "mika"
    page = (await mika.open("/settings/tokens")).text
    assert found[0] not in page
    path = page.partition('action="/settings/tokens/')[2].partition('"')[0]
    revoked = await mika.submit(f"/settings/tokens/{path}")
    assert revoked.headers["location"] == "/settings/tokens?saved=revoked"
    assert "You have no tokens." in (await mika.open("/settings/tokens")).text


async def test_a_refused_token_says_why_and_keeps_what_was_typed(site: Site) -> None:
    mika = await visitor(site, "mika", language="ja")
    refused = await mika.submit("/settings/tokens", name="試験装置", expires_in_days="30")
    assert (refused.status_code, "選んでください" in error_at(refused, "scopes")) == (422, True)
    assert 'value="試験装置"' in refused.text
    assert 'value="admin"' not in refused.text
    assert 'value="admin"' in (await (await visitor(site, "boss", Role.ADMIN)).open("/settings/tokens")).text

"""Tickets with which EventSource, which sends no header of its own, opens the event stream of a draft."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.domain.tickets import TICKET_LIFETIME
from mechshare.testing.bounds import bounded
from tests.http.conftest import API, Site

ORIGIN = "https://front.example"


@pytest.fixture
async def clock() -> FrozenClock:
    return FrozenClock(datetime.now(UTC))


@pytest.fixture
async def site(open_site: Any, clock: FrozenClock) -> Site:
    site: Site = await open_site(clock=clock, cors_origins=(ORIGIN,))
    await site.sign_up("owner")
    await site.sign_up("other")
    return site


async def ticket_of(site: Site, made: dict[str, Any], name: str = "owner") -> Any:
    return await site.client.post(
        f"{API}/mechanisms/{made['id']}/processing/ticket", headers=site.tokens[name] | {"Origin": ORIGIN}
    )


async def test_a_ticket_opens_the_stream_of_a_draft_without_a_header(site: Site) -> None:
    made = await site.ready(site.tokens["owner"])
    issued = await ticket_of(site, made)

    assert (issued.status_code, issued.headers["cache-control"]) == (201, "no-store")
    assert issued.json()["expires_in"] == 60
    stream = await site.client.get(issued.json()["events_url"], headers={"Origin": ORIGIN})

    assert stream.status_code == 200
    assert stream.headers["access-control-allow-origin"] == ORIGIN
    assert '"state":"ready"' in stream.text
    assert '"attempts":[{' in stream.text  # what only those see who may edit


async def test_a_ticket_is_for_those_who_may_see_the_draft(site: Site) -> None:
    made = await site.ready(site.tokens["owner"])
    assert (await ticket_of(site, made, "other")).status_code == 404


async def test_a_ticket_ends_after_its_lifetime(site: Site, clock: FrozenClock) -> None:
    url = (await ticket_of(site, await site.ready(site.tokens["owner"]))).json()["events_url"]
    clock.advance(TICKET_LIFETIME)
    assert (await site.client.get(url)).json()["code"] == "INVALID_TOKEN"


async def test_a_ticket_opens_nothing_else(site: Site) -> None:
    made, another = [await site.ready(site.tokens["owner"]) for _ in range(2)]
    ticket = (await ticket_of(site, made)).json()["ticket"]
    token = site.tokens["owner"]["Authorization"].removeprefix("Bearer ")
    as_token = {"Authorization": f"Bearer {ticket}"}
    drafts = f"{API}/mechanisms"

    assert (await site.client.get(f"{API}/users/me", headers=as_token)).status_code == 401
    assert (await site.client.get(f"{API}/users/me?ticket={ticket}")).status_code == 401
    assert (await site.client.get(f"{drafts}/{made['id']}?ticket={ticket}")).status_code == 404
    assert (await site.client.get(f"{drafts}/{made['id']}/processing?ticket={ticket}")).status_code == 404
    for id, text in ((another["id"], ticket), (made["id"], token), (made["id"], "x")):
        url = f"{drafts}/{id}/processing/events?ticket={text}"
        assert (await site.client.get(url)).status_code == 401, url


async def test_a_ticket_and_its_stream_end_with_the_session(site: Site) -> None:
    made = await site.share(site.tokens["owner"])
    url = (await ticket_of(site, made)).json()["events_url"]
    watching = asyncio.create_task(site.client.get(url))
    await asyncio.sleep(0.1)  # opens the stream; it must end also if it opens later
    assert not watching.done()

    await site.client.post(f"{API}/auth/logout", headers=site.tokens["owner"])

    async with bounded():
        stream = await watching
    assert stream.status_code in (200, 401)
    assert (await site.client.get(url)).status_code == 401

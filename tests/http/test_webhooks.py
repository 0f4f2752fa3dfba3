"""Webhooks over HTTP: what arrives at a receiver, what does not, and what the log says."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.adapters.persistence.memory.database import MemoryDatabase
from mechshare.domain.webhooks import MAX_FAILURES, MAX_WEBHOOKS
from tests.http.conftest import API, Site
from tests.receiver import Receiver, receiving

WEBHOOKS = f"{API}/users/me/webhooks"
Headers = dict[str, str]


async def opened(open_site: Any, **options: Any) -> Site:
    site: Site = await open_site(webhook_private_addresses="allowed", **options)
    await site.sign_up("mika")
    await site.sign_up("ana")
    return site


async def create(site: Site, url: str, name: str = "mika") -> dict[str, Any]:
    made = await site.client.post(WEBHOOKS, headers=site.tokens[name], json={"url": url})
    assert made.status_code == 201, made.text
    return dict(made.json())


async def commented(site: Site) -> dict[str, Any]:
    """Returns a mechanism of mika's on which ana comments."""
    made = await site.published(site.tokens["mika"], "カム")
    url = f"{API}/mechanisms/{made['id']}/comments"
    sent = await site.client.post(url, headers=site.tokens["ana"], json={"text": "遊び"})
    assert sent.status_code == 201
    return made


async def deliveries(site: Site, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    response = await site.client.get(f"{WEBHOOKS}/{webhook['id']}/deliveries", headers=site.tokens["mika"])
    assert response.status_code == 200
    return list(response.json()["items"])


def bodies(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in receiver.requests]


async def test_a_notification_arrives_signed_as_the_api_shows_it(open_site: Any) -> None:
    site = await opened(open_site)
    async with receiving() as receiver:
        webhook = await create(site, f"{receiver.url}/200")
        await commented(site)
        await site.work()
        ((head, body),) = receiver.requests
    signed = f"{receiver.header(head, 'Mechshare-Time')}.".encode() + body
    expected = hmac.new(webhook["secret"].encode(), signed, hashlib.sha256).hexdigest()
    assert receiver.header(head, "Mechshare-Signature") == f"v1={expected}"
    listed = await site.client.get(f"{API}/users/me/notifications", headers=site.tokens["mika"])
    sent = json.loads(body)
    assert [sent["notification"]] == listed.json()["items"]
    assert (sent["type"], sent["webhook_id"]) == ("notification", webhook["id"])
    (delivery,) = await deliveries(site, webhook)
    assert (delivery["id"], delivery["notification_id"]) == (sent["id"], sent["notification"]["id"])
    assert (delivery["status"], delivery["error"], delivery["attempts"]) == (200, None, 1)


async def test_the_secret_is_shown_once(open_site: Any) -> None:
    site = await opened(open_site)
    made = await create(site, "http://127.0.0.1:1/in")
    listed = (await site.client.get(WEBHOOKS, headers=site.tokens["mika"])).json()
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    assert made["secret"] not in json.dumps(listed)


async def test_nothing_is_sent_of_what_the_receiver_may_no_longer_see(open_site: Any) -> None:
    site = await opened(open_site)
    async with receiving() as receiver:
        await create(site, f"{receiver.url}/200", "ana")
        made = await site.published(site.tokens["mika"], "カム")
        url = f"{API}/mechanisms/{made['id']}"
        await site.client.post(f"{url}/comments", headers=site.tokens["mika"], json={"text": "@ana"})
        await site.client.post(f"{url}/withdraw", headers=site.tokens["mika"])
        await site.work()
        assert receiver.requests == []


async def test_a_refused_delivery_is_tried_again_given_up_and_disables_in_the_end(open_site: Any) -> None:
    clock = FrozenClock(datetime.now(UTC))
    site = await opened(open_site, clock=clock, database=lambda _: MemoryDatabase(clock))
    async with receiving() as receiver:
        webhook = await create(site, f"{receiver.url}/500")
        await commented(site)
        await site.work()
        (delivery,) = await deliveries(site, webhook)
        assert (delivery["status"], delivery["error"], delivery["is_given_up"]) == (500, "refused", False)
        for _ in range(4):
            await later(site, clock)
        (delivery,) = await deliveries(site, webhook)
        assert (delivery["attempts"], delivery["is_given_up"]) == (5, True)
        assert len({one["id"] for one in bodies(receiver)}) == 1
        assert await failures(site) == (1, False)
        for _ in range(MAX_FAILURES - 1):
            await site.client.post(f"{WEBHOOKS}/{webhook['id']}/test", headers=site.tokens["mika"])
            for _ in range(5):
                await later(site, clock)
        assert await failures(site) == (MAX_FAILURES, True)
        receiver.requests.clear()
        await commented(site)
        await later(site, clock)
        assert receiver.requests == []


async def test_a_failed_delivery_is_given_up_once_its_mechanism_is_hidden(open_site: Any) -> None:
    clock = FrozenClock(datetime.now(UTC))
    site = await opened(open_site, clock=clock, database=lambda _: MemoryDatabase(clock))
    made = await site.published(site.tokens["ana"], "カム")
    url = f"{API}/mechanisms/{made['id']}"
    async with receiving() as receiver:
        webhook = await create(site, f"{receiver.url}/500")
        await site.client.post(f"{url}/comments", headers=site.tokens["ana"], json={"text": "@mika"})
        await site.work()
        await site.client.post(f"{url}/withdraw", headers=site.tokens["ana"])
        await later(site, clock)
    (delivery,) = await deliveries(site, webhook)
    assert (delivery["attempts"], delivery["is_given_up"]) == (1, True)
    assert await failures(site) == (0, False)


async def later(site: Site, clock: FrozenClock) -> None:
    clock.advance(timedelta(seconds=17))  # the longest pause, and less than a session in all
    await site.work()


async def failures(site: Site) -> tuple[int, bool]:
    (one,) = (await site.client.get(WEBHOOKS, headers=site.tokens["mika"])).json()["items"]
    return one["failures"], one["disabled_at"] is not None


async def test_a_test_that_succeeds_enables_a_webhook(open_site: Any) -> None:
    site = await opened(open_site)
    async with receiving() as receiver:
        webhook = await create(site, f"{receiver.url}/200")
        async with site.adapters.database.begin() as tx:
            (stored,) = await tx.webhooks.find_of_user(site.ids["mika"])
            for _ in range(MAX_FAILURES):
                stored = stored.failed(site.adapters.clock.now())
            await tx.webhooks.save(stored)
        assert await failures(site) == (MAX_FAILURES, True)
        sent = await site.client.post(f"{WEBHOOKS}/{webhook['id']}/test", headers=site.tokens["mika"])
        assert sent.status_code == 202
        await site.work()
        (body,) = bodies(receiver)
        assert (body["type"], body["notification"]) == ("test", None)
        assert await failures(site) == (0, False)


async def test_without_the_setting_private_receivers_are_refused(open_site: Any) -> None:
    site: Site = await open_site()
    headers = await site.sign_up("mika")
    for url in (
        "http://hooks.example/in",
        "https://127.0.0.1/in",
        "https://localhost/in",
        "https://[::1]/in",
        "https://mika:pw@hooks.example/in",
        "https://hooks.example/歯車",
        "https://hooks.example/\r\nHost: other",
        "ftp://hooks.example/in",
        "https://",
    ):
        refused = await site.client.post(WEBHOOKS, headers=headers, json={"url": url})
        assert (refused.status_code, refused.json()["code"]) == (422, "INVALID_FIELD"), url
    made = await site.client.post(WEBHOOKS, headers=headers, json={"url": "https://hooks.example/in"})
    assert made.status_code == 201


async def test_a_user_has_a_limited_number_and_a_deleted_one_gets_nothing(open_site: Any) -> None:
    site = await opened(open_site)
    async with receiving() as receiver:
        made = [await create(site, f"{receiver.url}/200") for _ in range(MAX_WEBHOOKS)]
        headers = site.tokens["mika"]
        refused = await site.client.post(WEBHOOKS, headers=headers, json={"url": receiver.url})
        assert refused.json()["code"] == "TOO_MANY_WEBHOOKS"
        await commented(site)
        for one in made:
            assert (await site.client.delete(f"{WEBHOOKS}/{one['id']}", headers=headers)).status_code == 204
        await site.work()
        assert receiver.requests == []

"""Searches that load the index: long texts full of matches, many words, many clients."""

import asyncio
from collections.abc import Callable

import pytest

from tests.attacks.probe import watched
from tests.attacks.server import API, AttackedServer, User

LONG_TEXTS = {
    "one word ten thousand times": "a " * 9_999,
    "one character": "歯" * 20_000,
    "a character that is searched as eighteen": "\ufdfa" * 20_000,
}
QUERIES = ("a", "歯", "a " * 100, "歯" * 200, "\ufdfa" * 40, '"a a a" ' * 25)
REFUSED_QUERY = "\ufdfa" * 100
CPU_SECONDS = 60.0
"""Processor seconds of all searches of an attack. With quadratic excerpts each took 453 s on one thread."""


async def wait_until_indexed(user: User, count: int) -> None:
    async with asyncio.timeout(300):
        while True:
            found = await user.client.get(f"{API}/search/mechanisms", params={"q": "歯", "limit": 1})
            if found.status_code == 200 and found.json()["total"] >= count:
                return
            await asyncio.sleep(0.5)


@pytest.mark.parametrize("text", LONG_TEXTS.values(), ids=LONG_TEXTS)
async def test_searches_over_long_texts_do_not_delay_others(
    attacked_server: AttackedServer, figure: Callable[[str], None], text: str
) -> None:
    async with attacked_server.registered() as user:
        before = (await user.client.get(f"{API}/search/mechanisms", params={"q": "歯", "limit": 1})).json()[
            "total"
        ]
        for number in range(50):
            await attacked_server.add_external(user, f"a 歯 {number}", text)
        await wait_until_indexed(user, before + 50)
        cpu = attacked_server.cpu_seconds()
        async with watched(attacked_server, figure):
            requests = [
                user.client.get(f"{API}/search/mechanisms", params={"q": query[:200], "limit": 100})
                for query in QUERIES
            ]
            statuses = {response.status_code for response in await asyncio.gather(*requests)}
        assert statuses <= {200, 503}
        refused = await user.client.get(f"{API}/search/mechanisms", params={"q": REFUSED_QUERY})
        assert refused.status_code == 422
        spent = attacked_server.cpu_seconds() - cpu
        figure(f"{len(QUERIES)} searches over 50 long texts: {spent:.1f} CPU seconds")
        assert spent < CPU_SECONDS

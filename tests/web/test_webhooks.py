"""The page of webhooks."""

import re
from typing import Any

from tests.http.conftest import Site
from tests.web.visitors import error_at, visitor

PAGE = "/settings/webhooks"


async def test_a_person_creates_tests_and_deletes_a_webhook(open_site: Any) -> None:
    site: Site = await open_site(webhook_private_addresses="allowed")
    mika = await visitor(site, "mika", language="ja")
    assert error_at(await mika.submit(PAGE, url="gopher://x"), "url")
    created = (await mika.submit(PAGE, url="http://127.0.0.1:1/in")).text
    secret = re.search(r"mswh_[\w-]+", created)
    assert secret
    shown = (await mika.open(PAGE)).text
    assert secret[0] not in shown
    test, delete = re.findall(rf'action="({PAGE}/[\w-]+/(?:test|delete))"', shown)
    assert (await mika.submit(test)).headers["location"] == f"{PAGE}?saved=tested"
    await site.work()
    assert "受信側に接続できない" in (await mika.open(PAGE)).text
    assert (await mika.submit(delete)).headers["location"] == f"{PAGE}?saved=deleted"
    assert "127.0.0.1" not in (await mika.open(PAGE)).text

"""Pages and their parts: ETags, addresses that contain a digest, and what is compressed."""

import re

import pytest

from tests.http.conftest import Site

IMMUTABLE = "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/schema", "/schema/openapi.json", "/static/app.js"])
async def test_a_page_is_revalidated_by_its_etag(site: Site, path: str) -> None:
    first = await site.client.get(path, headers={"Accept-Encoding": "gzip"})
    assert (first.status_code, first.headers["cache-control"]) == (200, "public, no-cache")
    for etag in (first.headers["etag"], f"W/{first.headers['etag']}", "*"):
        again = await site.client.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")
    assert (await site.client.get(path, headers={"If-None-Match": '"other"'})).content == first.content


@pytest.mark.parametrize("page", ["/", "/schema"])
async def test_the_parts_of_a_page_have_immutable_addresses(site: Site, page: str) -> None:
    text = (await site.client.get(page)).text
    addresses = {
        "/" + found.lstrip("/")
        for found in re.findall(r"(?:src|href)=[\"']([^\"']+\.(?:js|css|svg))[\"']", text)
    }
    assert len(addresses) == {"/": 3, "/schema": 4}[page]
    for address in addresses:
        if address == "/static/favicon.svg":  # of the page that the framework makes
            continue
        assert re.search(r"\.[0-9a-f]{16}\.(?:js|css|svg)$", address), address
        part = await site.client.get(address, headers={"Accept-Encoding": "br"})
        assert (part.status_code, part.headers["cache-control"]) == (200, IMMUTABLE)
        assert part.headers["etag"]
        assert len(part.content) < 1_000 or part.headers["content-encoding"] == "br"


@pytest.mark.parametrize("name", ["app.0123456789abcdef.js", "app.html", "x.js", "app.js.map"])
async def test_an_unknown_name_or_digest_is_not_found(site: Site, name: str) -> None:
    for folder in ("static", "schema/assets"):
        assert (await site.client.get(f"/{folder}/{name}")).status_code == 404

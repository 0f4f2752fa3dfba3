"""HTTP as real clients, browsers and proxies use it: compression, CORS, a path prefix, and details."""

from typing import Any

import pytest

from tests.http.conftest import API, Site

MECHANISMS = f"{API}/mechanisms"


async def filled(site: Site) -> dict[str, Any]:
    """Fills the site with a list that is long enough to be compressed."""
    made = await site.published(await site.sign_up("sakura"), description="歯車の噛み合い。" * 100)
    assert isinstance(made, dict)
    return made


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("br", "br"),
        ("zstd", "zstd"),
        ("gzip, deflate", "gzip"),
        ("gzip;q=1.0, br;q=0.2", "gzip"),
        ("*", "br"),
        ("br;q=0, *;q=0.5", "zstd"),
        ("identity", None),
        ("gzip;q=0", None),
        ("", None),
        ("compress, ;;;q=x,", None),
    ],
)
@pytest.mark.parametrize("path", [MECHANISMS, f"{MECHANISMS}/{{id}}", f"{API}/search/mechanisms?q=x&limit=1"])
async def test_a_text_is_sent_in_the_coding_that_the_client_prefers(
    site: Site, path: str, accepted: str, coding: str | None
) -> None:
    made = await filled(site)
    address = path.format(id=made["id"])
    plain = await site.client.get(address, headers={"Accept-Encoding": "identity"})
    for _ in range(2):  # the second comes from the cache of responses
        response = await site.client.get(address, headers={"Accept-Encoding": accepted})
        is_worth_it = len(plain.content) >= 1_000
        assert response.headers.get("content-encoding") == (coding if is_worth_it else None)
        assert response.content == plain.content
        assert "accept-encoding" in response.headers["vary"].lower()
        assert "authorization" in response.headers["vary"].lower()


async def test_a_compressed_representation_is_validated_and_edited_by_its_own_etag(
    site: Site,
) -> None:
    made = await filled(site)
    address = f"{MECHANISMS}/{made['id']}"
    read = await site.client.get(address, headers={"Accept-Encoding": "gzip"})
    tag = read.headers["etag"]
    again = await site.client.get(address, headers={"Accept-Encoding": "gzip", "If-None-Match": tag})
    assert (again.status_code, again.headers["etag"]) == (304, tag)
    editing = {**site.tokens["sakura"], "If-Match": tag}
    assert (await site.client.patch(address, headers=editing, json={"title": "新"})).status_code == 200
    assert (await site.client.patch(address, headers=editing, json={"title": "古"})).status_code == 412


async def test_responses_with_credentials_are_never_compressed(site: Site) -> None:
    await site.sign_up("sakura")
    body = {"username": "sakura", "password": "four-bar linkage"}
    response = await site.client.post(f"{API}/auth/login", json=body, headers={"Accept-Encoding": "br, gzip"})
    assert response.status_code == 200
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize(
    "changed",
    [
        "W/{etag}",
        '{bare}-gzip"',
        'W/{bare}-gzip"',
        '{bare};gzip"',
        '"0-0000000000000000", {etag}',
        "{etag},,",
        "*",
    ],
)
async def test_a_proxy_may_weaken_or_suffix_the_etag_of_an_edit(site: Site, changed: str) -> None:
    made = await filled(site)
    address = f"{MECHANISMS}/{made['id']}"
    etag = (await site.client.get(address, headers={"Accept-Encoding": "identity"})).headers["etag"]
    tag = changed.format(etag=etag, bare=etag[:-1])
    response = await site.client.patch(
        address, headers={**site.tokens["sakura"], "If-Match": tag}, json={"title": "新"}
    )
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("tag", ['"1-0123456789abcdefgzip"', '"1-0123"', '"gzip-1-0123456789abcdef"'])
async def test_an_etag_that_only_looks_valid_matches_no_version(site: Site, tag: str) -> None:
    made = await filled(site)
    headers = {**site.tokens["sakura"], "If-Match": tag}
    response = await site.client.patch(f"{MECHANISMS}/{made['id']}", headers=headers, json={"title": "新"})
    assert response.status_code == 412


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        ("https://app.example.com", True),
        ("https://a.b.example.com", True),
        ("http://localhost:5173", True),
        ("https://example.com.evil.test", False),
        ("https://evil.test/.example.com", False),
        ("http://app.example.com", False),
        ("null", False),
    ],
)
async def test_pages_of_allowed_origins_alone_may_read_and_change(
    open_site: Any, origin: str, is_allowed: bool
) -> None:
    site = await open_site(cors_origins=("https://*.example.com", "http://localhost:*"))
    fields = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
    preflight = await site.client.options(f"{MECHANISMS}/x", headers=fields)
    read = await site.client.get(MECHANISMS, headers={"Origin": origin})
    refused = await site.client.get(f"{API}/nowhere", headers={"Origin": origin})
    for response in (preflight, read, refused):
        assert response.headers.get("access-control-allow-origin") == (origin if is_allowed else None)
        if is_allowed:
            assert "Origin" in response.headers["vary"]
    if is_allowed:
        assert "PATCH" in preflight.headers["access-control-allow-methods"]
        assert "If-Match" in preflight.headers["access-control-allow-headers"]
        for name in ("ETag", "Link", "Location", "Retry-After"):
            assert name in read.headers["access-control-expose-headers"].split(", ")


async def test_without_allowed_origins_no_other_origin_reads_anything(site: Site) -> None:
    response = await site.client.get(MECHANISMS, headers={"Origin": "https://app.example.com"})
    assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize("is_stripped", [True, False])
async def test_every_address_is_under_the_public_url(open_site: Any, is_stripped: bool) -> None:
    base = "https://tools.example.com/mechshare"
    site = await open_site(public_url=base)
    prefix = "" if is_stripped else "/mechshare"
    headers = await site.sign_up("sakura")
    first = await site.published(headers)
    await site.published(headers, title="カム")
    draft = await site.ready(headers)
    assert first["file_url"].startswith(f"{base}/api/v1/media/")
    assert draft["file_url"].startswith(f"{base}/api/v1/media/")
    for address in (first["file_url"], draft["thumbnail_url"]):
        assert (await site.client.get(prefix + address.removeprefix(base))).status_code == 200
    listed = await site.client.get(f"{prefix}{MECHANISMS}?limit=1")
    link = listed.headers["link"]
    assert link.startswith(f"<{base}/api/v1/mechanisms?")
    following = await site.client.get(prefix + link[1 : link.index(">")].removeprefix(base))
    assert following.json()["page"] == 2
    made = await site.client.post(
        prefix + MECHANISMS,
        headers=headers,
        data={"title": "x"},
        files={"file": ("a.gif", b"GIF89a", "image/gif")},
    )
    assert made.status_code == 400 or made.headers["location"].startswith(f"{base}/api/v1/mechanisms/")
    page = await site.client.get(f"{prefix}/schema")
    assert f"{base}/schema/assets/" in page.text
    document = (await site.client.get(f"{prefix}/schema/openapi.json")).json()
    assert document["servers"] == [{"url": base}]


async def test_an_address_that_only_begins_like_the_prefix_is_not_under_it(open_site: Any) -> None:
    site = await open_site(public_url="https://tools.example.com/mech")
    assert (await site.client.get("/mechshare/health/live")).status_code == 404
    assert (await site.client.get("/mech/health/live")).status_code == 200


@pytest.mark.parametrize("query", ["q=歯車", "q=%E6%AD%AF%E8%BB%8A"])
async def test_a_query_may_be_sent_as_utf_8_or_percent_encoded(site: Site, query: str) -> None:
    await site.published(await site.sign_up("sakura"), title="遊星歯車")
    received: list[bytes] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": f"{API}/search/mechanisms",
        "raw_path": f"{API}/search/mechanisms".encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"host", b"mechshare.test")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        received.append(message.get("body", b""))

    await site.client._transport.app(scope, receive, send)
    assert "遊星歯車" in b"".join(received).decode()


@pytest.mark.parametrize(
    "query", ["page=1e3", "page=1.0", "limit=%2B5", "limit=٥", "page=", "page=1&page=2e0"]
)
async def test_an_integer_is_written_in_digits(site: Site, query: str) -> None:
    response = await site.client.get(f"{MECHANISMS}?{query}")
    assert response.status_code == 400, response.text
    assert response.json()["details"][0]["field"] == query.partition("=")[0]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (MECHANISMS, "GET, HEAD, OPTIONS, POST"),
        (f"{MECHANISMS}/x", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        (f"{API}/auth/login", "OPTIONS, POST"),
    ],
)
async def test_options_lists_every_method(site: Site, path: str, allowed: str) -> None:
    response = await site.client.options(path)
    assert (response.status_code, response.headers["allow"], response.content) == (204, allowed, b"")


@pytest.mark.parametrize(
    # A page with forms sends its address to itself: without that, browsers send "null" as the Origin of a form.
    ("path", "scripts", "referrer"),
    [("/", "script-src 'nonce-", "same-origin"), ("/schema", "script-src 'self'", "no-referrer")],
)
async def test_a_page_runs_only_its_own_scripts_and_in_no_frame(
    site: Site, path: str, scripts: str, referrer: str
) -> None:
    response = await site.client.get(path)
    policy = response.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert scripts in policy
    assert response.headers["referrer-policy"] == referrer
    assert response.headers["content-type"].lower().count("charset") == 1


async def test_a_range_that_covers_the_file_is_partial_and_units_are_case_insensitive(site: Site) -> None:
    made = await site.published(await site.sign_up("sakura"))
    whole = await site.client.get(made["file_url"])
    for given in ("bytes=0-", "BYTES=0-", "bytes= 0-999999999", f"bytes=0-{len(whole.content) - 1}"):
        response = await site.client.get(made["file_url"], headers={"Range": given})
        assert (response.status_code, response.content) == (206, whole.content), given
    dated = {"Range": "bytes=0-1", "If-Range": whole.headers["last-modified"]}
    assert (await site.client.get(made["file_url"], headers=dated)).status_code == 206
    older = {"Range": "bytes=0-1", "If-Range": "Sat, 01 Jan 2000 00:00:00 GMT"}
    assert (await site.client.get(made["file_url"], headers=older)).status_code == 200

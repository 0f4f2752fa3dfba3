"""Any input to any route gets a response that says what is wrong, and never a 500.

The short form combines texts with the parameters of a route in rotation: each route meets each text, each parameter of
each route some texts, and each text each parameter of some route. The long form combines all with all.
"""

import base64
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import count, product
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.users import Role
from mechshare.entrypoints.http.protocol.pagination import list_checksum
from tests.http.conftest import API, Site, site_on
from tests.http.test_access_matrix import BODIES, MATRIX
from tests.http.test_errors import assert_one_shape
from tests.services.world import GIF

TEXTS = {
    "NUL": b"\x00",
    "not UTF-8": b"\xff\xfe",
    "a lone surrogate": b"\xed\xa0\x80",
    "400 digits": b"9" * 400,
    "10^18": b"1000000000000000000",
    "a minus": b"-1",
    "a way out": b"../../../etc/passwd",
    "a long one": b"x" * 20_000,
    "right to left": "\u202e歯車\u2066".encode(),
    "quotes": b"'\";--<script>",
    "a format": b"{0.__class__}%s%n",
}
LITERALS = {
    "NUL": rb'"\u0000"',
    "a lone surrogate": rb'"\ud800"',
    "half a pair": rb'"\ud83d\u0041"',
    "not UTF-8": b'"\xff\xfe"',
    "400 digits": b"9" * 400,
    "a huge exponent": b"1e400",
    "not a number": b"NaN",
    "100,000 lists": b"[" * 100_000 + b"]" * 100_000,
    "100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "null": b"null",
    "a list": b"[]",
    "a long string": b'"' + b"x" * 200_000 + b'"',
    "only spaces": b'"\\u3000 \\t"',
}
WITH_BODY = sorted(BODIES)
WHOLE = ""
"""The place of a literal that is the whole body."""
READ = [row for row in MATRIX if row.startswith("GET") and "events" not in row]
QUERIES = ("page", "limit", "cursor", "category", "user_id", "sort", "q", "expires", "signature", "%FF")
HEADERS = [
    "Authorization",
    "Accept",
    "Accept-Language",
    "Cookie",
    "If-Match",
    "If-None-Match",
    "If-Range",
    "Idempotency-Key",
    "Range",
    "X-Forwarded-For",
    "X-Request-ID",
]


pytestmark = pytest.mark.asyncio(loop_scope="module")
_numbers = count()


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["memory", "sqlite", "postgresql"])
async def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """Opens a site on each kind of database, because each refuses other texts. All tests share it, each with a user of
    its own: opening one takes longer than most tests."""
    async with site_on(request.param, tmp_path_factory.mktemp("site")) as opened:
        yield opened


def unused_name() -> str:
    return f"user-{next(_numbers)}"


def assert_clear_response(response: Any) -> None:
    assert response.status_code < 500, response.text
    if response.status_code >= 400 and response.request.method != "HEAD":
        assert_one_shape(response)


async def admin_and_path(site: Site, template: str) -> tuple[dict[str, str], str]:
    name = unused_name()
    headers = {**await site.sign_up(name, Role.ADMIN), "If-Match": "*"}
    made = await site.published(headers)
    path = template.replace("{mechanism_id}", made["id"]).replace("{category_id}", "gears")
    path = path.replace("{user_id}", site.ids[name]).replace("{name}", made["file_url"].rpartition("/")[2])
    return headers, path.replace("{session_id}", made["id"])


@pytest.mark.parametrize("row", [row for row in MATRIX if "{" in row])
async def test_any_text_in_a_path_is_handled(site: Site, row: str) -> None:
    method, template = row.split(" ")
    headers = {**await site.sign_up(unused_name(), Role.ADMIN), "If-Match": "*"}
    for text in TEXTS.values():
        parts = [quote(text, safe="") if part.startswith("{") else part for part in template.split("/")]
        response = await site.client.request(method, "/".join(parts), headers=headers)
        assert_clear_response(response)
        assert response.status_code >= 400


@pytest.mark.parametrize("row", READ)
async def test_any_text_in_a_query_is_handled(site: Site, row: str, long: bool) -> None:
    headers, path = await admin_and_path(site, row.split(" ")[1])
    for text, name in combined(list(TEXTS.values()), QUERIES, READ.index(row), long):
        response = await site.client.get(f"{path}?{name}={quote(text, safe='')}", headers=headers)
        assert_clear_response(response)


def combined(
    texts: Sequence[bytes], places: Sequence[str], start: int, every: bool
) -> Iterator[tuple[bytes, str]]:
    """Yields `every` pair, or so many that each text and each place occurs, in an order that begins at `start`."""
    if every:
        yield from product(texts, places)
        return
    for number in range(max(len(texts), len(places))):
        yield texts[number % len(texts)], places[(number + start) % len(places)]


@pytest.mark.parametrize("place", ["x", "\0", "🙂" * 300])
async def test_any_position_in_a_cursor_is_handled(site: Site, place: str) -> None:
    for sort, key_type, key in (
        ("-created_at", "time", 0),
        ("-created_at", "time", 10**17),
        ("-created_at", "time", -(10**17)),
        ("title", "text", place),
    ):
        for narrowed, filter in (
            ("", MechanismFilter()),
            ("&category=gears", MechanismFilter(category_ids=("gears",))),
            (f"&category={quote(place)}", MechanismFilter(category_ids=(place,))),
            (f"&user_id={quote(place)}", MechanismFilter(user_id=place)),
        ):
            packed = json.dumps([sort, list_checksum(filter.conditions), 2, key_type, key, place]).encode()
            cursor = base64.urlsafe_b64encode(packed).decode().rstrip("=")
            response = await site.client.get(f"{API}/mechanisms?sort={sort}&cursor={cursor}{narrowed}")
            assert_clear_response(response)


async def test_the_short_form_combines_each_text_with_each_parameter_of_some_route() -> None:
    texts = list(TEXTS.values())
    pairs = {pair for start in range(len(READ)) for pair in combined(texts, QUERIES, start, every=False)}
    assert pairs == set(product(texts, QUERIES))


@pytest.mark.parametrize("row", WITH_BODY)
async def test_any_value_in_a_body_is_handled(site: Site, row: str, long: bool) -> None:
    method, template = row.split(" ")
    headers, path = await admin_and_path(site, template)
    places = [*BODIES[row], WHOLE]
    for literal, place in combined(list(LITERALS.values()), places, WITH_BODY.index(row), long):
        body = literal if place == WHOLE else body_with(literal, place, BODIES[row])
        sent = {**headers, "Content-Type": "application/json"}
        response = await site.client.request(method, path, headers=sent, content=body)
        assert_clear_response(response)
        if response.is_success:  # it may have changed the password, or deleted what the path names
            headers, path = await admin_and_path(site, template)


def body_with(literal: bytes, field: str, fields: Mapping[str, Any]) -> bytes:
    """Returns a JSON object of `fields` in which `field` is the literal."""
    valid = {name: json.dumps(value).encode() for name, value in fields.items()}
    pairs = {**valid, field: literal}.items()
    return b"{" + b",".join(b'"%b":%b' % (key.encode(), value) for key, value in pairs) + b"}"


# The media type is refused before any database is asked.
@pytest.mark.parametrize("site", ["memory"], indirect=True)
@pytest.mark.parametrize("row", WITH_BODY)
async def test_a_body_of_another_media_type_is_415(site: Site, row: str) -> None:
    method, template = row.split(" ")
    headers, path = await admin_and_path(site, template)
    for kind in ("", "text/plain", "application/x-www-form-urlencoded", "application/json-seq", "é", '/;="'):
        typed = {**headers, "Content-Type": kind.encode()}
        response = await site.client.request(method, path, headers=typed, content=b"{}")
        assert response.status_code == 415, (kind, response.text)
        assert_one_shape(response)


@pytest.mark.parametrize("header", HEADERS)
async def test_any_text_in_a_header_is_handled(site: Site, header: str) -> None:
    headers, path = await admin_and_path(site, f"{API}/media/{{mechanism_id}}/{{name}}")
    texts = [
        *TEXTS.values(),
        b"",
        b",",
        b"bytes=-",
        b'"',
        b"Bearer ",
        b"Bearer " + b"." * 5_000,
        b";q=",
        b"=;=;",
    ]
    for text in texts:
        for url in (path, f"{API}/users/me"):
            assert_clear_response(await site.client.get(url, headers={**headers, header: text}))
        body = {"display_name": "x"}
        sent = {**headers, header: text}
        assert_clear_response(await site.client.patch(f"{API}/users/me", headers=sent, json=body))


PARTS = {
    "without a name": b"form-data",
    "with a name that is not UTF-8": b'form-data; name="\xff"',
    "with an unknown charset for its name": b"form-data; name*=utf-9''title",
    "of another kind": b"attachment; name=title",
    "with NUL in its file name": b'form-data; name="file"; filename="\x00"',
    "with an unknown charset": b'form-data; name="title"\r\nContent-Type: text/plain; charset=bogus',
    "with a broken charset": b'form-data; name="title"\r\nContent-Type: \xff; charset=\xff',
    "with an endless header": b'form-data; name="title"; x="' + b"y" * 100_000 + b'"',
    "with two file names": b"form-data; name=\"file\"; filename=a; filename*=UTF-8''%FF",
}


@pytest.mark.parametrize("part", PARTS)
async def test_any_part_of_a_form_is_handled(site: Site, part: str) -> None:
    headers = await site.sign_up(unused_name())
    headers["Content-Type"] = "multipart/form-data; boundary=b"
    body = b"--b\r\nContent-Disposition: " + PARTS[part] + b"\r\n\r\n" + GIF + b"\r\n--b--\r\n"
    before = [key async for key in site.adapters.blobs.list("")]
    response = await site.client.post(f"{API}/mechanisms", headers=headers, content=body)
    assert_clear_response(response)
    assert response.status_code in (400, 413)
    assert [key async for key in site.adapters.blobs.list("")] == before


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=é",
        "multipart/form-data; boundary=other",
        "multipart/form-data; boundary=" + "x" * 5_000,
        "multipart/form-data; boundary*=utf-9''b",
    ],
)
async def test_a_form_without_a_usable_boundary_is_400(site: Site, kind: str) -> None:
    headers = {**await site.sign_up(unused_name()), "Content-Type": kind.encode()}
    body = b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nx\r\n--b--\r\n'
    response = await site.client.post(f"{API}/mechanisms", headers=headers, content=body)
    assert response.status_code == 400
    assert_one_shape(response)


async def test_a_charset_of_the_whole_form_is_ignored(site: Site) -> None:
    headers = await site.sign_up(unused_name())
    headers["Content-Type"] = "multipart/form-data; charset=bogus; boundary=b"
    parts = [(b'name="title"', "歯車".encode()), (b'name="file"; filename="a.gif"', GIF)]
    body = b"".join(
        b"--b\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % (name, content)
        for name, content in parts
    )
    response = await site.client.post(f"{API}/mechanisms", headers=headers, content=body + b"--b--\r\n")
    assert (response.status_code, response.json()["title"]) == (202, "歯車")

"""Behaviour of every route: HEAD, 405, preconditions, idempotency, and the end of a caller's rights."""

import asyncio
import gzip
from typing import Any

import pytest

from mechshare.domain.users import Role
from tests.http.conftest import API, PASSWORD, Site
from tests.services.world import GIF

MECHANISMS = f"{API}/mechanisms"
ELSEWHERE = {
    "title": "四節リンク",
    "file_url": "https://media.example/a.mp4",
    "thumbnail_url": "https://media.example/a.webp",
    "duration": 2.4,
}


async def test_head_sends_the_headers_of_get_without_content(site: Site) -> None:
    made = await site.published(await site.sign_up("sakura"))
    for path in (MECHANISMS, f"{MECHANISMS}/{made['id']}", made["file_url"], "/health/live", "/", f"{API}/x"):
        got, headed = await site.client.get(path), await site.client.head(path)
        assert (headed.status_code, headed.content) == (got.status_code, b""), path
        # Each response has an id of its own and, if it is a page, a nonce, which changes its compressed length.
        own = {"x-request-id", *({"content-security-policy", "content-length"} if path == "/" else ())}
        for name in set(got.headers) - own:
            assert headed.headers[name] == got.headers[name], (path, name)


async def test_head_of_a_stream_ends_at_once(site: Site) -> None:
    headers = await site.sign_up("sakura")
    pending = await site.share(headers)
    headed = await site.client.head(f"{MECHANISMS}/{pending['id']}/processing/events", headers=headers)
    assert (headed.status_code, headed.content) == (200, b"")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", MECHANISMS, "GET, HEAD, OPTIONS, POST"),
        ("POST", "/health/live", "GET, HEAD, OPTIONS"),
        ("GET", f"{API}/auth/login", "OPTIONS, POST"),
        ("TRACE", f"{MECHANISMS}/x", "DELETE, GET, HEAD, OPTIONS, PATCH"),
    ],
)
async def test_405_lists_the_allowed_methods(site: Site, method: str, path: str, allowed: str) -> None:
    response = await site.client.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)
    assert allowed in response.json()["message"]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("*", 200),
        ('"0-0000000000000000"', 412),
        ('"somebody-elses"', 412),
        ('W/"weak"', 412),
        ("unquoted", 400),
        ("", 400),
        ('"' + "9" * 400 + '-0000000000000000"', 412),
    ],
)
async def test_if_match_takes_a_known_etag_or_fails(site: Site, given: str, status: int) -> None:
    headers = await site.sign_up("sakura")
    made = (await site.client.post(MECHANISMS, headers=headers, json=ELSEWHERE)).json()
    changing = {**headers, "If-Match": given}
    response = await site.client.patch(
        f"{MECHANISMS}/{made['id']}", headers=changing, json={"description": "新"}
    )
    assert response.status_code == status, response.text


@pytest.mark.parametrize("held", ['"other", {etag}', "W/{etag}", "*"])
async def test_if_none_match_may_be_a_list_weak_or_any(site: Site, held: str) -> None:
    made = await site.published(await site.sign_up("sakura"))
    plain = {"Accept-Encoding": "identity"}
    for path in (MECHANISMS, made["file_url"]):
        etag = (await site.client.get(path, headers=plain)).headers["etag"]
        response = await site.client.get(path, headers={**plain, "If-None-Match": held.format(etag=etag)})
        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", etag)


async def created_twice(site: Site, path: str, headers: dict[str, str], body: dict[str, Any]) -> list[Any]:
    keyed = {**headers, "Idempotency-Key": "k-1"}
    return [await site.client.post(API + path, headers=keyed, json=body) for _ in range(2)]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/mechanisms", ELSEWHERE),
        ("/categories", {"id": "cams-2", "name_en": "Cams 2", "name_ja": "カム2"}),
        ("/auth/register", {"username": "kaede", "email": "kaede@example.com", "password": PASSWORD}),
    ],
)
async def test_a_replayed_response_is_as_usable_as_the_first(
    site: Site, path: str, body: dict[str, Any]
) -> None:
    headers = await site.sign_up("boss", Role.ADMIN)
    first, again = await created_twice(site, path, headers, body)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    for name in ("etag", "location"):
        assert again.headers[name] == first.headers[name]
    changing = {**headers, "If-Match": again.headers["etag"]}
    change = {"/mechanisms": {"title": "x"}, "/categories": {"name_en": "x"}}.get(path, {"role": "moderator"})
    changed = await site.client.patch(again.headers["location"], headers=changing, json=change)
    assert changed.status_code == 200, changed.text


async def test_one_form_sent_many_times_at_once_is_stored_once(site: Site) -> None:
    headers = {**await site.sign_up("sakura"), "Idempotency-Key": "k-1"}

    async def send() -> Any:
        files = {"file": ("clip.gif", GIF)}
        return await site.client.post(MECHANISMS, headers=headers, data={"title": "歯車"}, files=files)

    responses = await asyncio.gather(*(send() for _ in range(6)))
    assert {response.status_code for response in responses} == {202}
    assert len({response.content for response in responses}) == 1
    assert len([key async for key in site.adapters.blobs.list("")]) == 1
    assert (await site.client.get(f"{API}/users/{site.ids['sakura']}/mechanisms", headers=headers)).json()[
        "total"
    ] == 1


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 201])
async def test_a_key_that_cannot_be_stored_is_refused(site: Site, key: str) -> None:
    headers = {**await site.sign_up("sakura"), "Idempotency-Key": key.encode()}
    response = await site.client.post(MECHANISMS, headers=headers, json=ELSEWHERE)
    assert (response.status_code, response.json()["details"][0]["field"]) == (400, "Idempotency-Key")


@pytest.mark.parametrize("suffix", ["/publish", "/withdraw", "/processing/retry"])
async def test_an_operation_without_fields_refuses_every_field(site: Site, suffix: str) -> None:
    headers = await site.sign_up("sakura")
    made = await site.ready(headers)
    url = f"{MECHANISMS}/{made['id']}"
    refused = await site.client.post(url + suffix, headers=headers, json={"user_id": made["user_id"]})
    assert (refused.status_code, refused.json()["code"]) == (400, "MALFORMED_REQUEST")
    typed = {**headers, "Content-Type": "text/plain"}
    assert (await site.client.post(url + suffix, headers=typed, content=b'{"reason":"x"}')).status_code == 415
    after = (await site.client.get(url, headers=headers)).json()
    assert (after["version"], after["is_published"]) == (made["version"], False)


async def test_signing_out_ends_the_token_at_once(site: Site) -> None:
    headers = await site.sign_up("sakura")
    assert (await site.client.get(f"{API}/users/me", headers=headers)).status_code == 200
    refused = await site.client.post(f"{API}/auth/logout", headers=headers, json={"all": True})
    assert refused.status_code == 400
    assert (await site.client.post(f"{API}/auth/logout", headers=headers)).status_code == 204
    assert (await site.client.get(f"{API}/users/me", headers=headers)).status_code == 401


async def test_suspension_ends_every_token_at_once_and_reinstatement_restores_none(
    site: Site,
) -> None:
    sakura, boss = await site.sign_up("sakura"), await site.sign_up("boss", Role.ADMIN)
    url, deciding = f"{API}/users/{site.ids['sakura']}", {**boss, "If-Match": "*"}
    for _ in range(2):
        assert (await site.client.get(f"{API}/users/me", headers=sakura)).status_code == 200
    await site.client.patch(url, headers=deciding, json={"is_suspended": True})
    for path in ("/users/me", "/mechanisms", "/auth/sessions"):
        assert (await site.client.get(API + path, headers=sakura)).status_code == 401
    credentials = {"username": "sakura", "password": PASSWORD}
    assert (await site.client.post(f"{API}/auth/login", json=credentials)).status_code == 401
    await site.client.patch(url, headers=deciding, json={"is_suspended": False})
    assert (await site.client.post(f"{API}/auth/login", json=credentials)).status_code == 200


@pytest.mark.parametrize("end", ["deleted", "signed out"])
async def test_an_event_stream_ends_when_its_reader_loses_access(
    site: Site, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    headers = await site.sign_up("sakura")
    url = f"{MECHANISMS}/{(await site.share(headers))['id']}"
    look, has_looked = site.application.processing.get_status, asyncio.Event()

    async def look_noticed(*args: Any) -> Any:
        status = await look(*args)
        has_looked.set()
        return status

    monkeypatch.setattr(site.application.processing, "get_status", look_noticed)
    watching = asyncio.create_task(site.client.get(f"{url}/processing/events", headers=headers))
    await has_looked.wait()
    if end == "deleted":
        ended = await site.client.delete(url, headers={**headers, "If-Match": "*"})
    else:
        ended = await site.client.post(f"{API}/auth/logout", headers=headers)
    assert ended.status_code == 204
    watched = await asyncio.wait_for(watching, 30)
    assert (watched.status_code, watched.text.count("event: processing")) == (200, 1)
    assert '"state":"pending"' in watched.text


async def test_public_keys_are_published_and_a_secret_is_not(open_site: Any) -> None:
    secret = await open_site()
    assert (await secret.client.get("/.well-known/jwks.json")).json() == {"keys": []}


async def test_a_signature_key_is_published_without_its_private_part(open_site: Any) -> None:
    site = await open_site(token_algorithm="EdDSA")
    (key,) = (await site.client.get("/.well-known/jwks.json")).json()["keys"]
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")
    assert "d" not in key
    assert (await site.client.get(f"{API}/users/me", headers=await site.sign_up("sakura"))).status_code == 200


async def test_a_compressed_body_is_415(site: Site) -> None:
    headers = {**await site.sign_up("sakura"), "If-Match": "*", "Content-Encoding": "gzip"}
    body = gzip.compress(b'{"bio": "x"}')
    typed = {**headers, "Content-Type": "application/json"}
    edit = await site.client.patch(f"{API}/users/me", headers=typed, content=body)
    upload = await site.client.post(
        MECHANISMS, headers=headers, data={"title": "歯車"}, files={"file": ("a.gif", GIF)}
    )
    for refused in (edit, upload):
        assert (refused.status_code, refused.json()["code"]) == (415, "UNSUPPORTED_CONTENT_CODING")
    plain = {**headers, "Content-Encoding": "identity"}
    assert (await site.client.patch(f"{API}/users/me", headers=plain, json={"bio": "x"})).status_code == 200

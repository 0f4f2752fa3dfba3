"""/mechanisms over HTTP"""

import asyncio
from typing import Any

import pytest

from mechshare.domain.errors import StorageFull
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import Role
from tests.http.conftest import API, Site
from tests.services.world import GIF

MECHANISMS = f"{API}/mechanisms"
ELSEWHERE = {
    "title": "四節リンク",
    "file_url": "https://media.example/a.mp4",
    "thumbnail_url": "https://media.example/a.webp",
    "duration": 2.4,
}


def form(**fields: str) -> dict[str, Any]:
    return {"data": {"title": "歯車", **fields}, "files": {"file": ("clip.gif", GIF, "image/gif")}}


async def blob_keys(site: Site) -> list[str]:
    return [key async for key in site.adapters.blobs.list("")]


async def test_a_clip_becomes_a_mechanism_that_everyone_can_watch(site: Site) -> None:
    headers = await site.sign_up("sakura")
    shared = await site.published(headers, "遊星歯車", categories="gears,planetary-gears", description="説明")
    seen = (await site.client.get(f"{MECHANISMS}/{shared['id']}")).json()
    assert seen["user"]["username"] == "sakura"
    assert (seen["title"], seen["categories"], seen["duration"]) == (
        "遊星歯車",
        ["gears", "planetary-gears"],
        2.4,
    )
    for url in (seen["file_url"], seen["thumbnail_url"], seen["preview_url"]):
        assert (await site.client.get(url)).status_code == 200


async def test_authors_name_categories_in_any_script(site: Site) -> None:
    headers = await site.sign_up("sakura")
    listed = {one["name_ja"]: one for one in (await site.client.get(f"{API}/categories")).json()["items"]}
    assert "機械" not in listed

    posted = await site.client.post(MECHANISMS, headers=headers, **form(categories="機械、ＧＥＡＲＳ"))
    linked = await site.client.post(MECHANISMS, headers=headers, json={**ELSEWHERE, "categories": ["機械"]})
    changed = await site.client.patch(
        f"{MECHANISMS}/{linked.json()['id']}",
        headers={**headers, "If-Match": linked.headers["etag"]},
        json={"categories": ["歯車", "電子"]},
    )

    listed = {one["name_ja"]: one for one in (await site.client.get(f"{API}/categories")).json()["items"]}
    assert posted.json()["categories"] == [listed["機械"]["id"], "gears"]
    assert linked.json()["categories"] == [listed["機械"]["id"]]
    assert changed.json()["categories"] == ["gears", listed["電子"]["id"]]


async def test_names_that_authors_may_not_add_are_listed(open_site: Any) -> None:
    site = await open_site(categories="admins")
    headers = await site.sign_up("sakura")
    response = await site.client.post(MECHANISMS, headers=headers, **form(categories="機械,Gears,電子"))
    assert (response.status_code, response.json()["code"]) == (422, "INVALID_FIELD")
    assert "機械, 電子" in response.json()["message"]
    assert await blob_keys(site) == []


async def test_a_clip_hosted_elsewhere_is_ready_at_once(site: Site) -> None:
    headers = await site.sign_up("sakura")
    response = await site.client.post(MECHANISMS, headers=headers, json=ELSEWHERE)
    assert response.status_code == 201
    assert response.json()["processing"] == {"state": "ready", "reason": None}
    assert response.headers["location"] == f"{MECHANISMS}/{response.json()['id']}"


@pytest.mark.parametrize("order", [["title", "file"], ["file", "title"]])
async def test_the_fields_of_the_form_may_come_in_any_order(site: Site, order: list[str]) -> None:
    headers = await site.sign_up("sakura")
    parts: dict[str, Any] = {"title": (None, "歯車"), "file": ("clip.gif", GIF)}
    response = await site.client.post(
        MECHANISMS, headers=headers, files=[(name, parts[name]) for name in order]
    )
    assert response.status_code == 202


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"data": {"title": "x"}, "files": {"other": ("a", b"b")}}, 400, "MALFORMED_REQUEST"),
        ({"data": {"title": "x", "surprise": "y"}, "files": {"file": ("a", GIF)}}, 400, "MALFORMED_REQUEST"),
        ({"files": {"file": ("a", GIF)}}, 400, "MALFORMED_REQUEST"),
        (
            {"data": {"title": "x"}, "files": [("file", ("a", GIF)), ("file", ("b", GIF))]},
            400,
            "MALFORMED_REQUEST",
        ),
        ({"data": {"title": " "}, "files": {"file": ("a", GIF)}}, 422, "INVALID_FIELD"),
        (
            {"data": {"title": "x", "categories": "gear/cam"}, "files": {"file": ("a", GIF)}},
            422,
            "INVALID_FIELD",
        ),
        (
            {"data": {"title": "x"}, "files": {"file": ("a.gif", b"ffconcat version 1.0")}},
            415,
            "UNSUPPORTED_FILE",
        ),
        ({"data": {"title": "x"}, "files": {"file": ("a.gif", b"")}}, 415, "UNSUPPORTED_FILE"),
        ({"data": {"title": "x" * 300_000}, "files": {"file": ("a", GIF)}}, 413, "BODY_TOO_LARGE"),
        (
            {"content": b"<svg/>", "headers": {"Content-Type": "image/svg+xml"}},
            415,
            "UNSUPPORTED_CONTENT_TYPE",
        ),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "MALFORMED_REQUEST"),
        (
            {"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
            400,
            "MALFORMED_REQUEST",
        ),
        ({"json": {**ELSEWHERE, "file_url": "http://media.example/a"}}, 422, "INVALID_FIELD"),
        ({"json": {**ELSEWHERE, "duration": 0}}, 422, "INVALID_FIELD"),
        ({"json": {**ELSEWHERE, "is_published": True}}, 400, "MALFORMED_REQUEST"),
        ({"json": []}, 400, "MALFORMED_REQUEST"),
    ],
)
async def test_a_bad_request_is_refused_and_stores_nothing(
    site: Site, request_: dict[str, Any], status: int, code: str
) -> None:
    headers = await site.sign_up("sakura")
    response = await site.client.post(
        MECHANISMS, **{**request_, "headers": {**headers, **request_.get("headers", {})}}
    )
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert await blob_keys(site) == []


async def test_a_file_over_the_limit_is_refused_and_stores_nothing(open_site: Any) -> None:
    site = await open_site(max_upload_bytes=1_000)
    headers = await site.sign_up("sakura")
    response = await site.client.post(
        MECHANISMS, headers=headers, data={"title": "x"}, files={"file": ("a.gif", GIF + bytes(2_000))}
    )
    assert (response.status_code, response.json()["code"]) == (413, "FILE_TOO_LARGE")
    assert await blob_keys(site) == []


async def test_a_full_disk_is_507_and_the_next_upload_works(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = await site.sign_up("sakura")

    async def full(key: str, chunks: Any) -> None:
        raise StorageFull()

    with monkeypatch.context() as broken:
        broken.setattr(site.adapters.blobs, "write", full)
        response = await site.client.post(MECHANISMS, headers=headers, **form())
    assert (response.status_code, response.json()["code"]) == (507, "STORAGE_FULL")
    assert response.headers["retry-after"]
    assert (await site.client.post(MECHANISMS, headers=headers, **form())).status_code == 202


async def test_an_update_requires_the_current_version(site: Site) -> None:
    headers = await site.sign_up("sakura")
    made = await site.ready(headers)
    url = f"{MECHANISMS}/{made['id']}"
    etag = (await site.client.get(url, headers=headers)).headers["etag"]
    without = await site.client.patch(url, headers=headers, json={"title": "新"})
    assert (without.status_code, without.json()["code"]) == (428, "VERSION_REQUIRED")
    changed = await site.client.patch(url, headers={**headers, "If-Match": etag}, json={"title": "新"})
    assert (changed.status_code, changed.json()["title"]) == (200, "新")
    stale = await site.client.patch(url, headers={**headers, "If-Match": etag}, json={"title": "古"})
    assert (stale.status_code, stale.json()["code"]) == (412, "STALE_VERSION")
    forced = await site.client.patch(url, headers={**headers, "If-Match": "*"}, json={"description": None})
    assert forced.status_code == 200
    assert (await site.client.delete(url, headers={**headers, "If-Match": etag})).status_code == 412
    gone = await site.client.delete(url, headers={**headers, "If-Match": forced.headers["etag"]})
    assert gone.status_code == 204
    assert (await site.client.get(url, headers=headers)).status_code == 404
    await site.work()
    assert await blob_keys(site) == []


async def test_an_unchanged_representation_is_304(site: Site) -> None:
    headers = await site.sign_up("sakura")
    made = await site.published(headers)
    for url in (
        f"{MECHANISMS}/{made['id']}",
        MECHANISMS,
        f"{API}/categories",
        f"{API}/search/mechanisms?q=歯車",
    ):
        first = await site.client.get(url)
        again = await site.client.get(url, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), url


async def test_no_cached_response_outlives_a_change(site: Site) -> None:
    headers = await site.sign_up("sakura")
    made = await site.published(headers)
    url = f"{MECHANISMS}/{made['id']}"
    assert (await site.client.get(url)).status_code == 200
    assert (await site.client.get(MECHANISMS)).json()["total"] == 1
    await site.client.post(f"{url}/withdraw", headers=headers)
    assert (await site.client.get(url)).status_code == 404
    assert (await site.client.get(MECHANISMS)).json()["total"] == 0
    assert (await site.client.get(f"{API}/search/mechanisms?q=歯車")).json()["items"] == []


async def test_the_same_request_under_one_key_takes_effect_once(site: Site) -> None:
    headers = {**await site.sign_up("sakura"), "Idempotency-Key": "k-1"}
    responses = [await site.client.post(MECHANISMS, headers=headers, **form()) for _ in range(3)]
    assert {response.status_code for response in responses} == {202}
    assert len({response.content for response in responses}) == 1
    assert [response.headers.get("idempotent-replayed") for response in responses] == [None, "true", "true"]
    assert len(await blob_keys(site)) == 1
    other = await site.client.post(MECHANISMS, headers=headers, **form(description="other"))
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")


async def test_the_same_request_at_the_same_time_takes_effect_once(site: Site) -> None:
    headers = {**await site.sign_up("sakura"), "Idempotency-Key": "k-1"}
    responses = await asyncio.gather(
        *(site.client.post(MECHANISMS, headers=headers, json=ELSEWHERE) for _ in range(8))
    )
    assert len({response.json()["id"] for response in responses}) == 1


async def test_lists_can_be_read_by_page_and_by_cursor(site: Site) -> None:
    headers = await site.sign_up("sakura")
    for number in range(5):
        made = await site.client.post(MECHANISMS, headers=headers, json={**ELSEWHERE, "title": f"t{number}"})
        await site.client.post(f"{MECHANISMS}/{made.json()['id']}/publish", headers=headers)
    by_page = [(await site.client.get(f"{MECHANISMS}?limit=2&page={page}")).json() for page in (1, 2, 3)]
    url, by_cursor = f"{MECHANISMS}?limit=2", []
    while url:
        response = await site.client.get(url)
        by_cursor.append(response.json())
        url = response.links["next"]["url"] if response.links else ""
    assert by_page == by_cursor
    titles = [item["title"] for page in by_page for item in page["items"]]
    assert titles == ["t4", "t3", "t2", "t1", "t0"]
    assert {(page["total"], page["limit"], page["total_is_exact"]) for page in by_page} == {(5, 2, True)}
    oldest = (await site.client.get(f"{MECHANISMS}?sort=created_at")).json()["items"]
    assert [item["title"] for item in oldest] == titles[::-1]


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=x",
        "page=1000000000000000000",
        "page=5000&limit=100",
        "page=" + "9" * 400,
        "limit=0",
        "limit=101",
        "sort=no-such",
        "cursor=x",
        "cursor=bnVsbA",
        "cursor=WyIiLDEsMSwieCJd",
        "cursor=" + "A" * 3_000,
    ],
)
async def test_a_bad_page_is_refused_and_the_field_named(site: Site, query: str) -> None:
    response = await site.client.get(f"{MECHANISMS}?{query}")
    assert response.status_code == 400
    assert response.json()["details"][0]["field"] == query.partition("=")[0]


async def test_page_numbers_beyond_ten_thousand_items_refer_to_the_next_link(site: Site) -> None:
    deepest = await site.client.get(f"{MECHANISMS}?page=101&limit=100")
    beyond = await site.client.get(f"{MECHANISMS}?page=102&limit=100")
    assert (deepest.status_code, beyond.status_code) == (200, 400)
    assert "follow 'next'" in str(beyond.json()["details"])


async def test_a_cached_response_serves_no_other_query(site: Site) -> None:
    shared = await site.published(await site.sign_up("sakura"), "gear")
    questions = (
        MECHANISMS,
        f"{MECHANISMS}?page=1",
        f"{API}/search/mechanisms?q=gear",
        f"{API}/search/mechanisms",
    )
    for url in questions:
        together = f"{url}{'&' if '?' in url else '?'}user_id=None"
        assert (await site.client.get(together)).json()["total"] == 0

        found = (await site.client.get(url)).json()

        assert found["total"] == 1
        assert shared["id"] in str(found["items"])
    confused = await site.client.get(f"{API}/search/mechanisms", params={"q": "gear|[]|None|relevance|1|20"})
    assert confused.json()["total"] == 0


async def test_users_see_no_drafts_but_their_own(site: Site) -> None:
    mine, other = await site.sign_up("sakura"), await site.sign_up("kaede")
    draft = await site.share(mine)
    url = f"{API}/users/{site.ids['sakura']}/mechanisms"
    assert [item["id"] for item in (await site.client.get(url, headers=mine)).json()["items"]] == [
        draft["id"]
    ]
    for headers in (other, {}):
        assert (await site.client.get(url, headers=headers)).json()["total"] == 0
        narrowed = await site.client.get(
            f"{API}/search/mechanisms", params={"user_id": site.ids["sakura"]}, headers=headers
        )
        assert narrowed.json()["total"] == 0
        assert narrowed.json()["facets"] == {}


async def test_a_moderator_withdraws_with_a_reason_and_only_a_moderator_lifts_it(site: Site) -> None:
    owner, moderator = await site.sign_up("sakura"), await site.sign_up("boss", Role.MODERATOR)
    made = await site.published(owner)
    url = f"{MECHANISMS}/{made['id']}"
    without = await site.client.post(f"{url}/withdraw", headers=moderator)
    assert (without.status_code, without.json()["details"][0]["field"]) == (422, "reason")
    withdrawn = await site.client.post(f"{url}/withdraw", headers=moderator, json={"reason": "重複"})
    assert withdrawn.json()["withdrawn_reason"] == "重複"
    refused = await site.client.post(f"{url}/publish", headers=owner)
    assert (refused.status_code, refused.json()["code"]) == (403, "WITHDRAWN_BY_MODERATOR")
    lifted = await site.client.post(f"{url}/publish", headers=moderator)
    assert lifted.json()["is_published"]


async def test_processing_is_described_in_words_and_can_be_watched(site: Site) -> None:
    headers = await site.sign_up("sakura")
    made = await site.share(headers)
    url = f"{MECHANISMS}/{made['id']}/processing"
    assert (await site.client.get(url, headers=headers)).json()["state"] == "pending"
    on_retry = await site.client.post(f"{url}/retry", headers=headers)
    assert (on_retry.status_code, on_retry.json()["code"]) == (409, "NOTHING_TO_RETRY")
    await site.work()
    watched = await site.client.get(f"{url}/events", headers=headers)
    assert watched.headers["content-type"].startswith("text/event-stream")
    assert "event: processing" in watched.text
    assert '"state":"ready"' in watched.text


async def test_a_failure_is_explained_in_the_requested_language_and_can_be_retried(site: Site) -> None:
    headers = await site.sign_up("sakura")
    made = await site.share(headers)
    async with site.adapters.database.read() as tx:
        (job,) = [
            j for j in (await tx.jobs.find_all(PageRequest())).items if j.kind == "process_mechanism_file"
        ]
    await site.application.jobs.cancel(job.id)
    url = f"{MECHANISMS}/{made['id']}/processing"
    shown = (await site.client.get(url, headers={**headers, "Accept-Language": "ja"})).json()
    assert (shown["state"], shown["reason"]["code"]) == ("failed", "cancelled")
    assert "再試行" in shown["reason"]["message"]
    assert shown["deletion_due_at"] is not None
    assert (await site.client.post(f"{url}/retry", headers=headers)).status_code == 202
    await site.work()
    assert (await site.client.get(url, headers=headers)).json()["state"] == "ready"


async def test_an_author_states_the_reliability_changes_and_removes_it(site: Site) -> None:
    headers = await site.sign_up("sakura")
    fields = {"reliability_level": "2", "reliability_reason": "Measured once at 20 °C."}
    made = await site.client.post(MECHANISMS, headers=headers, **form(**fields))
    assert made.json()["reliability"] == {"level": 2, "reason": "Measured once at 20 °C."}
    path, match = f"{MECHANISMS}/{made.json()['id']}", {**headers, "If-Match": "*"}

    stated = {"level": 5, "reason": "機械工学便覧"}
    changed = await site.client.patch(path, headers=match, json={"reliability": stated})
    assert changed.json()["reliability"] == stated
    untouched = await site.client.patch(path, headers=match, json={"title": "新"})
    assert untouched.json()["reliability"] == stated
    removed = await site.client.patch(path, headers=match, json={"reliability": None})
    assert removed.json()["reliability"] is None


@pytest.mark.parametrize(
    "stated", [{"level": 0, "reason": "x"}, {"level": 6, "reason": "x"}, {"level": 3, "reason": " "}]
)
async def test_a_reliability_needs_a_level_of_the_scale_and_a_reason(
    site: Site, stated: dict[str, Any]
) -> None:
    headers = await site.sign_up("sakura")
    refused = await site.client.post(MECHANISMS, headers=headers, json={**ELSEWHERE, "reliability": stated})
    assert (refused.status_code, refused.json()["code"]) == (422, "INVALID_FIELD")

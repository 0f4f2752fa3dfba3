"""The list of one's own mechanisms, and changes of several at once."""

import re
from dataclasses import replace
from typing import Any

import httpx
import pytest

from mechshare.domain.media import FailureCode, ProcessingFailure
from mechshare.domain.users import Role
from mechshare.entrypoints.web.pages.my_mechanisms import PAGE_SIZE
from tests.http.conftest import API, Site
from tests.web.reading import OPEN, SUBMIT

SOME_ID = "01900000-0000-7000-8000-0000000000ff"


async def opened(site: Site, path: str, headers: dict[str, str], **more: str) -> httpx.Response:
    return await site.client.get(path, headers={**OPEN, **headers, **more})


async def submitted(site: Site, path: str, headers: dict[str, str], fields: dict[str, Any]) -> httpx.Response:
    return await site.client.post(path, headers={**SUBMIT, **headers}, data=fields)


def states(page: str) -> dict[str, str]:
    """Returns the state of each listed mechanism by its identifier."""
    return dict(re.findall(r'data-id="([\w-]+)" data-state="(\w+)"', page))


@pytest.fixture
async def mika(site: Site) -> dict[str, str]:
    return await site.sign_up("mika")


async def test_an_empty_list_leads_to_the_upload(site: Site, mika: dict[str, str]) -> None:
    response = await opened(site, "/my", mika)
    assert response.status_code == 200
    assert "Upload your first file" in response.text


async def test_a_guest_is_sent_to_the_sign_in_page(site: Site) -> None:
    assert (await opened(site, "/my", {})).headers["location"] == "/sign-in?next=/my"


async def withdrawn_by_moderator(site: Site, headers: dict[str, str]) -> dict[str, Any]:
    made = await site.published(headers, "withdrawn")
    moderator = await site.sign_up("mod", Role.MODERATOR)
    path = f"{API}/mechanisms/{made['id']}/withdraw"
    response = await site.client.post(path, headers=moderator, json={"reason": "It shows a <person>."})
    assert response.status_code == 200
    return made


async def test_the_list_shows_each_state_and_filters_by_it(site: Site, mika: dict[str, str]) -> None:
    withdrawn = await withdrawn_by_moderator(site, mika)
    public = await site.published(mika, "public")
    draft = await site.ready(mika, "draft")
    of_another = await site.ready(await site.sign_up("other"), "of another")
    processing = await site.share(mika, "processing")
    expected = {
        withdrawn["id"]: "withdrawn",
        public["id"]: "public",
        draft["id"]: "draft",
        processing["id"]: "processing",
    }
    page = await opened(site, "/my", mika)
    assert states(page.text) == expected
    assert of_another["id"] not in page.text
    assert "It shows a &lt;person&gt;." in page.text
    for id, state in expected.items():
        shown = states((await opened(site, f"/my?state={state}", mika)).text)
        assert shown == {one: kind for one, kind in expected.items() if kind == state}
        assert id in shown
    assert "There is no mechanism in this state." in (await opened(site, "/my?state=failed", mika)).text


async def test_more_leads_through_all_pages(open_site: Any) -> None:
    site = await open_site(unfinished_clips_per_user=0)
    mika = await site.sign_up("mika")
    made = [(await site.share(mika, f"n{number}"))["id"] for number in range(PAGE_SIZE + 2)]
    first = await opened(site, "/my?state=processing", mika)
    assert list(states(first.text)) == made[:1:-1]
    (more,) = re.findall(r'data-role="more" href="([^"]+)"', first.text)
    second = await opened(site, more.replace("&amp;", "&"), mika)
    assert list(states(second.text)) == made[1::-1]
    assert 'data-role="more"' not in second.text


async def test_several_are_published_withdrawn_and_deleted_at_once(site: Site, mika: dict[str, str]) -> None:
    ids = [(await site.ready(mika, f"n{number}"))["id"] for number in range(2)]
    published = await submitted(site, "/my", mika, {"action": "publish", "id": ids})
    assert published.headers["location"] == "/my?done=publish&count=2"
    page = await opened(site, published.headers["location"], mika)
    assert "2 mechanisms are public now." in page.text
    assert set(states(page.text).values()) == {"public"}
    japanese = await opened(site, published.headers["location"], mika, **{"Accept-Language": "ja"})
    assert "2 件の機構を公開しました。" in japanese.text

    withdrawn = await submitted(site, "/my", mika, {"action": "withdraw", "id": ids[:1], "state": "public"})
    assert withdrawn.headers["location"] == "/my?state=public&done=withdraw&count=1"
    assert states((await opened(site, "/my", mika)).text) == {ids[1]: "public", ids[0]: "draft"}

    question = await submitted(site, "/my", mika, {"action": "delete", "id": ids})
    assert question.status_code == 200
    assert "Delete 2 mechanisms?" in question.text
    assert len(states((await opened(site, "/my", mika)).text)) == 2
    deleted = await submitted(site, "/my/delete", mika, {"id": ids})
    assert deleted.headers["location"] == "/my?done=delete&count=2"
    assert states((await opened(site, "/my", mika)).text) == {}


async def test_each_result_is_shown_if_some_changes_are_refused(site: Site, mika: dict[str, str]) -> None:
    withdrawn = await withdrawn_by_moderator(site, mika)
    draft = await site.ready(mika, "draft")
    response = await submitted(site, "/my", mika, {"action": "publish", "id": [withdrawn["id"], draft["id"]]})
    assert response.status_code == 403
    assert "withdrawn: A moderator withdrew this mechanism" in response.text
    assert "draft: done" in response.text
    assert states(response.text)[draft["id"]] == "public"


async def test_mechanisms_of_others_are_refused(site: Site, mika: dict[str, str]) -> None:
    of_another = await site.published(await site.sign_up("other"), "of another")
    for action in ("withdraw", "publish"):
        response = await submitted(site, "/my", mika, {"action": action, "id": of_another["id"]})
        assert response.status_code == 403
    assert (await submitted(site, "/my/delete", mika, {"id": of_another["id"]})).status_code == 403
    found = await site.client.get(f"{API}/mechanisms/{of_another['id']}")
    assert found.json()["is_published"] is True


async def test_a_form_without_a_chosen_mechanism_says_so(site: Site, mika: dict[str, str]) -> None:
    await site.ready(mika)
    response = await submitted(site, "/my", mika, {"action": "publish"})
    assert response.status_code == 422
    assert "Choose at least one mechanism." in response.text
    assert (await submitted(site, "/my", mika, {"action": "paint", "id": SOME_ID})).status_code == 400


async def test_a_retry_without_a_failure_is_refused_with_a_message(site: Site, mika: dict[str, str]) -> None:
    made = await site.ready(mika)
    response = await submitted(site, "/my/retry", mika, {"retry": made["id"]})
    assert response.status_code == 409
    assert "Only processing that failed can be retried" in response.text


async def test_the_owner_reads_when_a_failed_file_is_deleted_and_that_it_was(
    site: Site, mika: dict[str, str]
) -> None:
    made = await site.share(mika, "failed")
    async with site.adapters.database.begin() as tx:
        stored = await tx.mechanisms.find_by_id(made["id"])
        failure = ProcessingFailure(code=FailureCode.UNREADABLE)
        failed = (await tx.mechanisms.save(stored.processing_failed(failure, stored.updated_at))).mechanism
    paths = ("/my", f"/m/{made['id']}", f"/m/{made['id']}/edit")
    for path in paths:
        assert "Until then you can try again." in (await opened(site, path, mika)).text
    assert "/my/retry" in (await opened(site, "/my", mika)).text

    async with site.adapters.database.begin() as tx:
        await tx.mechanisms.save(replace(failed, original=None))
    for path in paths:
        shown = (await opened(site, path, mika)).text
        assert "The file was deleted, because its processing failed long ago." in shown, path
        assert "Until then you can try again." not in shown
    assert "/my/retry" not in (await opened(site, "/my", mika)).text
    refused = await submitted(site, "/my/retry", mika, {"retry": made["id"]})
    assert (refused.status_code, "The file was deleted, because" in refused.text) == (409, True)


async def test_a_draft_names_what_moves_much_alike(site: Site, mika: dict[str, str]) -> None:
    await site.published(await site.sign_up("rei"), "the same of another")
    await site.ready(mika, "draft")
    listed = (await opened(site, "/my", mika)).text
    assert "Moves much like:" in listed
    assert "the same of another" in listed

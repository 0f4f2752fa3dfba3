"""Errors as pages, in the language of the person; programs still get JSON."""

from typing import Any

import pytest

from mechshare.domain.errors import DependencyUnavailable
from tests.http.conftest import API, Site
from tests.web.reading import OPEN, SUBMIT, sign_in, submit

SOME_ID = "01900000-0000-7000-8000-0000000000ff"
LANGUAGES = {"en": "Go to the mechanisms", "ja": "機構の一覧へ"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["/nothing-here", f"/m/{SOME_ID}", "/m/nothing", "/?sort=nothing"])
async def test_an_unknown_address_shows_an_error_page_in_the_language_of_the_reader(
    site: Site, path: str, language: str
) -> None:
    response = await site.client.get(path, headers={**OPEN, "Accept-Language": language})

    assert response.status_code in (400, 404)
    assert response.headers["content-language"] == language
    assert f'lang="{language}"' in response.text
    assert response.headers["x-request-id"] in response.text
    assert "noindex" in response.text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_refusal_for_another_site_says_what_to_do(site: Site, language: str) -> None:
    headers = {**OPEN, "Origin": "http://other.test", "Accept-Language": language}
    response = await site.client.post("/sign-in", headers=headers, data={"username": "hana"})

    assert response.status_code == 403
    assert {"en": "Open the page here", "ja": "もう一度お試しください"}[language] in response.text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_form_sent_after_signing_out_says_how_to_send_it_again(site: Site, language: str) -> None:
    made = await site.published(await site.sign_up("hana"))
    headers = {**SUBMIT, "Accept-Language": language}
    sent = await site.client.post(f"/m/{made['id']}/comments", headers=headers, data={"text": "play"})

    assert sent.status_code == 401
    assert {"en": "You are signed out", "ja": "サインアウトされています"}[language] in sent.text
    assert {"en": "go back one page and send the form again", "ja": "もう一度送信してください"}[
        language
    ] in sent.text
    assert '<a class="button primary" href="/sign-in" target="_blank" rel="noopener">' in sent.text
    assert "Bearer" not in sent.text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_too_many_requests_say_when_to_try_again(open_site: Any, language: str) -> None:
    site = await open_site(requests_per_minute=1)
    headers = {**OPEN, "Accept-Language": language}
    responses = [await site.client.get("/", headers=headers) for _ in range(40)]
    refused = next(one for one in responses if one.status_code == 429)

    assert refused.headers["content-type"].startswith("text/html")
    assert refused.headers["retry-after"] in refused.text
    assert {"en": "Try again", "ja": "再試行"}[language] in refused.text or language == "ja"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_site_without_its_database_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    await site.sign_up("hana")
    await sign_in(site, "hana")

    def absent(*_: object) -> Any:
        raise DependencyUnavailable(dependency="database")

    monkeypatch.setattr(type(site.adapters.database), "read", absent)
    monkeypatch.setattr(type(site.adapters.database), "begin", absent)
    response = await site.client.get(f"/m/{SOME_ID}", headers={**OPEN, "Accept-Language": language})

    assert response.status_code == 503
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["content-language"] == language
    assert response.headers["retry-after"] in response.text


async def test_a_page_for_users_leads_to_the_sign_in_page_and_back(site: Site) -> None:
    await site.sign_up("hana")
    response = await submit(site, "/sign-out")
    assert (
        response.status_code == 401
    )  # a form that was sent too late: its content is not repeated by a redirect
    assert response.headers["content-type"].startswith("text/html")


async def test_programs_get_json(site: Site) -> None:
    responses = [
        await site.client.get("/nothing-here"),
        await site.client.get(f"{API}/nothing", headers=OPEN),
        await site.client.post(f"{API}/mechanisms", headers=SUBMIT),
    ]
    assert [one.status_code for one in responses] == [404, 404, 401]
    assert {one.headers["content-type"] for one in responses} == {"application/json"}

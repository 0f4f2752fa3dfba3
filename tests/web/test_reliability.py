"""The reliability of a mechanism on pages."""

from tests.http.conftest import Site
from tests.web.test_my_mechanisms import opened, submitted

FIELDS = {"title": "歯車", "description": "", "version": "0"}


async def test_the_level_and_its_reason_are_shown_where_the_mechanism_is(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika, "歯車", reliability_level="4", reliability_reason="量産で<10年>使用")
    watched = (await opened(site, f"/m/{made['id']}", {})).text
    assert "Reliability 4 of 5: Established, customers included" in " ".join(watched.split())
    assert "量産で&lt;10年&gt;使用" in watched
    listed = await opened(site, "/", {}, **{"Accept-Language": "ja"})
    assert "信頼度 4/5" in listed.text
    assert "顧客含めて定番認識化" in listed.text


async def test_the_owner_edits_and_removes_it_in_the_form(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.ready(mika, "歯車")
    path = f"/m/{made['id']}/edit"
    digest = (await opened(site, path, mika)).text.partition('name="digest" value="')[2][:64]
    incomplete = await submitted(site, path, mika, {**FIELDS, "digest": digest, "reliability_level": "3"})
    assert incomplete.status_code == 422
    assert 'id="reliability_reason-notes"' in incomplete.text
    stated = {"reliability_level": "3", "reliability_reason": "三人で確認"}
    assert (await submitted(site, path, mika, {**FIELDS, "digest": digest, **stated})).status_code == 303
    form = (await opened(site, path, mika)).text
    assert '<option value="3" selected>' in form
    digest = form.partition('name="digest" value="')[2][:64]
    assert (await submitted(site, path, mika, {**FIELDS, "digest": digest})).status_code == 303
    watched = " ".join((await opened(site, f"/m/{made['id']}", mika)).text.split())
    assert "Reliability not stated" in watched
    history = watched.partition("History of the level")[2]
    assert history.index("Reliability not stated") < history.index("三人で確認")

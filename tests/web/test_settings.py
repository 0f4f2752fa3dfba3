"""The pages on which users change their own account, and their profile."""

from dataclasses import replace
from datetime import timedelta

from tests.http.conftest import API, PASSWORD, Site
from tests.web.visitors import Visitor, error_at, version_in, visitor

NEW_PASSWORD = "slider-crank linkage"


async def test_a_saved_profile_shows_on_the_public_page_and_a_notice_never_shows_the_address(
    site: Site,
) -> None:
    mika = await visitor(site, "mika")
    fields = {
        "display_name": "佐倉 <b>",
        "bio": "歯車\r\nとカム",
        "version": version_in(await mika.open("/settings")),
    }
    saved = await mika.submit("/settings/profile", **fields)
    assert (saved.status_code, saved.headers["location"]) == (303, "/settings?saved=profile")
    assert "Your profile is saved." in (await mika.open(saved.headers["location"])).text
    assert 'class="notice' not in (await mika.open("/settings?saved=pwned")).text
    profile = await Visitor(site).open(f"/u/{site.ids['mika']}")
    assert "佐倉 &lt;b&gt;" in profile.text
    assert "歯車\nとカム" in profile.text


async def test_a_refused_profile_shows_the_message_at_its_field_and_what_was_typed(site: Site) -> None:
    mika = await visitor(site, "mika")
    fields = {"display_name": " ", "bio": "typed", "version": version_in(await mika.open("/settings"))}
    refused = await mika.submit("/settings/profile", **fields)
    assert refused.status_code == 422
    assert error_at(refused, "display_name")
    assert ">typed</textarea>" in refused.text


async def test_a_profile_that_changed_meanwhile_is_not_overwritten(site: Site) -> None:
    mika = await visitor(site, "mika")
    first = version_in(await mika.open("/settings"))
    await mika.submit("/settings/profile", display_name="first", bio="", version=first)
    refused = await mika.submit("/settings/profile", display_name="second", bio="", version=first)
    assert refused.status_code == 412
    assert 'value="second"' in refused.text
    assert (await site.client.get(f"{API}/users/{site.ids['mika']}")).json()["display_name"] == "first"


async def test_a_new_password_replaces_the_old_one_and_ends_other_sessions(site: Site) -> None:
    mika = await visitor(site, "mika")
    elsewhere = await Visitor(site).sign_in("mika")
    changed = await mika.submit("/settings/password", old_password=PASSWORD, new_password=NEW_PASSWORD)
    assert changed.headers["location"] == "/settings?saved=password"
    assert (await elsewhere.open("/settings")).status_code == 303
    assert (await mika.open("/settings")).status_code == 200
    await Visitor(site).sign_in("mika", NEW_PASSWORD)


async def test_refused_passwords_say_why_at_their_field_and_are_never_in_the_page(site: Site) -> None:
    mika = await visitor(site, "mika", language="ja")
    wrong = await mika.submit("/settings/password", old_password="not mine!", new_password=NEW_PASSWORD)
    assert (wrong.status_code, error_at(wrong, "old_password")) == (422, "現在のパスワードと一致しません。")
    short = await mika.submit("/settings/password", old_password=PASSWORD, new_password="xk7")
    assert (short.status_code, error_at(short, "new_password")) == (422, "8〜200 文字で入力してください。")
    for page in (wrong, short):
        assert not any(typed in page.text for typed in ("not mine!", NEW_PASSWORD, PASSWORD, "xk7"))


async def test_sessions_name_the_device_and_the_other_ones_can_be_ended(site: Site) -> None:
    mika = await visitor(site, "mika")
    page = await mika.open("/settings")
    assert page.text.count("Firefox on Windows") == 1
    assert page.text.count("This session") == 1
    end = page.text.partition('action="/settings/sessions/')[2].partition('"')[0]
    ended = await mika.submit(f"/settings/sessions/{end}")
    assert ended.headers["location"] == "/settings?saved=session"
    assert (await site.client.get(f"{API}/users/me", headers=site.tokens["mika"])).status_code == 401


async def test_all_other_sessions_end_together(site: Site) -> None:
    mika = await visitor(site, "mika")
    others = [await Visitor(site).sign_in("mika") for _ in range(2)]
    await mika.submit("/settings/end-other-sessions")
    assert [(await one.open("/settings")).status_code for one in (*others, mika)] == [303, 303, 200]


async def test_deleting_the_account_needs_its_user_name_and_deletes_everything(site: Site) -> None:
    mika = await visitor(site, "mika")
    made = await site.published(site.tokens["mika"])
    refused = await mika.submit("/settings/delete-account", username="nika")
    assert (refused.status_code, "mika" in error_at(refused, "username")) == (422, True)
    gone = await mika.submit("/settings/delete-account", username=" Mika ")
    assert (gone.status_code, gone.headers["location"]) == (303, "/")
    assert not mika.browser.cookies.get("mechshare_access")
    pages = [f"/u/{site.ids['mika']}", f"/m/{made['id']}"]
    assert [(await mika.open(path)).status_code for path in pages] == [404, 404]
    assert (await mika.open("/settings")).headers["location"] == "/sign-in?next=/settings"


async def test_a_profile_lists_public_mechanisms_only_page_by_page(site: Site) -> None:
    mika = await visitor(site, "mika")
    made = await site.ready(site.tokens["mika"], "a secret draft")
    async with site.adapters.database.begin() as tx:
        draft = await tx.mechanisms.find_by_id(made["id"])
        assert draft
        later = [
            replace(draft, title=f"gear {n}.", created_at=draft.created_at + timedelta(n)) for n in range(21)
        ]
        ids = [site.adapters.ids.new_id() for _ in later]
        pages = zip(ids, later, strict=True)
        await tx.mechanisms.add([replace(one, id=id, is_published=True, version=0) for id, one in pages])
    first = await mika.open(f"/u/{site.ids['mika']}")
    assert "a secret draft" not in first.text
    assert "gear 20." in first.text
    assert "gear 0." not in first.text
    more = first.text.partition('rel="next" href="')[2].partition('"')[0]
    second = await mika.open(more)
    assert "gear 0." in second.text
    assert "gear 20." not in second.text
    assert 'rel="next"' not in second.text


async def test_only_ones_own_profile_links_to_the_settings(site: Site) -> None:
    mika, other = await visitor(site, "mika"), await visitor(site, "other")
    path = f"/u/{site.ids['mika']}"
    links = [(await one.open(path)).text.count('href="/settings"') for one in (mika, other, Visitor(site))]
    assert links == [2, 1, 0]  # the menu has one, too


async def test_a_file_of_ones_data_is_made_and_downloaded(site: Site) -> None:
    mika = await visitor(site, "mika")
    response = await mika.submit("/settings/export")
    assert response.headers["location"] == "/settings?saved=export"
    assert "/settings/export.zip" not in (await mika.open("/settings")).text
    await site.work()
    assert "/settings/export.zip" in (await mika.open("/settings")).text
    assert (await mika.open("/settings/export.zip")).headers["content-type"] == "application/zip"

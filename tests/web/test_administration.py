"""Moderation and administration by the pages."""

from mechshare.domain.jobs import JobState
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import Role
from tests.http.conftest import API, Site
from tests.web.visitors import Visitor, error_at, version_in, visitor


async def test_a_moderator_withdraws_for_a_reason_and_reinstates(site: Site) -> None:
    await site.sign_up("mika")
    made = await site.published(site.tokens["mika"], "ratchet")
    mori = await visitor(site, "mori", Role.MODERATOR)
    case, page = f"/moderation/{made['id']}", f"/m/{made['id']}"
    assert f'href="{case}"' in (await mori.open("/moderation")).text

    refused = await mori.submit(f"{case}/withdraw", reason=" ")
    assert refused.status_code == 422
    assert error_at(refused, "reason")
    withdrawn = await mori.submit(f"{case}/withdraw", reason="a duplicate")
    assert withdrawn.headers["location"] == f"{case}?saved=withdrawn"
    assert (await Visitor(site).open(page)).status_code == 404
    assert "a duplicate" in (await mori.open(case)).text

    await mori.submit(f"{case}/reinstate")
    assert (await Visitor(site).open(page)).status_code == 200


async def test_a_mechanism_is_found_by_its_address_or_id(site: Site) -> None:
    mori = await visitor(site, "mori", Role.MODERATOR)
    made = await site.published(site.tokens["mori"])
    for text in (made["id"], f"https://mechshare.example/m/{made['id']}?t=1"):
        found = await mori.browser.get("/moderation", params={"find": text})
        assert found.headers["location"] == f"/moderation/{made['id']}"
    assert error_at(await mori.open("/moderation?find=gears"), "find")


async def test_moderators_do_not_find_a_private_mechanism(site: Site) -> None:
    await site.sign_up("mika")
    mori = await visitor(site, "mori", Role.MODERATOR)
    draft = await site.ready(site.tokens["mika"])
    for response in (
        await mori.open(f"/moderation/{draft['id']}"),
        await mori.submit(f"/moderation/{draft['id']}/withdraw", reason="r"),
        await mori.open("/moderation/x"),
    ):
        assert response.status_code == 404


async def test_an_admin_changes_role_quota_and_suspension(site: Site) -> None:
    await site.sign_up("mika")
    hana = await visitor(site, "hana", Role.ADMIN)
    path = f"/admin/users/{site.ids['mika']}"
    found = await hana.browser.get("/admin/users", params={"name": "MIKA"})
    assert found.headers["location"] == path
    for change in ({"role": "moderator"}, {"quota": "2 GB"}, {"suspended": "yes"}):
        version = version_in(await hana.open(path))
        changed = await hana.submit(path, version=version, **change)
        assert changed.headers["location"] == f"{path}?saved=user", changed.text
    page = (await hana.open(path)).text
    assert 'value="moderator" selected' in page
    assert 'value="2 GiB"' in page
    assert "suspended since" in page
    assert (await site.client.get(f"{API}/users/me", headers=site.tokens["mika"])).status_code == 401

    await hana.submit(path, version=version_in(await hana.open(path)), suspended="no")
    assert "suspended since" not in (await hana.open(path)).text


async def test_a_suspension_hides_the_public_mechanisms_if_the_box_is_checked(site: Site) -> None:
    shown = (await site.published(await site.sign_up("mika")))["id"]
    hana = await visitor(site, "hana", Role.ADMIN)
    path = f"/admin/users/{site.ids['mika']}"
    address = f"{API}/mechanisms/{shown}"
    for form, status in (
        ({"suspended": "yes"}, 200),
        ({"suspended": "no"}, 200),
        ({"suspended": "yes", "mechanisms": "hide"}, 404),
        ({"suspended": "no"}, 404),
        ({"suspended": "yes"}, 404),
        ({"suspended": "no", "mechanisms": "show"}, 200),
    ):
        await hana.submit(path, version=version_in(await hana.open(path)), **form)
        assert (await site.client.get(address)).status_code == status, form


async def test_refused_changes_of_an_account_say_why(site: Site) -> None:
    await site.sign_up("mika")
    hana = await visitor(site, "hana", Role.ADMIN)
    path = f"/admin/users/{site.ids['mika']}"
    version = version_in(await hana.open(path))
    assert "2 GB" in error_at(await hana.submit(path, version=version, quota="plenty"), "quota")
    assert error_at(await hana.submit(path, version=version, role="king"), "role")
    assert (await hana.submit(path, version="99", role="admin")).status_code == 412
    assert (await hana.submit(path, role="admin")).status_code == 400
    own = f"/admin/users/{site.ids['hana']}"
    assert "This is your own account." in (await hana.open(own)).text
    assert (await hana.submit(own, version="1", suspended="yes")).status_code == 409
    assert "No account has this" in (await hana.open("/admin/users?name=nobody")).text
    assert (await hana.open("/admin/users/x")).status_code == 404


async def test_a_quota_is_shown_as_it_can_be_typed(site: Site) -> None:
    await site.sign_up("mika")
    hana = await visitor(site, "hana", Role.ADMIN)
    path = f"/admin/users/{site.ids['mika']}"
    for typed, shown in (("5", "5"), ("0", "0"), ("1536k", "1536 KiB"), ("3 TB", "3072 GiB"), ("", "")):
        await hana.submit(path, version=version_in(await hana.open(path)), quota=typed)
        assert f'name="quota" type="text" value="{shown}"' in (await hana.open(path)).text


async def test_an_admin_creates_renames_and_deletes_categories(site: Site) -> None:
    hana = await visitor(site, "hana", Role.ADMIN)
    new = {"id": "latches", "name_en": "Latches", "name_ja": "ラッチ"}
    assert (await hana.submit("/admin/categories", **new)).headers["location"].endswith("saved=created")
    taken = await hana.submit("/admin/categories", **new)
    assert (taken.status_code, "in use" in error_at(taken, "id")) == (409, True)
    wrong = await hana.submit("/admin/categories", **{**new, "id": "掛け金", "name_en": ""})
    assert (wrong.status_code, error_at(wrong, "id") != "") == (422, True)

    path = "/admin/categories/latches"
    version = version_in(await hana.open(path))
    await hana.submit(path, version=version, name_en="Catches", name_ja="留め金")
    assert "留め金" in (await hana.open("/admin/categories")).text
    refused = await hana.submit(path, version=version_in(await hana.open(path)), name_en=" ", name_ja="x")
    assert error_at(refused, "name_en")
    assert (await hana.submit(f"{path}/delete", version=version)).status_code == 412
    gone = await hana.submit(f"{path}/delete", version=version_in(await hana.open(path)))
    assert gone.headers["location"] == "/admin/categories?saved=deleted"
    assert (await hana.open(path)).status_code == 404


async def test_a_category_in_use_is_not_deleted(site: Site) -> None:
    hana = await visitor(site, "hana", Role.ADMIN)
    await site.published(site.tokens["hana"], categories="gears")
    path = "/admin/categories/gears"
    refused = await hana.submit(f"{path}/delete", version=version_in(await hana.open(path)))
    assert refused.status_code == 409
    assert 'role="alert"' in refused.text


async def test_jobs_are_cancelled_and_retried_and_their_reasons_are_shown(site: Site) -> None:
    hana = await visitor(site, "hana", Role.ADMIN, language="ja")
    await site.share(site.tokens["hana"])
    jobs = await site.application.jobs.find_all(PageRequest(), JobState.QUEUED)
    (job,) = [job for job in jobs.items if job.owner == site.ids["hana"]]
    path = f"/admin/jobs/{job.id}"
    assert f'href="{path}"' in (await hana.open("/admin/jobs?state=queued")).text

    assert (await hana.submit(f"{path}/retry")).status_code == 409
    assert (await hana.submit(f"{path}/cancel")).headers["location"] == f"{path}?saved=cancelled"
    assert (await hana.submit(f"{path}/cancel")).status_code == 409
    again = await hana.submit(f"{path}/retry")
    assert again.headers["location"].endswith("?saved=retried")
    assert "もう一度実行待ちに入れました" in (await hana.open(again.headers["location"])).text
    await site.work()
    assert "完了" in (await hana.open(again.headers["location"])).text
    assert (await hana.open("/admin/jobs/x")).status_code == 404


async def test_health_shows_every_dependency_and_how_it_is(site: Site) -> None:
    hana = await visitor(site, "hana", Role.ADMIN, language="ja")
    page = await hana.open("/admin/health")
    reports = await site.application.doctor.examine()
    assert page.text.count('class="tag good">正常') == len(reports) + 1 + 1  # and isolation, and the server
    assert "データベース" in page.text


async def test_the_audit_log_is_listed_filtered_and_shown_in_both_languages(site: Site) -> None:
    ana = await site.sign_up("ana")
    draft = await site.ready(ana)
    hana = await visitor(site, "hana", Role.ADMIN)
    await hana.open(f"/m/{draft['id']}")
    page = (await hana.open(f"/admin/audit?action=draft_read&actor=hana&subject={draft['id']}")).text
    assert page.count(f'<code class="soft">{draft["id"]}</code>') == 1
    assert "draft of another user read" in page
    assert "There is no such entry." in (await hana.open("/admin/audit?actor=nobody")).text
    assert "There is no such entry." in (await hana.open("/admin/audit?day=2001-01-01")).text
    assert (await hana.open("/admin/audit?day=x&action=y")).status_code == 200


async def test_an_admin_gives_the_members_of_a_group_a_quota(site: Site) -> None:
    mika, hana = await visitor(site, "mika"), await visitor(site, "hana", Role.ADMIN)
    path = (await mika.submit("/groups", name="設計課")).headers["location"]
    assert "quota" not in (await mika.open(path)).text
    version = version_in(await hana.open(path))
    refused = await hana.submit(f"{path}/quota", quota="many", version=version)
    assert (refused.status_code, "500 MB or 2 GB" in error_at(refused, "quota")) == (422, True)
    changed = await hana.submit(f"{path}/quota", quota="2 GiB", version=version)
    assert changed.headers["location"] == f"{path}?saved=quota"
    assert 'value="2 GiB"' in (await hana.open(path)).text
    assert (await mika.submit(f"{path}/quota", quota="", version=version)).status_code == 403

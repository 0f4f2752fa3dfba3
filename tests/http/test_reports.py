"""Reports: anybody signed in reports, moderators decide, both sides read the decision."""

from typing import Any

import pytest

from mechshare.domain.users import Role
from tests.http.conftest import API, Site

REPORTS = f"{API}/reports"


@pytest.fixture
async def site(open_site: Any) -> Site:
    site: Site = await open_site()
    for name in ("mika", "ren"):
        await site.sign_up(name)
    await site.sign_up("moderator", Role.MODERATOR)
    return site


async def report(site: Site, name: str = "ren", **subject: str) -> Any:
    body = {"reason": "無断転載", **subject}
    return await site.client.post(REPORTS, headers=site.tokens[name], json=body)


async def decide(site: Site, made: Any, decision: str, name: str = "moderator") -> Any:
    body = {"decision": decision, "reason": "規約違反"}
    path = f"{REPORTS}/{made.json()['id']}/decide"
    return await site.client.post(path, headers=site.tokens[name], json=body)


async def read(site: Site, path: str, name: str) -> Any:
    return (await site.client.get(path, headers=site.tokens[name])).json()


async def test_a_reported_mechanism_is_withdrawn_and_both_sides_read_why(site: Site) -> None:
    mechanism = await site.published(site.tokens["mika"])
    made = await report(site, mechanism_id=mechanism["id"])
    assert made.status_code == 201
    (waiting,) = (await read(site, f"{REPORTS}/queue", "moderator"))["items"]
    assert (waiting["reason"], waiting["reporter_id"]) == ("無断転載", site.ids["ren"])
    assert (await decide(site, made, "withdraw")).status_code == 200
    assert (await site.client.get(f"{API}/mechanisms/{mechanism['id']}")).status_code == 404
    (reported,) = (await read(site, REPORTS, "ren"))["items"]
    assert (reported["decision"], reported["decision_reason"]) == ("withdraw", "規約違反")
    (shown,) = (await read(site, f"{REPORTS}/about-me", "mika"))["items"]
    assert (shown["decision"], shown["mechanism_id"]) == ("withdraw", mechanism["id"])
    assert not {"reporter_id", "reason"} & shown.keys()
    assert (await read(site, f"{API}/mechanisms/{mechanism['id']}", "mika"))["withdrawn_reason"] == "規約違反"
    assert (await read(site, f"{REPORTS}/queue", "moderator"))["items"] == []
    admin = await site.sign_up("admin", Role.ADMIN)
    log = (await site.client.get(f"{API}/audit?limit=50", headers=admin)).json()["items"]
    entries = {one["action"]: one for one in log}
    assert entries["reported"]["subject"] == mechanism["id"]
    assert entries["report_decided"]["detail"] == "withdraw: 規約違反"


async def test_a_blocked_user_makes_nothing_public_until_an_admin_lifts_it(site: Site) -> None:
    public, draft = await site.published(site.tokens["mika"]), await site.ready(site.tokens["mika"])
    other = await site.published(site.tokens["ren"])
    await decide(site, await report(site, user_id=site.ids["mika"]), "block")
    mika = {**site.tokens["mika"], "If-Match": "*"}
    claim = {"kind": "supports", "text": "x"}
    for method, path, body in (
        ("POST", "/mechanisms/from-url", {"title": "x", "file_url": "https://a.example/a.mp4"}),
        ("POST", f"/mechanisms/{draft['id']}/publish", None),
        ("PATCH", f"/mechanisms/{public['id']}", {"title": "spam"}),
        ("POST", f"/mechanisms/{other['id']}/claims", claim),
        ("POST", f"/mechanisms/{public['id']}/lineage", {"source": other["id"], "kind": "part_of"}),
        ("PUT", f"/mechanisms/{public['id']}/thumbnail", {"thumbnail_at": 0.1}),
    ):
        refused = await site.client.request(method, API + path, headers=mika, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "UNAUTHORIZED_OPERATION"), path
    file = {"file": ("a.step", b"ISO-10303-21;")}
    attachments = f"{API}/mechanisms/{public['id']}/attachments"
    assert (await site.client.post(attachments, headers=site.tokens["mika"], files=file)).status_code == 403
    assert (await site.client.get(f"{API}/mechanisms/{public['id']}")).status_code == 200
    admin = {**await site.sign_up("admin", Role.ADMIN), "If-Match": "*"}
    await site.client.patch(f"{API}/users/{site.ids['mika']}", headers=admin, json={"role": "user"})
    published = await site.client.post(f"{API}/mechanisms/{draft['id']}/publish", headers=mika)
    assert published.status_code == 200


async def test_hiding_withdraws_everything_that_the_user_made_public(site: Site) -> None:
    made = [await site.published(site.tokens["mika"], title) for title in ("gear", "cam")]
    await decide(site, await report(site, user_id=site.ids["mika"]), "hide")
    for one in made:
        assert (await site.client.get(f"{API}/mechanisms/{one['id']}")).status_code == 404
        assert (await read(site, f"{API}/mechanisms/{one['id']}", "mika"))["withdrawn_reason"] == "規約違反"


async def test_a_dismissed_report_changes_nothing_and_its_reporter_reads_the_decision(site: Site) -> None:
    mechanism = await site.published(site.tokens["mika"])
    made = await report(site, mechanism_id=mechanism["id"])
    assert (await decide(site, made, "dismiss")).status_code == 200
    assert (await site.client.get(f"{API}/mechanisms/{mechanism['id']}")).status_code == 200
    assert (await read(site, REPORTS, "ren"))["items"][0]["decision"] == "dismiss"
    assert (await decide(site, made, "block")).json()["code"] == "REPORT_DECIDED"


async def test_nobody_reports_themselves_twice_the_same_or_what_they_do_not_see(site: Site) -> None:
    draft = await site.ready(site.tokens["mika"])
    hidden, absent = await report(site, mechanism_id=draft["id"]), await report(site, user_id="nobody")
    assert (hidden.json()["code"], absent.json()["code"]) == ("MECHANISM_NOT_FOUND", "USER_NOT_FOUND")
    assert (await report(site, user_id=site.ids["ren"])).json()["code"] == "OWN_REPORT"
    assert (await report(site, user_id=site.ids["mika"])).status_code == 201
    assert (await report(site, user_id=site.ids["mika"])).json()["code"] == "ALREADY_REPORTED"
    for subject in ({}, {"user_id": site.ids["mika"], "mechanism_id": draft["id"]}):
        assert (await report(site, **subject)).status_code == 422
    assert (await report(site, "mika", user_id=site.ids["ren"], reason=" ")).status_code == 422


async def test_a_moderator_decides_neither_own_cases_nor_about_other_moderators(site: Site) -> None:
    own = await report(site, user_id=site.ids["moderator"])
    assert (await decide(site, own, "dismiss")).json()["code"] == "OWN_REPORT"
    await site.sign_up("second", Role.MODERATOR)
    assert (await decide(site, own, "block", "second")).json()["code"] == "NOT_MODERATABLE"
    assert (await decide(site, own, "withdraw", "second")).status_code == 422
    assert (await decide(site, own, "dismiss", "second")).status_code == 200


async def commented(site: Site, mechanism: Any, **body: str) -> str:
    path = f"{API}/mechanisms/{mechanism['id']}/comments"
    made = await site.client.post(path, headers=site.tokens["mika"], json={"text": "spam", **body})
    assert made.status_code == 201, made.text
    id: str = made.json()["id"]
    return id


async def test_a_reported_comment_is_deleted_and_both_sides_read_why(site: Site) -> None:
    mechanism = await site.published(site.tokens["ren"])
    comment = await commented(site, mechanism)
    made = await report(site, comment_id=comment)
    assert (made.status_code, made.json()["user_id"]) == (201, site.ids["mika"])
    assert (await report(site, comment_id=comment)).json()["code"] == "ALREADY_REPORTED"
    assert (await decide(site, made, "withdraw")).status_code == 422
    assert (await decide(site, made, "delete")).status_code == 200
    found = (await read(site, f"{API}/mechanisms/{mechanism['id']}/comments", "ren"))["items"]
    assert found == []
    for path, name in ((REPORTS, "ren"), (f"{REPORTS}/about-me", "mika")):
        (shown,) = (await read(site, path, name))["items"]
        assert (shown["decision"], shown["decision_reason"]) == ("delete", "規約違反")
        assert (shown["comment_id"], shown["mechanism_id"]) == (comment, mechanism["id"])
    admin = await site.sign_up("admin", Role.ADMIN)
    log = (await site.client.get(f"{API}/audit?limit=50", headers=admin)).json()["items"]
    entries = {one["action"]: one for one in log}
    assert entries["reported"]["subject"] == comment
    assert entries["comment_deleted"]["subject"] == mechanism["id"]
    assert entries["report_decided"]["detail"] == "delete: 規約違反"


async def test_a_comment_that_its_author_has_deleted_leaves_the_report_to_be_decided(site: Site) -> None:
    mechanism = await site.published(site.tokens["ren"])
    comment = await commented(site, mechanism)
    made = await report(site, comment_id=comment)
    path = f"{API}/mechanisms/{mechanism['id']}/comments/{comment}"
    assert (await site.client.delete(path, headers=site.tokens["mika"])).status_code == 204
    assert (await decide(site, made, "delete")).json()["decision"] == "delete"


async def test_nobody_reports_a_comment_that_is_their_own_or_that_they_do_not_see(site: Site) -> None:
    mechanism = await site.published(site.tokens["mika"])
    comment = await commented(site, mechanism)
    assert (await report(site, "mika", comment_id=comment)).json()["code"] == "OWN_REPORT"
    private = {**site.tokens["mika"], "If-Match": "*"}
    path = f"{API}/mechanisms/{mechanism['id']}/withdraw"
    assert (await site.client.post(path, headers=private)).status_code == 200
    hidden = await report(site, comment_id=comment)
    absent = await report(site, comment_id="nothing")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "COMMENT_NOT_FOUND")
    assert absent.json()["code"] == "COMMENT_NOT_FOUND"
    mistaken = await decide(site, await report(site, user_id=site.ids["mika"]), "delete")
    assert mistaken.status_code == 422

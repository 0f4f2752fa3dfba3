"""The pages of reports."""

import re

from mechshare.domain.users import Role
from tests.http.conftest import Site
from tests.web.visitors import error_at, visitor


async def test_a_report_goes_by_the_pages_from_the_reader_to_the_decision(site: Site) -> None:
    mika, ren = await visitor(site, "mika"), await visitor(site, "ren")
    moderator = await visitor(site, "moderator", Role.MODERATOR)
    made = await site.published(site.tokens["mika"], "copied gearbox")
    watched = (await ren.open(f"/m/{made['id']}")).text
    form = re.search(r'href="(/reports/new\?mechanism=[\w-]+)"', watched)
    assert form
    assert "/reports/new" not in (await mika.open(f"/m/{made['id']}")).text
    assert "copied gearbox" in (await ren.open(form[1])).text
    refused = await ren.submit("/reports/new", mechanism=made["id"], reason=" ")
    assert error_at(refused, "reason")
    sent = await ren.submit("/reports/new", mechanism=made["id"], reason="It is a copy.")
    assert sent.headers["location"] == "/reports?saved=reported"
    queue = (await moderator.open("/moderation/reports")).text
    path = re.search(r'action="(/moderation/reports/[\w-]+)"', queue)
    assert path
    assert "It is a copy." in queue
    decided = await moderator.submit(path[1], decision="withdraw", reason="Copied without asking.")
    assert decided.headers["location"] == "/moderation/reports?saved=decided"
    assert "No report waits" in (await moderator.open("/moderation/reports")).text
    for person in (mika, ren):
        assert "Copied without asking." in (await person.open("/reports")).text
    shown = (await mika.open("/reports")).text
    assert "It is a copy." not in shown
    assert "ren" not in re.sub(r"<[^>]+>", " ", shown).split()


async def test_a_user_is_reported_from_the_profile(site: Site) -> None:
    await site.sign_up("mika")
    ren = await visitor(site, "ren", language="ja")
    profile = (await ren.open(f"/u/{site.ids['mika']}")).text
    assert f"/reports/new?user={site.ids['mika']}" in profile
    await ren.submit("/reports/new", user=site.ids["mika"], reason="スパム")
    assert "判断待ち" in (await ren.open("/reports")).text


async def test_a_comment_is_reported_by_its_link_and_deleted_in_the_queue(site: Site) -> None:
    mika, ren = await visitor(site, "mika"), await visitor(site, "ren")
    moderator = await visitor(site, "moderator", Role.MODERATOR)
    made = await site.published(site.tokens["ren"], "gearbox")
    await mika.submit(f"/m/{made['id']}/comments", text="Buy **gears** cheaply")
    link = re.search(r'href="(/reports/new\?comment=[\w-]+)"', (await ren.open(f"/m/{made['id']}")).text)
    assert link
    assert "/reports/new?comment" not in (await mika.open(f"/m/{made['id']}")).text
    assert "Buy <strong>gears</strong>" in (await ren.open(link[1])).text
    sent = await ren.submit("/reports/new", comment=link[1].partition("=")[2], reason="It is spam.")
    assert sent.headers["location"] == "/reports?saved=reported"
    queue = (await moderator.open("/moderation/reports")).text
    assert "Buy <strong>gears</strong>" in queue
    path = re.search(r'action="(/moderation/reports/[\w-]+)"', queue)
    assert path
    await moderator.submit(path[1], decision="delete", reason="No advertisements.")
    assert "Buy" not in (await ren.open(f"/m/{made['id']}")).text
    for person in (mika, ren):
        shown = (await person.open("/reports")).text
        assert "the comment is deleted" in shown
        assert "No advertisements." in shown

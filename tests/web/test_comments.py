"""Comments on the pages."""

import re
from datetime import timedelta
from html import escape
from typing import Any

from mechshare.adapters.clock.frozen import FrozenClock
from tests.http.conftest import API, Site
from tests.web.visitors import visitor

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt&#58;alert(1))",
    "[a](data:text/html,<script>alert(1)</script>)",
    '[a](http://a.example"onmouseover=alert(1))',
    "[a](http://a.example 'x\" onmouseover=\"alert(1)')",
    "<javascript:alert(1)>",
    '<http://a.example/"onmouseover=alert(1)>',
    '![a](x" onerror="alert(1))',
    '```"><script>alert(1)</script>\nx\n```',
    "`</code><script>alert(1)</script>`",
    "[a]: javascript:alert(1)\n\n[a]",
    "<svg/onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "</textarea><script>alert(1)</script>",
    "<!--><script>alert(1)</script>-->",
)


async def test_a_person_comments_and_replies_on_the_page_and_finds_the_moment_on_the_time_line(
    site: Site,
) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika, "Cam")
    ana = await visitor(site, "ana")
    page = f"/m/{made['id']}"
    sent = await ana.submit(f"{page}/comments", text="**play** here", start="0.1", end="0.2")
    comment_id = sent.headers["location"].partition("#comment-")[2]
    reply = await ana.submit(f"{page}/comments", text="and there", thread_id=comment_id)
    assert (sent.status_code, reply.status_code) == (303, 303)
    shown = (await ana.open(page)).text
    assert "2 comments" in shown
    assert "<strong>play</strong> here" in shown
    assert f'<a href="#comment-{comment_id}" tabindex="-1" data-start="100" data-end="200">' in shown
    for path in ("/comments", "/comments?sort=moment", f"/comments/{comment_id}"):
        listed = (await ana.open(page + path)).text
        assert "and there" in listed
        assert f'href="{page}#t=0.1,0.2" data-start="100" data-end="200"' in listed
    guest = (await site.client.get(page, headers={"Accept": "text/html"})).text
    assert ("and there" in guest, "<textarea" in guest) == (True, False)


async def test_a_refused_comment_is_shown_with_its_text_and_the_reason(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika)
    ana = await visitor(site, "ana")
    page = f"/m/{made['id']}/comments"
    for start in ("999", "one"):
        refused = await ana.submit(page, text="play here", start=start)
        assert refused.status_code == 422
        assert '<p class="error">' in refused.text
        assert "play here</textarea>" in refused.text


async def test_the_form_takes_as_many_emoji_as_a_comment_may_have(site: Site) -> None:
    made = await site.published(await site.sign_up("mika"))
    ana = await visitor(site, "ana")
    form = re.search(r'<textarea id="comment-text"[^>]*>', (await ana.open(f"/m/{made['id']}")).text)
    assert form is not None
    units = len(("😀" * 2000).encode("utf-16-le")) // 2
    assert f'maxlength="{units}"' in form[0]
    sent = [await ana.submit(f"/m/{made['id']}/comments", text="😀" * count) for count in (2000, 2001)]
    assert [one.status_code for one in sent] == [303, 422]
    assert "😀" * 2001 in sent[1].text


async def test_a_person_edits_and_deletes_a_comment_and_the_owner_locks_them(site: Site) -> None:
    mika = await visitor(site, "mika")
    made = await site.published(site.tokens["mika"])
    ana = await visitor(site, "ana")
    page = f"/m/{made['id']}"
    sent = await ana.submit(f"{page}/comments", text="play")
    comment = f"{page}/comments/" + sent.headers["location"].partition("#comment-")[2]
    assert (await ana.submit(f"{comment}/edit", text="backlash")).status_code == 303
    shown = (await ana.open(page)).text
    assert shown.index("backlash") < shown.index("<p>play</p>")
    assert (await mika.submit(f"{page}/comment-lock", do="add")).status_code == 303
    locked = (await ana.open(page)).text
    assert "The author has locked the comments." in locked
    assert f"{comment}/edit" not in locked
    assert (await ana.submit(f"{page}/comments", text="more")).status_code == 409
    assert (await ana.submit(f"{comment}/delete")).status_code == 303
    assert "backlash" not in (await ana.open(page)).text
    assert (await mika.submit(f"{page}/comment-lock", do="remove")).status_code == 303


async def test_an_edit_that_comes_too_late_is_shown_as_a_reply_to_send(open_site: Any) -> None:
    clock = FrozenClock()
    site = await open_site(clock=clock)
    made = await site.published(await site.sign_up("mika"))
    ana, page = await visitor(site, "ana"), f"/m/{made['id']}"
    first = (await ana.submit(f"{page}/comments", text="play")).headers["location"].partition("#comment-")[2]
    replied = await ana.submit(f"{page}/comments", text="more play", thread_id=first)
    reply = replied.headers["location"].partition("#comment-")[2]
    clock.advance(timedelta(minutes=14, seconds=59))
    assert (await ana.submit(f"{page}/comments/{first}/edit", text="backlash")).status_code == 303
    clock.advance(timedelta(seconds=2))
    for comment, text in ((first, "backlash & wear"), (reply, "much more")):
        late = await ana.submit(f"{page}/comments/{comment}/edit", text=text)
        assert late.status_code == 409
        assert "A comment can be edited for 15 minutes and 10 times. Write a reply instead." in late.text
        assert f'<textarea id="reply-{first}" name="text"' in late.text
        assert f"{escape(text)}</textarea>" in late.text
        assert f'action="{page}/comments/{comment}/edit"' not in late.text
    assert "much more" not in (await ana.open(page)).text


async def test_a_refused_edit_is_shown_in_the_form_of_its_comment(site: Site) -> None:
    made = await site.published(await site.sign_up("mika"))
    ana, page = await visitor(site, "ana"), f"/m/{made['id']}/comments"
    comment = (await ana.submit(page, text="play")).headers["location"].partition("#comment-")[2]
    refused = await ana.submit(f"{page}/{comment}/edit", text="x" * 2001)
    assert refused.status_code == 422
    form = refused.text.partition(f'<textarea id="edit-{comment}"')[2]
    assert form.partition(">")[2].startswith("x" * 2001 + "</textarea>")
    assert "2,000" in refused.text or "2000 " in refused.text


async def test_a_text_that_comes_after_a_lock_is_shown_to_copy_it(site: Site) -> None:
    mika = await visitor(site, "mika")
    made = await site.published(site.tokens["mika"])
    ana, page = await visitor(site, "ana"), f"/m/{made['id']}"
    comment = (
        (await ana.submit(f"{page}/comments", text="play")).headers["location"].partition("#comment-")[2]
    )
    await mika.submit(f"{page}/comment-lock", do="add")
    for path in (f"{page}/comments", f"{page}/comments/{comment}/edit"):
        refused = await ana.submit(path, text="a long thought")
        assert refused.status_code == 409
        assert "The comments on this mechanism are locked." in refused.text
        assert 'readonly rows="3">a long thought</textarea>' in refused.text


async def test_no_comment_becomes_active_markup(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika)
    url = f"{API}/mechanisms/{made['id']}/comments"
    for text in HOSTILE:
        sent = await site.client.post(url, headers=mika, json={"text": text, "at": {"start_ms": 100}})
        assert_inert(sent.json()["html"])
    for path in ("", "/comments"):
        shown = (await site.client.get(f"/m/{made['id']}{path}", headers={"Accept": "text/html"})).text
        assert "alert(1)" in shown
        without_own = re.sub(r"<script [^>]*nonce=[^>]*>|<script type=\"application/[^>]*>", "", shown)
        assert_inert(without_own)


def assert_inert(html: str) -> None:
    """No element of the text runs a script: outside of attribute values and text there is none that could."""
    tags = re.findall(r"<[a-zA-Z!/][^>\"]*(?:\"[^\"]*\"[^>\"]*)*>", html)
    for tag in tags:
        names = re.sub(r"\"[^\"]*\"", '""', tag)
        assert not re.search(r"\son\w+\s*=|<script|<!--", names, re.IGNORECASE), tag
        for address in re.findall(r"(?:href|src|action)=\"([^\"]*)\"", tag):
            assert not re.match(r"\s*(?:javascript|data|vbscript):", address, re.IGNORECASE), tag

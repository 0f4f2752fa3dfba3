"""Attachments on pages."""

from tests.http.conftest import Site
from tests.web.visitors import Visitor

STEP = b"ISO-10303-21;"


async def test_the_owner_attaches_moves_captions_and_removes_files(site: Site) -> None:
    headers = await site.sign_up("mika")
    mika = await Visitor(site).sign_in("mika")
    id = (await site.ready(headers))["id"]
    path = f"/m/{id}/attachments"
    for name in ("一.step", "<b>.step"):
        form = {"data": {"caption": "組立図"}, "files": {"file": (name, STEP)}}
        added = await mika.browser.post(path, **form)
        assert (added.status_code, added.headers["location"]) == (303, f"/m/{id}/edit#attachments")
    edited = (await mika.open(f"/m/{id}/edit")).text
    first, second = [part.partition('"')[0] for part in edited.split(f'action="{path}/')[1:]]

    moved = await mika.submit(f"{path}/{second}", caption="先頭", do="0")
    removed = await mika.submit(f"{path}/{first}", do="remove")

    assert (moved.status_code, removed.status_code) == (303, 303)
    shown = (await mika.open(f"/m/{id}")).text
    assert "&lt;b&gt;.step</a>" in shown
    assert "先頭" in shown
    assert "一.step" not in shown


async def test_a_refused_attachment_shows_why(site: Site) -> None:
    headers = await site.sign_up("mika")
    mika = await Visitor(site, "ja").sign_in("mika")
    id = (await site.ready(headers))["id"]
    form = {"data": {"caption": "x" * 501}, "files": {"file": ("a", STEP)}}

    refused = await mika.browser.post(f"/m/{id}/attachments", **form)

    assert refused.status_code == 422
    assert 'role="alert"' in refused.text
    assert "添付ファイル" in refused.text


async def test_a_model_is_shown_by_its_thumbnail_and_other_files_by_a_symbol(site: Site) -> None:
    headers = await site.sign_up("mika")
    mika = await Visitor(site).sign_in("mika")
    id = (await site.ready(headers))["id"]
    stl = b"solid\nfacet normal 0 0 1\nvertex 0 0 0\nvertex 1 0 0\nvertex 1 1 0\n"
    for name, content in (("a.stl", stl), ("b.step", STEP), ("c.txt", b"text"), ("d.zip", b"PK\3\4")):
        await mika.browser.post(f"/m/{id}/attachments", files={"file": (name, content)})
    await site.work()

    for address in (f"/m/{id}", f"/m/{id}/edit"):
        page = (await mika.open(address)).text
        pictures = page.split('class="attachment-picture">')[1:]
        assert [picture.partition('"')[0] for picture in pictures] == ["<img src=", *["<svg viewBox="] * 3]
        symbols = [picture.split('data-symbol="')[1].partition('"')[0] for picture in pictures[1:]]
        assert symbols == ["model", "text", "archive"]

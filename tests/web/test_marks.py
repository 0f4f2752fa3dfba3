"""Likes and bookmarks on the pages."""

from tests.http.conftest import Site
from tests.web.visitors import visitor


async def test_a_person_likes_and_bookmarks_on_the_page_and_finds_it_again(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika, "Cam")
    ana = await visitor(site, "ana")
    page = f"/m/{made['id']}"
    for kind in ("like", "bookmark"):
        assert (await ana.submit(f"{page}/marks/{kind}", do="add")).status_code == 303
    shown = (await ana.open(page)).text
    assert "1 like" in shown
    assert shown.count('aria-pressed="true"') == 2
    assert "Cam" in (await ana.open("/my/bookmarks")).text

    await ana.submit(f"{page}/marks/bookmark", do="remove")

    assert "Cam" not in (await ana.open("/my/bookmarks")).text

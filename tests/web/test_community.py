"""Collections, follows and statistics on the pages."""

from tests.http.conftest import API, Site
from tests.web.visitors import visitor


async def test_a_person_makes_a_collection_from_the_page_of_a_mechanism_and_orders_it(site: Site) -> None:
    mika = await site.sign_up("mika")
    cam, gear = await site.published(mika, "Cam"), await site.published(mika, "Gear")
    ana = await visitor(site, "ana")
    made = await ana.submit("/my/collections", title="Drives", visibility="public", mechanism=cam["id"])
    page = made.headers["location"]
    assert "Drives" in (await ana.open(f"/m/{gear['id']}")).text
    added = await ana.submit(f"/m/{gear['id']}/collections", collection=page.rpartition("/")[2])
    assert added.status_code == 303
    moved = await ana.submit(f"{page}/mechanisms/{gear['id']}", position="0")
    assert moved.headers["location"].endswith(f"{page}#entry-{gear['id']}")
    await ana.submit(f"{page}/mechanisms/{cam['id']}", do="cover")
    shown = (await ana.open(page)).text
    assert shown.index("Gear") < shown.index("Cam")
    assert "Use as cover" in shown
    assert f'id="entry-{gear["id"]}"' in shown
    assert "Drives" in (await site.client.get(f"/u/{site.ids['ana']}")).text
    feed = (await site.client.get(f"{page}/feed.json")).json()
    assert [item["title"] for item in feed["items"]] == ["Gear", "Cam"]
    assert "<entry>" in (await site.client.get(f"{page}/feed.atom")).text

    await ana.submit(f"{page}/mechanisms/{gear['id']}", do="remove")

    alone = (await ana.open(page)).text
    assert "Order" not in alone
    assert "Remove the mechanism from the collection" in alone
    assert [item["title"] for item in (await site.client.get(f"{page}/feed.json")).json()["items"]] == ["Cam"]


async def test_a_profile_and_the_page_of_a_mechanism_offer_all_collections(site: Site) -> None:
    mika = await visitor(site, "mika")
    made = await site.published(site.tokens["mika"])
    for n in range(101):
        body = {"title": f"Drives {n}.", "visibility": "public"}
        await site.client.post(f"{API}/collections", headers=site.tokens["mika"], json=body)
    for path in (f"/u/{site.ids['mika']}", f"/m/{made['id']}"):
        page = (await mika.open(path)).text
        assert [n for n in range(101) if f"Drives {n}." not in page] == []


async def test_a_person_follows_on_the_page_of_another_and_reads_the_feed(site: Site) -> None:
    mika = await site.sign_up("mika")
    await site.published(mika, "Geneva wheel")
    ana = await visitor(site, "ana")
    profile = f"/u/{site.ids['mika']}"
    assert "Geneva wheel" not in (await ana.open("/my/feed")).text
    assert (await ana.submit(f"{profile}/follow", do="add")).status_code == 303
    assert 'aria-pressed="true"' in (await ana.open(profile)).text
    assert "Geneva wheel" in (await ana.open("/my/feed")).text
    await ana.submit("/my/feed/categories", do="add", category="gears")
    await ana.submit(f"{profile}/follow", do="remove", next="feed")
    assert "Geneva wheel" not in (await ana.open("/my/feed")).text


async def test_the_owner_reads_the_statistics_of_a_mechanism(site: Site) -> None:
    mika = await visitor(site, "mika")
    made = await site.published(site.tokens["mika"], "Cam")
    assert "There were no views and no downloads." in (await mika.open("/my/statistics")).text
    await site.client.get(f"/m/{made['id']}")
    await site.application.statistics.refresh()
    for page in (f"/m/{made['id']}/statistics", "/my/statistics"):
        shown = (await mika.open(page)).text
        assert shown.count("<rect") == 60
        assert 'height="100.0"' in shown
    ana = await visitor(site, "ana")
    assert (await ana.open(f"/m/{made['id']}/statistics")).status_code == 403

"""How clips move, and which move alike, over HTTP."""

from dataclasses import replace
from typing import Any

import pytest

from mechshare.domain.ids import MechanismId
from mechshare.domain.motion import ANALYSIS, VECTOR_BYTES
from tests.http.conftest import API, Site
from tests.services.world import GIF

MECHANISMS = f"{API}/mechanisms"


def vector(*numbers: int) -> bytes:
    return bytes(number % 256 for number in numbers) + bytes(VECTOR_BYTES - len(numbers))


async def move(site: Site, made: dict[str, Any], *numbers: int, analysis: int = ANALYSIS) -> None:
    """Gives the mechanism a vector that begins with these numbers."""
    async with site.adapters.database.begin() as tx:
        found = await tx.motions.find(MechanismId(made["id"]))
        assert found is not None
        await tx.motions.save(replace(found, vector=vector(*numbers), analysis=analysis))


async def similar(site: Site, made: dict[str, Any], headers: Any = None, query: str = "") -> list[Any]:
    response = await site.client.get(f"{MECHANISMS}/{made['id']}/similar{query}", headers=headers)
    assert response.status_code == 200, response.text
    return [(one["mechanism"]["title"], one["likeness"]) for one in response.json()]


async def test_a_clip_says_how_it_moves(site: Site) -> None:
    made = await site.published(await site.sign_up("mika"))

    assert made["motion"] == {
        "kind": "loop",
        "period_s": 2.4,
        "cycles": 1.0,
        "loops": True,
        "seam": 1.0,
        "confidence": 1.0,
        "there_and_back": True,
        "analysis": ANALYSIS,
    }
    assert made["loop"] == {"start": 0.0, "end": 2.4}


async def test_a_clip_shows_its_phases_to_those_who_see_it(site: Site) -> None:
    mika = await site.sign_up("mika")
    draft = await site.ready(mika)
    assert "signature" in draft["motion_url"]
    assert (await site.client.get(draft["motion_url"].partition("?")[0])).status_code == 404
    shown = await site.client.get(draft["motion_url"])
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")

    public = await site.published(mika, "public")
    assert (await site.client.get(public["motion_url"])).status_code == 200
    assert public["motion_url"] in (await site.client.get(f"/m/{public['id']}")).text


async def test_a_stated_period_stands_beside_the_measured_one_and_decides_lists(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika, "stated", stated_period_s="1.25")
    await site.published(mika, "measured")
    assert (made["stated_period_s"], made["motion"]["period_s"]) == (1.25, 2.4)

    async def listed(query: str) -> list[str]:
        both = [  # responses to a token are not cached
            (await site.client.get(f"{API}/{path}?{query}", headers=mika)).json()["items"]
            for path in ("mechanisms", "search/mechanisms")
        ]
        listed, found = ([one.get("mechanism", one)["title"] for one in items] for items in both)
        assert listed == found
        return listed

    assert await listed("period_max=2") == ["stated"]
    assert await listed("period_min=2") == ["measured"]
    ordered = (await site.client.get(f"{MECHANISMS}?sort=period")).json()["items"]
    assert [one["title"] for one in ordered] == ["stated", "measured"]
    assert "as stated" in (await site.client.get(f"/m/{made['id']}")).text

    cleared = await site.client.patch(
        f"{MECHANISMS}/{made['id']}", headers={**mika, "If-Match": "*"}, json={"stated_period_s": None}
    )
    assert cleared.json()["stated_period_s"] is None
    await site.work()
    assert sorted(await listed("period_min=2")) == ["measured", "stated"]


@pytest.mark.parametrize("stated", ["0", "-1", "1e9", "fast", "nan"])
async def test_an_invalid_period_is_refused(site: Site, stated: str) -> None:
    mika = await site.sign_up("mika")
    response = await site.client.post(
        MECHANISMS,
        headers=mika,
        data={"title": "x", "stated_period_s": stated},
        files={"file": ("clip.gif", GIF)},
    )
    assert (response.status_code, response.json()["details"][0]["field"]) == (422, "stated_period_s")


async def test_what_moves_alike_is_found_most_alike_first(site: Site) -> None:
    mika = await site.sign_up("mika")
    own = await site.published(mika, "own")
    for title, numbers in (("near", (100, 20)), ("far", (100, 90)), ("other", (0, 100))):
        await move(site, await site.published(mika, title), *numbers)
    await move(site, own, 100, 0)

    found = await similar(site, own)
    assert [title for title, _ in found] == ["near", "far"]
    assert 1 > found[0][1] > found[1][1] > 0.3
    assert [title for title, _ in await similar(site, own, query="?limit=1")] == ["near"]


async def test_what_an_earlier_version_analysed_is_not_compared(site: Site) -> None:
    mika = await site.sign_up("mika")
    current, older, oldest = [await site.published(mika, title) for title in ("current", "older", "oldest")]
    await move(site, current, 100)
    await move(site, older, 100, analysis=ANALYSIS - 1)
    await move(site, oldest, 100, analysis=ANALYSIS - 1)

    assert [await similar(site, made) for made in (current, older)] == [[], []]


async def test_the_uploader_of_a_clip_learns_what_moves_alike(site: Site) -> None:
    mika, rei = await site.sign_up("mika"), await site.sign_up("rei")
    near, far = await site.published(rei, "near"), await site.published(rei, "far")
    hidden, own = await site.ready(rei, "hidden"), await site.published(mika, "own")
    for made, numbers in ((near, (100, 20)), (far, (100, 90)), (hidden, (100, 0)), (own, (100, 0))):
        await move(site, made, *numbers)

    async def alike(headers: Any) -> list[Any]:
        response = await site.client.get(f"{MECHANISMS}/{own['id']}/processing", headers=headers)
        found: list[Any] = response.json()["alike"]
        return found

    (found,) = await alike(mika)
    assert (found["id"], found["title"]) == (near["id"], "near")
    assert 0.85 <= found["likeness"] < 1
    assert await alike(rei) == await alike(None) == []


async def test_hidden_mechanisms_neither_show_nor_leave_gaps(site: Site) -> None:
    mika, rei = await site.sign_up("mika"), await site.sign_up("rei")
    own = await site.published(mika, "own")
    for number in range(9):
        await site.ready(mika, f"draft {number}")
    public = await site.published(mika, "public")
    await move(site, public, 100, 90)
    for made in (await site.client.get(f"{MECHANISMS}?user_id={site.ids['mika']}", headers=mika)).json()[
        "items"
    ]:
        if made["title"] != "public":
            await move(site, made, 100, 0)

    for headers in (None, rei):
        assert [title for title, _ in await similar(site, own, headers, "?limit=1")] == ["public"]
    assert len(await similar(site, own, mika)) == 10


async def test_what_is_withdrawn_disappears_at_once(site: Site) -> None:
    mika = await site.sign_up("mika")
    own, other = await site.published(mika, "own"), await site.published(mika, "other")
    assert [title for title, _ in await similar(site, own)] == ["other"]

    assert (await site.client.post(f"{MECHANISMS}/{other['id']}/withdraw", headers=mika)).status_code == 200
    assert await similar(site, own) == []


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("period_min=2.4&period_max=2.4", True),
        ("period_min=2.5", False),
        ("period_max=2.3", False),
        ("loops=true&motion=loop", True),
        ("loops=false", False),
        ("motion=periodic", False),
        ("sort=period", True),
    ],
)
async def test_lists_are_filtered_by_the_motion(site: Site, query: str, is_found: bool) -> None:
    await site.published(await site.sign_up("mika"))

    response = await site.client.get(f"{MECHANISMS}?{query}")
    assert response.status_code == 200, response.text
    assert response.json()["total"] == is_found


@pytest.mark.parametrize(
    "query", ["period_min=-1", "period_max=nan", "motion=fast", "loops=perhaps", "period_min=2&period_max=1"]
)
async def test_an_invalid_condition_is_refused(site: Site, query: str) -> None:
    assert (await site.client.get(f"{MECHANISMS}?{query}")).status_code == 400

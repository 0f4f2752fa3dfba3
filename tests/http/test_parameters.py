"""Parameters and the licence over HTTP: stated at creation and changed later, shown, and filters of lists."""

from tests.http.conftest import API, Site

MECHANISMS = f"{API}/mechanisms"
STROKE = {"name": "stroke", "value": 12.0, "unit": "mm"}


async def titles(site: Site, query: str) -> list[str]:
    response = await site.client.get(f"{MECHANISMS}?sort=title&{query}")
    assert response.status_code == 200, response.text
    return [one["title"] for one in response.json()["items"]]


async def test_lists_are_narrowed_by_ranges_of_parameters_and_by_licence(site: Site) -> None:
    mika = await site.sign_up("mika")
    await site.published(
        mika, "a", parameters="stroke = 12 mm\n歯数 = 24", license="CC-BY-4.0", categories="gears"
    )
    await site.published(mika, "b", parameters="Stroke = 0.03 m", license="MIT")
    await site.published(mika, "c", parameters="stroke = long")
    assert await titles(site, "param.stroke=1cm..25mm") == ["a"]
    assert await titles(site, "param.STROKE=10mm..") == ["a", "b"]
    assert await titles(site, "param.stroke=..1m&param.歯数=20..30&category=gears") == ["a"]
    assert await titles(site, "param.stroke=12N") == []
    assert await titles(site, "license=cc-by-4.0&license=MIT") == ["a", "b"]
    assert await titles(site, "license=MIT") == ["b"]

    first = await site.client.get(f"{MECHANISMS}?param.stroke=10mm..&license=MIT&license=CC-BY-4.0&limit=1")
    assert first.json()["total"] == 2
    following = await site.client.get(first.links["next"]["url"])
    assert [one["title"] for one in following.json()["items"]] == ["a"]


async def test_wrong_filters_say_what_is_wrong(site: Site) -> None:
    for query, field in (
        ("param.stroke=10mm..2N", "param.stroke"),
        ("param.stroke=", "param.stroke"),
        ("license=mine", "license"),
        ("&".join(f"param.p{number}=1" for number in range(6)), "param"),
    ):
        response = await site.client.get(f"{MECHANISMS}?{query}")
        assert response.status_code == 422, response.text
        assert [detail["field"] for detail in response.json()["details"]] == [field]


async def test_parameters_and_licence_are_stated_changed_and_taken_back(site: Site) -> None:
    mika = await site.sign_up("mika")
    made = await site.published(mika, "歯車", parameters="stroke = 12 mm", license="cc-by-4.0")
    assert (made["parameters"], made["license"]) == ([STROKE], "CC-BY-4.0")
    path = f"{MECHANISMS}/{made['id']}"
    for changes, expected in (
        ({"title": "遊星歯車"}, ([STROKE], "CC-BY-4.0")),
        (
            {"parameters": [STROKE, {"name": "材質", "value": "S45C"}], "license": "MIT"},
            ([STROKE, {"name": "材質", "value": "S45C", "unit": ""}], "MIT"),
        ),
        ({"parameters": None, "license": None}, ([], None)),
    ):
        response = await site.client.patch(path, json=changes, headers={**mika, "If-Match": "*"})
        assert response.status_code == 200, response.text
        assert (response.json()["parameters"], response.json()["license"]) == expected
    for changes, field in (
        ({"parameters": [{"name": "stroke", "value": 1, "unit": "furlong"}]}, "parameters"),
        ({"license": "mine"}, "license"),
    ):
        response = await site.client.patch(path, json=changes, headers={**mika, "If-Match": "*"})
        assert response.status_code == 422, response.text
        assert [detail["field"] for detail in response.json()["details"]] == [field]


async def test_a_malformed_identifier_is_no_mechanism(site: Site) -> None:
    mika = await site.sign_up("mika")
    for part in ("claims", "evidence", "lineage", "citation", "reliability/history"):
        response = await site.client.get(f"{MECHANISMS}/x/{part}", headers=mika)
        assert (response.status_code, response.json()["code"]) == (404, "MECHANISM_NOT_FOUND")
    made = await site.published(mika, "歯車")
    withdrawn = await site.client.post(f"{MECHANISMS}/{made['id']}/claims/x/withdraw", headers=mika)
    assert (withdrawn.status_code, withdrawn.json()["code"]) == (404, "CLAIM_NOT_FOUND")

"""Files that people send with claims."""

import httpx

from mechshare.domain.users import Role
from tests.http.conftest import API, Site
from tests.web.reading import SUBMIT

DATA = b"load,deflection\n12,0.3\n"


async def claim(site: Site, headers: dict[str, str], id: str, **fields: str) -> httpx.Response:
    return await site.client.post(
        f"{API}/mechanisms/{id}/claims",
        headers=headers,
        data={"kind": "reproduces", "text": "三回測定", "conditions": "load = 12 N", **fields},
        files={"file": ("測定.csv", DATA, "text/csv")},
    )


async def used(site: Site, headers: dict[str, str]) -> int:
    return int((await site.client.get(f"{API}/users/me", headers=headers)).json()["quota"]["bytes_used"])


async def test_a_claim_has_a_file_that_those_who_see_the_mechanism_download(site: Site) -> None:
    mika, aoi = await site.sign_up("mika"), await site.sign_up("aoi")
    id = (await site.published(mika))["id"]
    made = await claim(site, aoi, id)
    assert made.status_code == 201, made.text
    file = made.json()["file"]
    assert (file["name"], file["size"], made.json()["conditions"][0]["value"]) == ("測定.csv", len(DATA), 12)
    assert await used(site, aoi) == len(DATA)
    downloaded = await site.client.get(file["url"])
    assert downloaded.content == DATA
    assert downloaded.headers["x-content-type-options"] == "nosniff"
    await site.client.post(f"{API}/mechanisms/{id}/withdraw", headers=mika, json={})
    assert (await site.client.get(file["url"], headers=aoi)).status_code == 404
    assert (await site.client.get(file["url"], headers=mika)).status_code == 200


async def test_a_refused_claim_leaves_no_file(site: Site) -> None:
    mika = await site.sign_up("mika")
    id = (await site.published(mika))["id"]
    before = await used(site, mika)
    assert (await claim(site, mika, id, kind="likes")).status_code == 422
    assert (await claim(site, mika, id, doi="no doi")).status_code == 422
    assert await used(site, mika) == before
    assert len([key async for key in site.adapters.blobs.list("originals/")]) == 1


async def test_the_file_of_a_claim_that_a_moderator_withdrew_is_gone(site: Site) -> None:
    mika, aoi, admin = [await site.sign_up(name) for name in ("mika", "aoi")] + [
        await site.sign_up("admin", role=Role.ADMIN)
    ]
    id = (await site.published(mika))["id"]
    made = (await claim(site, aoi, id)).json()
    path = f"{API}/mechanisms/{id}/claims/{made['id']}/withdraw"
    assert (await site.client.post(path, headers=admin)).json()["file"] is None
    assert (await site.client.get(made["file"]["url"])).json()["code"] == "CLAIM_FILE_NOT_FOUND"


async def test_an_account_takes_its_files_along_and_leaves_those_of_others(site: Site) -> None:
    mika, aoi = await site.sign_up("mika"), await site.sign_up("aoi")
    id = (await site.published(mika))["id"]
    mine, theirs = (await claim(site, mika, id)).json(), (await claim(site, aoi, id)).json()
    headers = {**aoi, "If-Match": "*"}
    assert (await site.client.delete(f"{API}/users/me", headers=headers)).status_code == 204
    await site.work()
    assert (await site.client.get(theirs["file"]["url"])).status_code == 404
    assert (await site.client.get(mine["file"]["url"])).content == DATA
    keys = [key async for key in site.adapters.blobs.list("")]
    async with site.adapters.database.read() as tx:
        assert set(keys) == await tx.blob_references.find_referenced(keys)


async def test_the_page_adds_a_claim_with_a_file_or_without_one(site: Site) -> None:
    mika = await site.sign_up("mika")
    id = (await site.published(mika))["id"]
    for name, content in (("測定.csv", DATA), ("", b"")):
        sent = await site.client.post(
            f"/m/{id}/evidence",
            headers={**SUBMIT, **mika},
            data={"kind": "supports", "text": f"測定 {name}"},
            files={"file": (name, content, "application/octet-stream")},
        )
        assert sent.status_code == 303, sent.text
    shown = (await site.client.get(f"/m/{id}/evidence", headers={"Accept": "text/html"})).text
    assert shown.count("/file") == 1
    assert "測定.csv</a>" in shown

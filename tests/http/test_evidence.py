"""Claims over HTTP."""

import asyncio

from mechshare.domain.users import Role
from tests.http.conftest import API, Site

MECHANISMS = f"{API}/mechanisms"
CLAIM = {
    "kind": "reproduces",
    "text": "同じ条件で再現",
    "link": "https://example.com/報告",
    "doi": "https://doi.org/10.1000/182",
    "conditions": [{"name": "load", "value": 12, "unit": "N"}, {"name": "material", "value": "S45C"}],
}


async def test_evidence_carries_a_level_until_it_is_withdrawn(site: Site) -> None:
    mika, rui = await site.sign_up("mika"), await site.sign_up("rui")
    made = await site.published(mika, reliability_level="3", reliability_reason="三人で確認")
    path = f"{MECHANISMS}/{made['id']}"
    bare = (await site.client.get(f"{path}/evidence")).json()
    assert bare == {"level": 3, "supporting": 0, "contradicting": 0, "needed": 1, "is_carried": False}
    claimed = await site.client.post(f"{path}/claims", headers=rui, json=CLAIM)
    assert claimed.status_code == 201, claimed.text
    claim = claimed.json()
    assert (claim["doi"], claim["mechanism_version"]) == ("10.1000/182", made["version"])
    assert (await site.client.get(f"{path}/evidence")).json()["is_carried"]
    reply = await site.client.post(
        f"{path}/claims/{claim['id']}/reply", headers=mika, json={"text": "ありがとう"}
    )
    assert reply.json()["reply"] == "ありがとう"
    again = await site.client.post(f"{path}/claims/{claim['id']}/reply", headers=mika, json={"text": "x"})
    assert again.json()["code"] == "CLAIM_CLOSED"
    withdrawn = await site.client.post(f"{path}/claims/{claim['id']}/withdraw", headers=rui)
    assert withdrawn.json()["text"] == CLAIM["text"]
    assert not (await site.client.get(f"{path}/evidence")).json()["is_carried"]
    (listed,) = (await site.client.get(f"{path}/claims")).json()["items"]
    assert listed == withdrawn.json()


async def test_a_moderators_withdrawal_hides_the_texts_and_is_in_the_audit_log(site: Site) -> None:
    mika, moderator = await site.sign_up("mika"), await site.sign_up("moderator", Role.MODERATOR)
    admin = await site.sign_up("admin", Role.ADMIN)
    path = f"{MECHANISMS}/{(await site.published(mika))['id']}"
    claim = (await site.client.post(f"{path}/claims", headers=mika, json=CLAIM)).json()
    await site.client.post(f"{path}/claims/{claim['id']}/withdraw", headers=moderator)
    listed = await site.client.get(f"{path}/claims")
    assert (listed.json()["items"][0]["text"], "S45C" in listed.text) == (None, False)
    entries = (await site.client.get(f"{API}/audit?action=claim_withdrawn", headers=admin)).json()["items"]
    assert [(one["actor_id"], one["detail"]) for one in entries] == [(site.ids["moderator"], claim["id"])]


async def test_a_claim_of_another_mechanism_is_not_found(site: Site) -> None:
    mika = await site.sign_up("mika")
    first, second = await site.published(mika), await site.published(mika)
    claim = (await site.client.post(f"{MECHANISMS}/{first['id']}/claims", headers=mika, json=CLAIM)).json()
    elsewhere = f"{MECHANISMS}/{second['id']}/claims/{claim['id']}/withdraw"
    response = await site.client.post(elsewhere, headers=mika)
    assert (response.status_code, response.json()["code"]) == (404, "CLAIM_NOT_FOUND")


async def test_an_installation_can_require_evidence_for_a_level(open_site) -> None:
    site = await open_site(evidence="required", level_3_supporters=1)
    mika, rui = await site.sign_up("mika"), await site.sign_up("rui")
    made = await site.published(mika, reliability_level="2", reliability_reason="一度測定")
    path, match = f"{MECHANISMS}/{made['id']}", {**mika, "If-Match": "*"}
    stated = {"reliability": {"level": 3, "reason": "rui が再現"}}
    refused = await site.client.patch(path, headers=match, json=stated)
    assert (refused.status_code, refused.json()["code"]) == (409, "EVIDENCE_MISSING")
    await site.client.post(f"{path}/claims", headers=rui, json=CLAIM)
    assert (await site.client.patch(path, headers=match, json=stated)).status_code == 200
    new = await site.client.post(
        MECHANISMS,
        headers=mika,
        data={"title": "x", "reliability_level": "4", "reliability_reason": "r"},
        files={"file": ("a.gif", b"GIF89a", "image/gif")},
    )
    assert new.status_code in (409, 422)


async def test_no_concurrent_claim_is_lost_and_none_exceeds_the_limit(site: Site) -> None:
    mika = await site.sign_up("mika")
    path = f"{MECHANISMS}/{(await site.published(mika))['id']}/claims"
    posts = (site.client.post(path, headers=mika, json=CLAIM) for _ in range(60))
    statuses = sorted(response.status_code for response in await asyncio.gather(*posts))
    assert statuses == [201] * 50 + [409] * 10
    assert (await site.client.get(path)).json()["total"] == 50

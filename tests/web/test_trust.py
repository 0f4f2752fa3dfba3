"""The pages of claims and of lineage."""

import httpx

from tests.http.conftest import Site
from tests.web.reading import SUBMIT
from tests.web.test_my_mechanisms import opened, submitted

CLAIM = {
    "kind": "reproduces",
    "text": "<b>再現</b>した",
    "conditions": "load = 12 N\nmaterial = S45C",
    "link": "",
    "doi": "10.1000/182",
}


async def claimed(site: Site, path: str, headers: dict[str, str], **changes: str) -> httpx.Response:
    """Sends the form as a browser does in which no file is chosen."""
    empty = ("", b"", "application/octet-stream")
    sent = {**SUBMIT, **headers}
    return await site.client.post(path, headers=sent, data={**CLAIM, **changes}, files={"file": empty})


async def test_claims_are_added_replied_to_and_withdrawn_in_forms(site: Site) -> None:
    mika, rui = await site.sign_up("mika"), await site.sign_up("rui")
    made = await site.published(mika, reliability_level="3", reliability_reason="r")
    path = f"/m/{made['id']}/evidence"
    assert "does not support this level" in (await opened(site, f"/m/{made['id']}", {})).text
    refused = await claimed(site, path, rui, doi="歯車")
    assert (refused.status_code, 'id="doi-notes"' in refused.text) == (422, True)
    assert (await claimed(site, path, rui, kind="x")).status_code == 422
    assert (await claimed(site, path, rui)).status_code == 303
    shown = (await opened(site, path, mika)).text
    assert "&lt;b&gt;再現&lt;/b&gt;した" in shown
    assert "load = 12 N" in shown
    assert "does not support this level" not in shown
    claim = f"{path}/{shown.partition('claim-')[2][:36]}"
    assert (await submitted(site, f"{claim}/reply", mika, {"reply": "ありがとう"})).status_code == 303
    again = await submitted(site, f"{claim}/reply", mika, {"reply": "x"})
    assert (again.status_code, "ありがとう" in again.text) == (409, True)
    assert (await submitted(site, f"{claim}/withdraw", rui, {})).status_code == 303
    withdrawn = (await opened(site, path, {}, **{"Accept-Language": "ja"})).text
    assert "取り下げ済み" in withdrawn


async def test_a_reply_that_is_twice_as_long_as_allowed_is_refused_in_its_form(site: Site) -> None:
    mika, rui = await site.sign_up("mika"), await site.sign_up("rui")
    path = f"/m/{(await site.published(mika))['id']}/evidence"
    assert (await claimed(site, path, rui)).status_code == 303
    claim = f"{path}/{(await opened(site, path, mika)).text.partition('claim-')[2][:36]}"
    refused = await submitted(site, f"{claim}/reply", mika, {"reply": "再" * 10_000})
    assert (refused.status_code, "10000" in refused.text) == (422, True)


async def test_lineage_is_stated_and_taken_back_in_forms(site: Site) -> None:
    mika = await site.sign_up("mika")
    source, made = await site.published(mika, "元の歯車"), await site.published(mika, "新しい歯車")
    path = f"/m/{made['id']}/lineage"
    stated = {"kind": "derived_from", "source": f"http://mechshare.test/m/{source['id']}"}
    assert (await submitted(site, path, mika, stated)).status_code == 303
    shown = (await opened(site, path, {})).text
    assert "元の歯車" in shown
    assert (shown.count("<rect"), shown.count('<line class="derived_from"')) == (2, 1)
    assert "新しい歯車" in (await opened(site, f"/m/{source['id']}/lineage", {})).text
    cycle = {"kind": "part_of", "source": made["id"]}
    refused = await submitted(site, f"/m/{source['id']}/lineage", mika, cycle)
    assert (refused.status_code, "Lineage has no cycles" in refused.text) == (409, True)
    assert (await submitted(site, path, mika, {**stated, "source": "x"})).status_code == 422
    assert (await submitted(site, f"{path}/remove", mika, stated)).status_code == 303
    assert "元の歯車" not in (await opened(site, path, {})).text

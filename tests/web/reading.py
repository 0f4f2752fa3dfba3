"""Opens pages as a browser does, and reads their HTML."""

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx

from tests.http.conftest import PASSWORD, Site

ORIGIN = "http://mechshare.test"
OPEN = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "en"}
SUBMIT = {**OPEN, "Origin": ORIGIN}
_ADDRESSES = ("href", "src", "action", "poster", "formaction", "data-preview")


async def sign_in(site: Site, username: str) -> None:
    """Signs the client of `site` in by the form; it keeps the cookies."""
    response = await submit(site, "/sign-in", username=username, password=PASSWORD)
    assert response.status_code == 303, response.text


async def submit(site: Site, path: str, **fields: str) -> httpx.Response:
    return await site.client.post(path, headers=SUBMIT, data=fields)


@dataclass
class Html(HTMLParser):
    """What tests require of a page. `addresses` are those of links, forms and files."""

    text: str
    inline: list[str] = field(default_factory=list)
    nonces: list[str | None] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    ids: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag == "style" or "style" in values:
            self.inline.append(f"<{tag}> with a style")
        self.inline += [f"{name} of <{tag}>" for name in values if name.startswith("on")]
        self.addresses += [value for name, value in attributes if name in _ADDRESSES and value]
        if tag == "script" and values.get("type") not in ("application/json", "application/ld+json"):
            self.nonces.append(values.get("nonce"))
        if id := values.get("id"):
            self.ids[id] += 1

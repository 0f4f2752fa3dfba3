"""A site for a real browser: a server, people, mechanisms with hostile texts, and checks of any page."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Playwright

from tests.clips import write_clip
from tests.documents import ROOT
from tests.http.conftest import API, PASSWORD
from tests.retries import Retrying
from tests.served import environment_of, served

AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
MAX_WAIT = 240_000
"""Milliseconds for which the browser waits: a busy machine is slow."""
PAYLOADS = (
    "<script>executed(1)</script>",
    "\"><img src=x onerror=executed(2)>'><svg/onload=executed(3)>",
    "</title></textarea></script><script>executed(4)</script>",
    "<a href=javascript:executed(5)>機構</a><iframe srcdoc='<script>parent.executed(6)</script>'>",
    "{{ executed(7) }} ${executed(8)} %(executed)s <!-- ]]> \\u003cscript\\u003e",
)
"""Texts that execute in a page that does not escape them."""
MARKDOWN_PAYLOADS = (
    '[a](javascript:executed(8)) <javascript:executed(9)> ![x](x" onerror="executed(10))',
    '[a](http://a.example/"onmouseover=executed(11)) `</code><script>executed(12)</script>`',
    '```"><script>executed(13)</script>\n</pre><img src=x onerror=executed(14)>\n```',
)
"""Texts of comments that execute where Markdown is rendered carelessly."""
JAPANESE_TITLE = "遊星歯車機構"
MAX_SHIFT = 0.005
"""The largest layout shift that rounds to zero; half a pixel is one."""
_WATCH = """
  window.shift = 0;
  window.executed = () => { window.wasExecuted = true; };
  new PerformanceObserver(list => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) window.shift += one.value;
  }).observe({ type: "layout-shift", buffered: true });
"""
_AXE = """async () => {
  for (const one of document.getAnimations()) if (one instanceof CSSTransition) one.finish();
  return (await axe.run()).violations.map(one =>
    `${one.id}: ${one.nodes.map(node => node.html.slice(0, 200)).join(" ; ")}`);
}"""
_OVERFLOW = """() => {
  const page = document.documentElement, width = page.clientWidth;
  if (page.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .filter(one => one.getBoundingClientRect().right > width + 1).map(one => one.outerHTML.slice(0, 120));
}"""


@dataclass(frozen=True)
class WebSite:
    """A server, an administrator (`hana`), a moderator (`ren`) and a user (`yui`), who has mechanisms and a group."""

    url: str
    ids: dict[str, str]
    mechanisms: list[str]
    clip: Path

    @property
    def withdrawn(self) -> str:
        """The mechanism that a moderator withdrew."""
        return self.mechanisms[len(PAYLOADS) - 1]

    @contextmanager
    def api(self, username: str) -> Iterator[httpx.Client]:
        """Opens a client of the API that is signed in."""
        with httpx.Client(base_url=self.url + API, transport=Retrying(), timeout=120) as client:
            signing_in = {"username": username, "password": PASSWORD}
            tokens = client.post("/auth/login", json=signing_in).raise_for_status().json()
            client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
            yield client


@contextmanager
def web_site(folder: Path) -> Iterator[WebSite]:
    """Starts the server, and fills it with people and mechanisms whose texts are PAYLOADS."""
    clip = write_clip(folder / "phone.mp4", [40] * 10, size=(320, 240))
    with served(folder, MECHSHARE_REQUESTS_PER_MINUTE="0") as url:
        _create_admin(folder)
        site = WebSite(url, {}, [], clip)
        for name in ("yui", "ren"):
            register(url, name)
        for name in ("hana", "yui", "ren"):
            with site.api(name) as client:
                site.ids[name] = _change(client, "/users/me", bio=PAYLOADS[1], display_name=PAYLOADS[0])
        names = {"name_en": PAYLOADS[0], "name_ja": PAYLOADS[1]}
        with site.api("hana") as admin:
            _change(admin, f"/users/{site.ids['ren']}", role="moderator")
            admin.post("/categories", json={"id": "hostile", **names}).raise_for_status()
        with site.api("yui") as owner:
            _upload(site, owner)
            group = owner.post("/groups", json={"name": PAYLOADS[0]}).raise_for_status()
            site.ids["group"] = group.json()["id"]
        with site.api("hana") as admin:
            _collect_and_follow(site, admin)
        with site.api("ren") as moderator:
            withdrawn = f"/mechanisms/{site.withdrawn}/withdraw"
            moderator.post(withdrawn, json={"reason": PAYLOADS[1]}).raise_for_status()
        yield site


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    browser = playwright.chromium.launch(executable_path=program, args=options, timeout=MAX_WAIT)
    yield browser
    browser.close()


class Watched:
    """A browser context that notes what no page may do: errors, dialogs, and requests to other hosts."""

    def __init__(self, browser: Browser, site: WebSite, **options: Any) -> None:
        options = {"locale": "en-GB", "viewport": {"width": 1440, "height": 900}, **options}
        self.context: BrowserContext = browser.new_context(**options)
        self.context.set_default_timeout(MAX_WAIT)
        self.context.add_init_script(_WATCH)
        self.site = site
        self.problems: list[str] = []
        self.page = self.context.new_page()
        self._watch(self.page)

    def open(self, path: str) -> Page:
        self.page.goto(self.site.url + path)
        return self.page

    def sign_in(self, username: str) -> None:
        self.open("/sign-in")
        self.fill_sign_in(username)
        self.page.wait_for_url(self.site.url + "/")

    def fill_sign_in(self, username: str) -> None:
        page = self.page
        page.fill("#username", username)
        page.fill("#password", PASSWORD)
        page.click("main button[type=submit]")

    def check(self) -> list[str]:
        """Returns what is wrong with the page that is shown: accessibility, shifts, executed texts, errors."""
        found = self.accessibility()
        shift = self.page.evaluate("window.shift")
        if shift > MAX_SHIFT:
            found.append(f"the layout shifts by {shift}")
        if self.page.evaluate("Boolean(window.wasExecuted)"):
            found.append("a text was executed")
        found += self.problems
        self.problems.clear()
        return [f"{urlsplit(self.page.url).path}: {one}" for one in found]

    def accessibility(self) -> list[str]:
        """Returns the violations that axe finds in the page as it is shown."""
        if not self.page.evaluate("'axe' in window"):
            session = self.context.new_cdp_session(self.page)  # the policy refuses a script without its nonce
            session.send("Runtime.evaluate", {"expression": axe()})
            session.detach()
        found: list[str] = self.page.evaluate(_AXE)
        return found

    def in_dark(self) -> list[str]:
        self.page.emulate_media(color_scheme="dark")
        found = self.accessibility()
        self.page.emulate_media(color_scheme="light")
        return [f"{urlsplit(self.page.url).path} in dark: {one}" for one in found]

    def with_large_text(self) -> list[str]:
        """Returns what reaches beyond the window when the text has twice its size."""
        path, found = urlsplit(self.page.url).path, []
        self.page.evaluate("document.documentElement.style.fontSize = '200%'")
        for width in (1024, 390):
            self.page.set_viewport_size({"width": width, "height": 900})
            found += [f"{path} at {width} px: {one}" for one in self.page.evaluate(_OVERFLOW)[:3]]
        self.page.evaluate("document.documentElement.style.fontSize = ''")
        self.page.set_viewport_size({"width": 1440, "height": 900})
        return found

    def close(self) -> None:
        self.context.close()

    def _watch(self, page: Page) -> None:
        page.on("console", lambda message: self._note(message.text, message.location, message.type))
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("dialog", self._close_dialog)
        page.on("request", lambda request: self._note_request(request.url))

    def _note(self, text: str, location: Any, kind: str) -> None:
        # Chromium reports the status of a page, such as 404, as an error of its console.
        is_status = text.startswith("Failed to load resource") and location.get("url") == self.page.url
        if kind == "error" and not is_status:
            self.problems.append(f"console: {text}")

    def _close_dialog(self, dialog: Dialog) -> None:
        """Leaves a page that warns of unsaved work, and notes every other dialog."""
        if dialog.type == "beforeunload":
            dialog.accept()
            return
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note_request(self, url: str) -> None:
        address = urlsplit(url)
        if address.scheme in ("http", "https") and address.netloc != urlsplit(self.site.url).netloc:
            self.problems.append(f"request to another host: {url}")


def axe() -> str:
    """Returns the source of axe-core. Skips without it: `npm --prefix web ci` installs it."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm --prefix web ci")
    return AXE.read_text(encoding="utf-8")


def _create_admin(folder: Path) -> None:
    command = [sys.executable, "-m", "mechshare", "users", "create-admin", "hana", "hana@example.com"]
    environ = environment_of(folder)
    subprocess.run([*command, "--password-stdin"], env=environ, input=PASSWORD.encode(), check=True)


def register(url: str, name: str) -> None:
    """Registers a user with PASSWORD."""
    joining = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    httpx.post(f"{url}{API}/auth/register", json=joining, trust_env=False, timeout=120).raise_for_status()


def _change(client: httpx.Client, path: str, **fields: str) -> str:
    changed = client.patch(path, headers={"If-Match": "*"}, json=fields).raise_for_status()
    return str(changed.json()["id"])


def _upload(site: WebSite, owner: httpx.Client) -> None:
    """Uploads a mechanism with each title, and publishes all but the first."""
    for title in (*PAYLOADS, JAPANESE_TITLE):
        fields = {"title": title, "description": "\n".join(PAYLOADS), "categories": "hostile"}
        files = {"file": ("phone.mp4", site.clip.read_bytes(), "video/mp4")}
        site.mechanisms.append(
            owner.post("/mechanisms", data=fields, files=files).raise_for_status().json()["id"]
        )
    for id in site.mechanisms:
        _wait_until_ready(owner, f"/mechanisms/{id}")
    for id in site.mechanisms[1:]:
        owner.post(f"/mechanisms/{id}/publish").raise_for_status()
    for text in (*PAYLOADS, *MARKDOWN_PAYLOADS, "@hana"):
        said = {"text": text, "at": {"start_ms": 100, "end_ms": 200}}
        written = owner.post(f"/mechanisms/{site.mechanisms[1]}/comments", json=said).raise_for_status()
        site.ids["comment"] = written.json()["id"]


def _collect_and_follow(site: WebSite, client: httpx.Client) -> None:
    """Gives the user a collection, a feed and a search by a clip, so that their pages are not empty."""
    titled = {"title": PAYLOADS[0], "visibility": "public"}
    site.ids["collection"] = client.post("/collections", json=titled).raise_for_status().json()["id"]
    for id in site.mechanisms[1:3]:
        client.put(f"/collections/{site.ids['collection']}/mechanisms/{id}", json={}).raise_for_status()
    client.put(f"/users/{site.ids['yui']}/follow").raise_for_status()
    client.put("/categories/hostile/follow").raise_for_status()
    files = {"file": ("phone.mp4", site.clip.read_bytes(), "video/mp4")}
    site.ids["search"] = client.post("/search/by-motion", files=files).raise_for_status().json()["id"]
    _wait_until_ready(client, f"/search/by-motion/{site.ids['search']}")


def _wait_until_ready(client: httpx.Client, path: str) -> None:
    deadline = time.monotonic() + MAX_WAIT / 1000
    while client.get(path).raise_for_status().json()["processing"]["state"] != "ready":
        assert time.monotonic() < deadline, f"not ready: {path}"
        time.sleep(0.2)

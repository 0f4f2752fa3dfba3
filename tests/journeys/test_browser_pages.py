"""Every page in Debian's Chromium: accessible, without shifts, errors or executed texts; and what people do."""

import re
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from random import randbytes

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.http.conftest import PASSWORD
from tests.journeys.web_site import (
    JAPANESE_TITLE,
    MAX_WAIT,
    Watched,
    WebSite,
    chromium,
    register,
    web_site,
)
from tests.solids import glb, stl, three_mf
from tests.web.addresses import page_paths

MAX_FIRST_REQUESTS = 30
MAX_SCRIPT_BYTES = 80_000
MAX_BYTES_OF_20 = 400_000
SOME_ID = "01900000-0000-7000-8000-0000000000ff"
_TRANSFERS = """() => performance.getEntries().filter(one => "transferSize" in one)
  .map(one => [new URL(one.name).pathname, one.transferSize])"""
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebSite]:
    with web_site(tmp_path_factory.mktemp("web")) as site:
        yield site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, chromium(playwright) as browser:
        yield browser


def problems_of(visitor: Watched, path: str) -> list[str]:
    """Opens and checks the page; again if its layout shifts, as it does when a busy machine sends it in pieces."""
    visitor.open(path)
    found = visitor.check()
    if not any("layout shifts" in problem for problem in found):
        return found
    visitor.open(path)
    return visitor.check()


def test_every_page_is_accessible_logs_no_error_and_executes_no_text(browser: Browser, site: WebSite) -> None:
    """Opened by an administrator, who sees all parts."""
    admin = Watched(browser, site)
    admin.sign_in("hana")
    found: list[str] = []
    for path in paths(site):
        found += problems_of(admin, path) + admin.in_dark() + admin.with_large_text()
    admin.close()
    assert found == []


def test_the_pages_of_guests_are_accessible_in_japanese(browser: Browser, site: WebSite) -> None:
    guest = Watched(browser, site, locale="ja-JP")
    found: list[str] = []
    for path in ("/", "/sign-in", "/register", "/?q=nothing-like-it", f"/m/{site.mechanisms[1]}"):
        page = guest.open(path)
        assert page.get_attribute("html", "lang") == "ja"
        found += guest.check() + guest.in_dark() + guest.with_large_text()
    guest.close()
    assert found == []


def test_a_visitor_turns_models_by_keyboard_and_no_other_host_learns_of_it(
    browser: Browser, site: WebSite
) -> None:
    id = site.mechanisms[2]
    models = {"stl": stl(), "3mf": three_mf(), "glb": glb("http://other.example/texture.png")}
    with site.api("yui") as owner:
        for name, content in models.items():
            file = {"file": (f"solid.{name}", content)}
            owner.post(f"/mechanisms/{id}/attachments", files=file).raise_for_status()
    guest = Watched(browser, site)
    page = guest.open(f"/m/{id}")
    for name in models:
        page.get_by_role("button", name=f"solid.{name}").press("Enter")
        picture = page.get_by_role("img", name=f"solid.{name}")
        expect(picture).to_be_focused(timeout=MAX_WAIT)
        expect(picture.locator("canvas")).to_be_visible(timeout=MAX_WAIT)
        before = picture.screenshot()
        page.keyboard.press("ArrowLeft")
        assert picture.screenshot() != before, name
    assert guest.check() == []
    guest.close()


def test_a_refused_form_is_accessible_and_leads_to_its_wrong_field(browser: Browser, site: WebSite) -> None:
    guest = Watched(browser, site)
    page = guest.open("/register")
    page.fill("#username", "two words")
    page.fill("#email", "another@example.com")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("[aria-invalid]")

    assert page.evaluate("document.activeElement.id") == "username"
    assert page.input_value("#email") == "another@example.com"
    assert page.input_value("#password") == ""
    assert guest.check() + guest.in_dark() == []
    guest.close()


def test_the_first_page_is_small_until_somebody_looks(browser: Browser, site: WebSite) -> None:
    guest = Watched(browser, site)
    page = guest.open("/")
    page.wait_for_load_state("networkidle")
    sizes = dict(transfers(page))
    pictures = {path: size for path, size in sizes.items() if "/media/" in path}
    scripts = sum(size for path, size in sizes.items() if path.endswith(".js"))
    guest.close()

    shown = len(site.mechanisms) - 2
    assert len(pictures) == shown  # thumbnails alone
    assert len(sizes) - shown + 20 <= MAX_FIRST_REQUESTS
    assert 0 < scripts <= MAX_SCRIPT_BYTES
    rest = sum(sizes.values()) - sum(pictures.values())
    assert rest + 20 * max(pictures.values()) <= MAX_BYTES_OF_20


def test_a_searcher_finds_a_mechanism_in_japanese_by_keyboard(browser: Browser, site: WebSite) -> None:
    searcher = Watched(browser, site, locale="ja-JP")
    page = searcher.open("/")
    page.keyboard.press("/")
    page.keyboard.insert_text("遊星")
    page.wait_for_selector("[role=option]")
    found = searcher.check()
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=*")

    assert page.inner_text("h1") == "「遊星」の検索結果"
    page.focus(f"a:has-text('{JAPANESE_TITLE}')")
    page.keyboard.press("Enter")
    page.wait_for_url("**/m/*")
    assert page.inner_text("h1") == JAPANESE_TITLE
    found += searcher.check()
    summary = page.locator("summary", has_text="引用")
    summary.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(summary).to_be_focused(timeout=MAX_WAIT)
    expect(page.locator("details[open]", has=summary)).to_have_count(0, timeout=MAX_WAIT)
    searcher.close()
    assert found == []


def test_a_moderator_withdraws_with_a_reason_that_the_owner_reads(browser: Browser, site: WebSite) -> None:
    reason = "The clip shows a trademark. Remove it and upload again."
    moderator, owner, guest = (Watched(browser, site) for _ in range(3))
    moderator.sign_in("ren")
    page = moderator.open(f"/moderation/{site.mechanisms[2]}")
    page.fill("#reason", reason)
    page.click("form[action$='/withdraw'] button")
    page.wait_for_selector("form[action$='/reinstate']")
    found = moderator.check()

    owner.sign_in("yui")
    assert reason in owner.open(f"/m/{site.mechanisms[2]}").inner_text("main")
    assert guest.page.goto(f"{site.url}/m/{site.mechanisms[2]}").status == 404
    for one in (moderator, owner, guest):
        one.close()
    assert found == []


def test_a_page_takes_a_like_and_shows_news_without_a_reload(browser: Browser, site: WebSite) -> None:
    owner = Watched(browser, site)
    owner.sign_in("yui")
    page = owner.open(f"/m/{site.mechanisms[1]}")
    page.evaluate("window.stays = true")
    like, unread = page.locator("form[action$='/marks/like'] button"), page.locator(".bell strong")
    like.click()
    expect(like).to_have_attribute("aria-pressed", "true", timeout=MAX_WAIT)

    before = int(unread.text_content() or 0)
    with site.api("hana") as other:
        said = {"text": "play"}
        other.post(f"/mechanisms/{site.mechanisms[1]}/comments", json=said).raise_for_status()
    expect(unread).to_have_text(str(before + 1), timeout=MAX_WAIT)

    assert page.evaluate("window.stays")
    found = owner.check()
    owner.close()
    assert found == []


def test_the_moment_of_a_comment_is_played_from_the_page_of_its_thread(
    browser: Browser, site: WebSite
) -> None:
    about = f"/m/{site.mechanisms[1]}"
    with site.api("hana") as other:
        said = {"text": "play", "at": {"start_ms": 200, "end_ms": 400}}
        sent = other.post(f"/mechanisms/{site.mechanisms[1]}/comments", json=said).raise_for_status()
    guest = Watched(browser, site)
    page = guest.open(f"{about}/comments/{sent.json()['id']}")
    page.click("main a[data-start]")
    page.wait_for_url(f"**{about}#t=0.2,0.4")
    expect(page.locator("loop-player [data-action=whole]")).to_be_enabled(timeout=MAX_WAIT)
    found = guest.check()
    guest.close()
    assert found == []


def test_a_newcomer_shares_a_clip_by_its_link(browser: Browser, site: WebSite) -> None:
    newcomer = Watched(browser, site, viewport={"width": 390, "height": 844}, has_touch=True)
    page = newcomer.open("/upload")
    page.click("main a[href*='/register']")
    page.fill("#username", "mei")
    page.fill("#email", "mei@example.com")
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/upload")

    model = {"name": "part.step", "mimeType": "", "buffer": b"ISO-10303-21;"}
    page.set_input_files("[data-role=choose]", model)
    expect(page.locator(".upload [data-role=message]")).to_contain_text(
        "The format of this file is not supported"
    )
    page.evaluate("window.shift = 0")
    found = newcomer.check()
    page.click(".upload [data-role=remove]")

    page.set_input_files("[data-role=choose]", site.clip)
    assert page.input_value(".upload [name=title]") == "phone"  # from the name of the file
    page.fill(".upload [name=title]", "Slider-crank of a compressor")
    page.evaluate("window.shift = 0")  # a program chose the file, which Chromium does not count as input
    found += newcomer.check()
    page.click("[data-role=start]")
    page.click("[data-role=publish]")
    expect(page.locator(".quota")).not_to_contain_text("0 B")
    found += newcomer.check()
    page.click("[data-role=open]")
    link = page.input_value("#share-link")
    newcomer.close()

    guest = Watched(browser, site)
    guest.page.goto(link)
    assert guest.page.inner_text("h1") == "Slider-crank of a compressor"
    guest.page.wait_for_function("() => document.querySelector('video').readyState >= 2")
    found += guest.check()
    guest.close()
    assert found == []


def test_an_upload_goes_on_after_the_page_was_reloaded(
    browser: Browser, site: WebSite, tmp_path: Path
) -> None:
    """The connection sends 256 KiB/s until the reload, so that the file of 3 MiB is cut in the middle."""
    file, padding = tmp_path / "long.mp4", randbytes(3 * 1024 * 1024)
    file.write_bytes(site.clip.read_bytes() + (len(padding) + 8).to_bytes(4) + b"free" + padding)
    sender = Watched(browser, site)
    sender.sign_in("yui")
    page = sender.open("/upload")
    network = sender.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 256 * 1024}
    network.send("Network.emulateNetworkConditions", slow)
    page.set_input_files("[data-role=choose]", file)
    with page.expect_request(lambda request: request.method == "PATCH") as sending:
        page.click("[data-role=start]")
    with site.api("yui") as owner:
        stored = wait_for_bytes(owner, sending.value.url)
        page.reload()
        network.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
        page.set_input_files("[data-role=choose]", file)
        with page.expect_request(lambda request: request.method == "PATCH") as resuming:
            page.click("[data-role=start]")
        page.wait_for_selector("[data-role=open]")
        id = (page.get_attribute("[data-role=open]", "href") or "").rpartition("/")[2]
        original = owner.get(f"/mechanisms/{id}/original").raise_for_status().content

    assert resuming.value.url == sending.value.url
    assert stored <= int(resuming.value.headers["upload-offset"]) < file.stat().st_size
    assert sha256(original).digest() == sha256(file.read_bytes()).digest()
    sender.close()


def wait_for_bytes(owner: httpx.Client, upload: str) -> int:
    """Waits until the server has stored a part of the upload; returns its bytes."""
    ends = time.monotonic() + MAX_WAIT / 1000
    while time.monotonic() < ends:
        head = owner.head(upload, headers={"Tus-Resumable": "1.0.0"}).raise_for_status()
        if stored := int(head.headers["upload-offset"]):
            return stored
        time.sleep(0.1)
    raise TimeoutError("the server has stored nothing of the upload")


def test_an_owner_edits_publishes_and_withdraws(browser: Browser, site: WebSite) -> None:
    owner, guest = Watched(browser, site), Watched(browser, site)
    own = f"/m/{site.mechanisms[0]}"
    owner.sign_in("yui")
    page = owner.open(own + "/edit")
    page.fill("[name=title]", "Peaucellier-Lipkin linkage")
    page.click("main form button.primary")
    page.wait_for_url("**" + own)
    page.click("#actions ~ * button.primary")
    page.wait_for_selector("#share-link")
    assert guest.open(own).inner_text("h1") == "Peaucellier-Lipkin linkage"

    page.click("details:has(form[action$='/withdraw']) summary")
    found = owner.check()
    page.click("form[action$='/withdraw'] button")
    page.wait_for_selector(".notice.warn")
    assert page.inner_text("h1") == "Peaucellier-Lipkin linkage"
    assert guest.page.goto(site.url + own).status == 404
    owner.close()
    guest.close()
    assert found == []


def test_an_administrator_suspends_a_user_whose_session_ends(browser: Browser, site: WebSite) -> None:
    register(site.url, "kai")
    user, admin = Watched(browser, site), Watched(browser, site)
    user.sign_in("kai")
    admin.sign_in("hana")
    page = admin.open("/admin/users?name=kai")
    page.click("button[name=suspended]")
    page.wait_for_selector("button[name=suspended][value=no]")
    found = admin.check()

    user.open("/settings").wait_for_url(re.compile(r"/sign-in\?next="))
    user.fill_sign_in("kai")
    user.page.wait_for_selector("[role=alert]")
    user.close()
    admin.close()
    assert found == []


def test_a_button_says_why_it_does_nothing_after_signing_out_in_another_tab(
    browser: Browser, site: WebSite
) -> None:
    user = Watched(browser, site)
    user.sign_in("ren")
    page = user.open(f"/m/{site.mechanisms[1]}")
    like = page.locator("in-place button").first
    like.click()
    expect(like).to_have_attribute("aria-pressed", "true", timeout=MAX_WAIT)
    user.context.clear_cookies()
    like.click()
    expect(page.locator("h1")).to_have_text("You are signed out", timeout=MAX_WAIT)
    user.close()


def paths(site: WebSite) -> list[str]:
    values = {"mechanism_id": site.mechanisms[1], "user_id": site.ids["yui"], "category_id": "hostile"}
    values |= {f"{name}_id": site.ids[name] for name in ("collection", "comment", "group", "search")}
    pages = page_paths(job_id=SOME_ID, **values)
    compared = f"/compare?a={site.mechanisms[1]}&b={site.mechanisms[2]}"
    withdrawn = f"/m/{site.withdrawn}"
    return [
        *pages,
        compared,
        withdrawn,
        f"/m/{SOME_ID}",
        "/nothing-here",
        "/?q=nothing-like-it",
        "/?q=executed",
    ]


def transfers(page: Page) -> list[tuple[str, int]]:
    """Returns the path and the bytes on the network of the page and of each file that it loaded."""
    loaded: list[tuple[str, int]] = page.evaluate(_TRANSFERS)
    return loaded

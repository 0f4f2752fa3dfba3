"""Takes the pictures of the pages for README and docs: `nox -s screenshots`."""

import io
import os
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tools.demo_site import demo_site, published

PICTURES = Path(__file__).parents[1] / "docs/pictures"
SIZE = (1280, 800)
MAX_BYTES = 200_000


def take_pictures(browser: Browser, url: str) -> None:
    """Writes each picture into docs/pictures."""
    first, second = published(url)[:2]
    page = _open(browser, "en-GB")
    _save(page, f"{url}/", "home.png")
    _save(page, f"{url}/m/{first}", "watch.png")
    _save(page, f"{url}/compare?a={first}&b={second}", "compare.png")
    _save(_open(browser, "ja-JP"), f"{url}/", "home-ja.png")


def _open(browser: Browser, locale: str) -> Page:
    size = {"width": SIZE[0], "height": SIZE[1]}
    return browser.new_page(viewport=size, locale=locale, color_scheme="light")  # type: ignore[arg-type]


def _save(page: Page, address: str, name: str) -> None:
    """Writes the picture of the page with a palette of 256 colours, which makes it small."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    file = PICTURES / name
    picture.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=2).save(file, optimize=True)
    if file.stat().st_size > MAX_BYTES:
        raise ValueError(f"{file} has {file.stat().st_size} bytes, more than {MAX_BYTES}")
    print(file, file.stat().st_size)


def main() -> None:
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("chromium is not installed: apt-get install chromium")
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with demo_site() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        take_pictures(browser, url)
        browser.close()


if __name__ == "__main__":
    main()

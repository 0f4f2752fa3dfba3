"""Rates the home page and a watch page by Lighthouse: `nox -s lighthouse`."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tools.demo_site import demo_site, published

PROGRAM = Path(__file__).parents[1] / "web/lighthouse/node_modules/.bin/lighthouse"
REQUIRED = ("accessibility", "best-practices", "seo")
"""Categories in which a page must have 100. The performance depends on the machine and is printed."""
FLAGS = "--headless=new --disable-dev-shm-usage" + (" --no-sandbox" if os.geteuid() == 0 else "")


def rate(url: str) -> dict[str, int]:
    """Returns the rating of the page in each category, up to 100, and prints what failed, and where."""
    command = [
        str(PROGRAM),
        url,
        "--quiet",
        "--output=json",
        "--output-path=stdout",
        f"--chrome-flags={FLAGS}",
    ]
    environ = {**os.environ, "CHROME_PATH": shutil.which("chromium") or ""}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=600)
    report = json.loads(done.stdout)
    for category in REQUIRED:
        for audit in report["categories"][category]["auditRefs"]:
            shown = report["audits"][audit["id"]]
            if audit["weight"] and shown["score"] not in (None, 1):
                print(f"{url}: {category}: {shown['title']}", *_places(shown), sep="\n  ")
    return {name: round(100 * (one["score"] or 0)) for name, one in report["categories"].items()}


def _places(audit: dict[str, Any]) -> list[str]:
    """Returns the source of each element that failed."""
    items = audit.get("details", {}).get("items", [])
    return [one["node"]["snippet"] for one in items if "node" in one]


def main() -> None:
    with demo_site() as url:
        ratings = {page: rate(page) for page in (f"{url}/", f"{url}/m/{published(url)[0]}")}
    for page, rating in ratings.items():
        print(page, rating)
    if any(rating[name] < 100 for rating in ratings.values() for name in REQUIRED):
        raise SystemExit(f"{', '.join(REQUIRED)} must be 100")


if __name__ == "__main__":
    main()

"""The pages of the documentation, as tests read them."""

import os
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
_HEADING = re.compile(r"^#{1,6} (.+)$", re.M)
_FENCED = re.compile(r"^( *)```.*?^\1```", re.M | re.S)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def committed(name: str, text: str) -> str:
    """Returns the committed text of the generated page `name`; with UPDATE_DOCS set, writes `text` to it first."""
    path = DOCS / name
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8")


def pages() -> list[Path]:
    """Returns every Markdown page of the repository, except those of an environment or a build."""
    found = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    found += [page for folder in ("bench", "examples", "servers") for page in (ROOT / folder).rglob("*.md")]
    return sorted(found)


@cache
def prose(page: Path) -> str:
    """Returns the page without its code blocks."""
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """Returns the targets of the page's links into the repository."""
    return [
        target
        for target in _LINK.findall(prose(page))
        if "://" not in target and not target.startswith("mailto:")
    ]


@cache
def anchors(page: Path) -> frozenset[str]:
    """Returns the fragments of the page's headings, as GitHub and MyST generate them."""
    headings = _HEADING.findall(prose(page))
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)

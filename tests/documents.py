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
    """The generated page `name` as the repository has it; with UPDATE_DOCS set, `text` is written to it first."""
    path = DOCS / name
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8")


def pages() -> list[Path]:
    """Every Markdown page of the repository, but none of an environment or a build."""
    found = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    found += [page for folder in ("bench", "examples", "servers") for page in (ROOT / folder).rglob("*.md")]
    return sorted(found)


@cache
def prose(page: Path) -> str:
    """The page without its code blocks."""
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """The targets of the page's links that lead into the repository."""
    return [
        target
        for target in _LINK.findall(prose(page))
        if "://" not in target and not target.startswith("mailto:")
    ]


@cache
def anchors(page: Path) -> frozenset[str]:
    """The fragments by which the page's headings can be linked to, as GitHub and MyST make them."""
    headings = _HEADING.findall(prose(page))
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)

"""Renders the Markdown of comments as HTML: text, links, code, lists and quotations."""

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt

_MAX_NESTING = 20
_TAGS = {"p", "br", "em", "strong", "code", "pre", "a", "ul", "ol", "li", "blockquote"}
_PARSER = MarkdownIt(
    "commonmark", {"html": False, "breaks": True, "linkify": False, "maxNesting": _MAX_NESTING}
).disable(["image", "heading", "lheading", "hr", "reference", "html_block", "html_inline"])
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
    url_schemes={"http", "https"},
    link_rel="nofollow ugc noopener noreferrer",
)


@lru_cache(maxsize=4096)
def rendered(text: str) -> str:
    """Returns safe HTML. Markup of the text itself is shown as text, and only http and https are linked."""
    # Twice safe: the parser writes no markup of the text, and the cleaner removes all but the listed elements.
    return _CLEANER.clean(_PARSER.render(text))

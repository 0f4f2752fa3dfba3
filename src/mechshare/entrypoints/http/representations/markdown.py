"""Renders texts of users as HTML: the Markdown of comments, and links in plain texts."""

import re
from collections.abc import Iterator, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from mechshare.domain.comments import Mention, find_mentions

_MAX_NESTING = 20
_REMEMBERED_COMMENTS, _REMEMBERED_TEXTS = 1_024, 128
"""The longest text of each kind, if it consists of addresses, takes some 50 KiB as a comment and 500 KiB otherwise."""
_TAGS = {"p", "br", "em", "strong", "code", "pre", "a", "ul", "ol", "li", "blockquote"}
# Japanese text follows an address without a space, so its brackets and full stops end one.
_URL = re.compile(r"(?<![A-Za-z0-9])https?://[^\s<>\"`（）「」『』【】〈〉《》、。，．！？…]+", re.IGNORECASE)
_ABSOLUTE = re.compile(r"https?://[^/?#]", re.IGNORECASE)
_TRAILING = ".,:;!?'"
"""Marks that end a sentence rather than an address."""


class _Link(NamedTuple):
    """The part of a text from `start` to `end` that leads to `href`."""

    start: int
    end: int
    href: str


@lru_cache(maxsize=_REMEMBERED_COMMENTS)
def rendered(text: str, mentions: tuple[Mention, ...] = (), site: str = "") -> str:
    """Returns safe HTML of Markdown: text, links, code, lists and quotations.

    Markup of the text itself is shown as text. Only http and https are linked, bare addresses as well, and `mentions`
    to the profiles below the address `site`.
    """
    # Twice safe: the parser writes no markup of the text, and the cleaner removes all but the listed elements.
    return _CLEANER.clean(_MARKDOWN.render(text, {"mentions": mentions, "site": site}))


@lru_cache(maxsize=_REMEMBERED_TEXTS)
def linked(text: str) -> str:
    """Returns safe HTML of a plain text, in which http and https addresses are links."""
    return _CLEANER.clean(_PLAIN.renderInline(text, {"mentions": (), "site": ""}))


def _link_addresses(state: StateCore) -> None:
    for block in state.tokens:
        if block.type == "inline":
            block.children = list(_with_links(block.children or [], state))


def _with_links(tokens: Sequence[Token], state: StateCore) -> Iterator[Token]:
    """Yields the tokens, with links in place of addresses and mentions in texts that are in no link."""
    depth = 0
    for token in tokens:
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "text" and depth == 0:
            yield from _divided(token.content, state)
        else:
            yield token


def _divided(text: str, state: StateCore) -> Iterator[Token]:
    at = 0
    for link in sorted([*_addresses(text, state.md), *_mentions(text, state.env)]):
        if link.start < at:  # a mention in an address
            continue
        yield _text(text[at : link.start])
        yield Token("link_open", "a", 1, attrs={"href": link.href})
        yield _text(text[link.start : link.end])
        yield Token("link_close", "a", -1)
        at = link.end
    yield _text(text[at:])


def _addresses(text: str, parser: MarkdownIt) -> Iterator[_Link]:
    for match in _URL.finditer(text):
        address = _without_trailing(match[0])
        href = parser.normalizeLink(address)
        if not address.endswith("//") and parser.validateLink(href):
            yield _Link(match.start(), match.start() + len(address), href)


def _mentions(text: str, facts: MutableMapping[str, Any]) -> Iterator[_Link]:
    for start, end, user_id in find_mentions(text, facts["mentions"]):
        yield _Link(start, end, f"{facts['site']}/u/{user_id}")


def _without_trailing(address: str) -> str:
    """Returns the address without the marks that follow it, such as a bracket that it does not open."""
    unopened, end = max(0, address.count(")") - address.count("(")), len(address)
    while end and (address[end - 1] in _TRAILING or (address[end - 1] == ")" and unopened)):
        end -= 1
        unopened -= address[end] == ")"
    return address[:end]


def _is_linked(url: str) -> bool:
    """Whether `url` becomes a link: what has no host would lead elsewhere on every site that shows the text."""
    return _ABSOLUTE.match(url) is not None


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _parser(preset: str) -> MarkdownIt:
    parser = MarkdownIt(preset, {"html": False, "breaks": True, "maxNesting": _MAX_NESTING})
    parser.validateLink = _is_linked  # type: ignore[method-assign]
    parser.core.ruler.push("addresses", _link_addresses)
    return parser


_MARKDOWN = _parser("commonmark").disable(
    ["image", "heading", "lheading", "hr", "reference", "html_block", "html_inline"]
)
_PLAIN = _parser("zero")
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
    url_schemes={"http", "https"},
    link_rel="nofollow ugc noopener noreferrer",
)

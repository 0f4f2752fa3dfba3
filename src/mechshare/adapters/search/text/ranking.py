"""What is searched, what a match in each place weighs, and what is offered first."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from mechshare.adapters.search.text.normalization import normalize_line
from mechshare.adapters.search.text.tokenizer import index_text
from mechshare.domain.search import SearchDocument

WEIGHTS = (9.0, 3.0, 1.0)
"""What a match in the title, in category names and in the author adds to the 1 that it weighs anywhere."""
PLACES = ("title_words", "category_words", "author_words")
"""The names by which indices hold the tokens of these, in this order."""
EQUAL_TITLE = 1_000_000.0
"""More than any sum of matches can be."""
BREVITY = 0.001
"""What each character of a title takes away: of two alike, the one that says less besides is first."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def searched_fields(document: SearchDocument) -> tuple[str, str, str, str]:
    """The texts that WEIGHTS weighs, in its order, and the description."""
    return document.title, "\n".join(document.category_names), document.author_name, document.description


def searched_words(document: SearchDocument) -> tuple[str, ...]:
    """The tokens of `searched_fields`, each with a space before and behind: where a phrase's pattern is looked for."""
    return tuple(f" {index_text(text)} " for text in searched_fields(document))


def microseconds(moment: datetime) -> int:
    """Since 1970, exactly: what orders documents by age."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def in_order(offers: Iterable[tuple[bool, str]], limit: int) -> tuple[str, ...]:
    """Of titles, and whether each opens with what was asked: those that do before the others, in the order of the
    alphabet, each once, whatever its width and case."""
    best: dict[str, tuple[bool, str]] = {}
    for opens, title in offers:
        line, offer = normalize_line(title), (not opens, title)
        best[line] = min(best.get(line, offer), offer)
    lines = sorted(best, key=lambda line: (best[line][0], line))
    return tuple(best[line][1] for line in lines[: max(limit, 0)])

"""Ranking: the searched fields, the weight of a match in each, and the order of suggestions."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from mechshare.adapters.search.text.normalization import normalize_line, normalize_text
from mechshare.adapters.search.text.passages import passage_words, passages_of
from mechshare.adapters.search.text.tokenizer import index_text, openings, spelling_text
from mechshare.domain.search_documents import SearchDocument

WEIGHTS = (9.0, 3.0, 1.0)
"""Scores that a match in the title, the category names or the author's name adds to the 1 of any match."""
PLACES = ("title_words", "category_words", "author_words")
"""The index fields that hold the tokens of these texts, in the order of WEIGHTS."""
SPELLING = 2.0
"""The score that a title adds for a clause which it has as it was typed, for instance モータ and not モーター."""
RELATED = 0.5
"""The part of a weight that a match by the thesaurus gets."""
STRICT = 1_000.0
"""The score of what matches a query as it was typed, if the query was loosened: more than any sum of matches."""
EQUAL_TITLE = 1_000_000.0
"""The score of a title that equals the query: more than any sum of matches."""
BREVITY = 0.001
"""Subtracted from the score for each character of the title: among equal matches, the shortest title is first."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def searched_fields(document: SearchDocument) -> tuple[str, str, str, str]:
    """Returns the texts to which WEIGHTS applies, in its order, and the description."""
    return document.title, "\n".join(document.category_names), document.author_name, document.description


def searched_words(document: SearchDocument) -> tuple[str, ...]:
    """Returns the tokens of each of `searched_fields`, then those of its pages (`passage_words`), with a space before
    and after each, for `Phrase.pattern`."""
    fields = (f" {index_text(text)} " for text in searched_fields(document))
    return (*fields, passage_words(passages_of(document.pages)))


def author_openings(name: str, username: str) -> tuple[str, ...]:
    """Returns the texts by whose prefixes the display name of this author is suggested."""
    return tuple(dict.fromkeys((*openings(name), *openings(username))))


def title_spelling(document: SearchDocument) -> str:
    """Returns the words of the title as they are written, with a space before and after each."""
    return f" {spelling_text(normalize_text(document.title).text)} "


def microseconds(moment: datetime) -> int:
    """Returns the exact microseconds since 1970, by which documents are sorted."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment_of(microseconds: int) -> datetime:
    """Returns the moment that is these microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


def in_order(candidates: Iterable[tuple[bool, str]], limit: int) -> tuple[str, ...]:
    """Returns the first `limit` distinct titles of `offers`: (begins with the prefix, title).

    Titles that begin with the prefix come first, each group in alphabetical order. Titles that differ only in width or
    case count as one.
    """
    best: dict[str, tuple[bool, str]] = {}
    for opens, title in candidates:
        line, candidate = normalize_line(title), (not opens, title)
        best[line] = min(best.get(line, candidate), candidate)
    lines = sorted(best, key=lambda line: (best[line][0], line))
    return tuple(best[line][1] for line in lines[: max(limit, 0)])

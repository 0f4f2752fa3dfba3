"""The texts of queries: other spellings of one, and names that one begins."""

import re
import unicodedata
from collections.abc import Sequence

from mechshare.domain.search import Synonyms

_MAX_RESPELLED = 6
"""Other spellings of a query that are tried if nothing matches it, at most."""


def respelled(text: str, nearest: Synonyms) -> Sequence[str]:
    """Returns `text` with the nearest word for each of its words, then with other near words one by one."""
    best = text
    for word, names in nearest:
        best = _replaced(best, word, names[0])
    others = (_replaced(text, word, name) for word, names in nearest for name in names)
    texts = dict.fromkeys((best, *others))
    return [each for each in texts if each != text][:_MAX_RESPELLED]


def _replaced(text: str, word: str, other: str) -> str:
    return re.sub(re.escape(word), lambda _: other, text, flags=re.IGNORECASE)


def completes(typed: str, name: str) -> bool:
    """Whether a word of `name` begins with `typed`; in Japanese, any part of it."""
    beginning, text = (unicodedata.normalize("NFKC", each).casefold() for each in (typed, name))
    if beginning.isascii():
        return f" {text}".replace("-", " ").find(f" {beginning}") >= 0
    return beginning in text

"""The words of a query as a database looks for them, as parts of texts: by a few spellings of each."""

import re
from collections.abc import Iterator, Sequence

from mechshare.adapters.search.text.english import unified
from mechshare.adapters.search.text.query import parts_of_query, plain_words
from mechshare.adapters.search.text.spelling import as_hiragana
from mechshare.adapters.search.text.thesaurus import Thesaurus
from mechshare.adapters.search.text.tokenizer import stem

_MAX_NAMES = 3
"""Names of the thesaurus for a word: each costs as much as a further word."""
_MAX_NAMED_WORDS = 3
"""Words of a query that are looked for by more than their typed form, at most."""
_MIN_STEM = 3
_FINAL_MARK = re.compile(r"(?<=[ァ-ヺ])ー(?![ァ-ヺー])")
_TO_KATAKANA = {code: code + 0x60 for code in range(0x3041, 0x3097)}


class DatabaseWords:
    """Finds the words of queries, with their other spellings and names."""

    def __init__(self, thesaurus: Thesaurus) -> None:
        self._thesaurus = thesaurus

    def find_words(self, text: str) -> Sequence[tuple[str, ...]]:
        """Returns the words of the query `text`, each as typed and then by the other texts that may stand for it.

        Leaves out what follows a minus, and the operators themselves. What has no letter is a word as it is.
        """
        words = [word for part in parts_of_query(text) if not part["minus"] for word in self._words(part)]
        rest = [word[:1] for word in words[_MAX_NAMED_WORDS:]]
        return [*words[:_MAX_NAMED_WORDS], *rest] or [(word,) for word in text.split()]

    def _words(self, part: re.Match[str]) -> Iterator[tuple[str, ...]]:
        if part["plain"] is None:
            yield from ((word,) for word in part["quoted"].split())
            return
        for word in plain_words(part["plain"]):
            names = [name for _, names in self._thesaurus.find_synonyms(word) for name in names]
            yield tuple(dict.fromkeys((word, *_spellings(word), *names[:_MAX_NAMES])))


def _spellings(word: str) -> Iterator[str]:
    if word.isascii():
        root = stem(word.lower())
        # A stem within its words finds them all; otherwise (planetari) only the American spelling is another text.
        yield root if len(root) >= _MIN_STEM and word.lower().startswith(root) else unified(word.lower())
        return
    bare = _FINAL_MARK.sub("", word)
    yield bare
    yield as_hiragana(bare)
    yield bare.translate(_TO_KATAKANA)

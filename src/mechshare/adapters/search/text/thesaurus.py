"""The bilingual thesaurus of mechanisms and physics: thesaurus.txt, and the entries that an administrator adds.

A line is one thing: its names, separated by commas. An empty line and one that begins with `#` say nothing. Names are
compared in unified spelling, so that each name stands once, whatever its spellings and inflections.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from importlib.resources import files
from itertools import islice, product

from mechshare.adapters.search.text.loosening import edit_distance, most_edits_unfound
from mechshare.adapters.search.text.query import plain_words
from mechshare.adapters.search.text.ranking import in_order
from mechshare.adapters.search.text.spelling import as_hiragana, spelled
from mechshare.adapters.search.text.tokenizer import (
    is_cjk,
    opening_of,
    openings,
    tokens_of,
    without_okurigana,
)
from mechshare.domain.search import Synonyms, WordParts

MAX_NAMES = 8
"""Names by which a term is searched for; each costs as much as a word of the query."""
MAX_TERMS = 10
"""Terms of a query that are looked up."""
_MAX_TERM_WORDS = 5
_MIN_RESEMBLING = 3
"""Characters of a word that may be a misspelt name."""
_MAX_PART_NAMES = 3
_MAX_PARTED_LENGTH = 30
"""Characters of a word in which terms are looked for; each costs ten look-ups."""
_MAX_TERM_LENGTH = 12
"""Characters of a term within a longer Japanese word."""


class MalformedThesaurus(ValueError):
    """A line has fewer than two names."""


class Thesaurus:
    """Finds terms in queries. `names` are those of each thing, by the key of each of them."""

    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        self._names = names

    def find_synonyms(self, text: str) -> Synonyms:
        """Returns the terms in the query `text`, as written there, each with its other names.

        Of terms that overlap, the longest one counts. Nothing in quotes, after a minus or after an operator is a term.
        """
        found = dict(self._terms(plain_words(text)))
        return tuple(found.items())[:MAX_TERMS]

    def find_parts(self, text: str) -> WordParts:
        """Returns the Japanese words of the query `text` that are no terms but contain some, each with these terms:
        歯車 and 減速機 in 歯車減速機."""
        words = [
            word
            for word in dict.fromkeys(plain_words(text))
            if is_cjk(word) and _key(word) not in self._names
        ]
        found = ((word, tuple(self._parts(word))) for word in words)
        return tuple((word, terms) for word, terms in found if terms)[:MAX_TERMS]

    def find_nearest(self, text: str) -> Synonyms:
        """Returns the words of the query `text` that are no names but resemble some, each with the nearest ones."""
        words = [word for word in dict.fromkeys(plain_words(text)) if _key(word) not in self._names]
        found = (
            (word, self._nearest(word))
            for word in words[:MAX_TERMS]
            if _MIN_RESEMBLING <= len(word) <= _MAX_PARTED_LENGTH
        )
        return tuple((word, names) for word, names in found if names)

    def _nearest(self, word: str) -> tuple[str, ...]:
        written, most = _comparable(word), most_edits_unfound(word)
        distances = {
            name: edit_distance(written, other, most)
            for other, name in self._written.items()
            if abs(len(other) - len(written)) <= most
        }
        near = [name for name, distance in distances.items() if distance <= most]
        return tuple(sorted(near, key=lambda name: (distances[name], name))[:MAX_NAMES])

    @cached_property
    def _written(self) -> Mapping[str, str]:
        """Every name by its spelling without what `_comparable` unifies."""
        return {_comparable(name): name for names in self._names.values() for name in names}

    def suggest(self, typed: str, limit: int) -> tuple[str, ...]:
        """Returns names that `typed` completes to: those that begin with it, then those with a later word that does."""
        beginning = opening_of(typed)
        if not beginning:
            return ()
        return in_order(
            ((number == 0, name) for text, number, name in self._openings if text.startswith(beginning)),
            limit,
        )

    @cached_property
    def _openings(self) -> Sequence[tuple[str, int, str]]:
        names = dict.fromkeys(name for names in self._names.values() for name in names)
        return [(text, number, name) for name in names for number, text in enumerate(openings(name))]

    def _parts(self, word: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yields the terms within `word`; of terms that overlap, the first one, the longest if several begin there."""
        start = 0 if len(word) <= _MAX_PARTED_LENGTH else len(word)
        while start < len(word) - 1:
            for end in range(min(len(word), start + _MAX_TERM_LENGTH), start + 1, -1):
                if names := self._others(word[start:end]):
                    yield word[start:end], names
                    start = end
                    break
            else:
                start += 1

    def _others(self, term: str) -> tuple[str, ...]:
        """Returns the other names of `term`; none if it is no term."""
        key = _key(term)
        return tuple(name for name in self._names.get(key, ()) if _key(name) != key)[:MAX_NAMES]

    def _terms(self, words: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        position = 0
        while position < len(words):
            for end in range(min(len(words), position + _MAX_TERM_WORDS), position, -1):
                term = " ".join(words[position:end])
                if names := self._others(term):
                    yield term, names
                    position = end
                    break
            else:
                if names := self._compounds(words[position]):
                    yield words[position], names
                position += 1

    def _compounds(self, word: str) -> tuple[str, ...]:
        """Returns the English names of a Japanese word that terms make up: 歯車減速機 -> gear reducer."""
        parts = list(self._parts(word)) if is_cjk(word) else []
        if len(parts) < 2 or "".join(term for term, _ in parts) != word:
            return ()
        english = [[name for name in names if name.isascii()][:_MAX_PART_NAMES] for _, names in parts]
        return tuple(" ".join(each) for each in islice(product(*english), MAX_NAMES))


def thesaurus_with(additions: str) -> Thesaurus:
    """Returns the thesaurus in thesaurus.txt and in `additions`, a text of the same form. Raises MalformedThesaurus."""
    return Thesaurus(_joined(_built_in(), _names_by_key(_entries_in(additions))))


@cache
def built_in_entries() -> Sequence[tuple[str, ...]]:
    text = files("mechshare.adapters.search.text").joinpath("thesaurus.txt").read_text("utf-8")
    return tuple(_entries_in(text))


@cache
def _built_in() -> Mapping[str, Sequence[str]]:
    return _names_by_key(built_in_entries())


def _entries_in(text: str) -> Iterator[tuple[str, ...]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        names = tuple(name.strip() for name in line.split(","))
        if len(names) < 2 or not all(map(_key, names)):
            raise MalformedThesaurus(f"line {number} needs two names or more, separated by commas: {line}")
        yield names


def _names_by_key(entries: Iterable[Sequence[str]]) -> Mapping[str, Sequence[str]]:
    by_key: dict[str, dict[str, None]] = {}
    for names in entries:
        for name in names:
            by_key.setdefault(_key(name), {}).update(dict.fromkeys(names))
    return {key: tuple(names) for key, names in by_key.items()}


def _joined(
    one: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[str]]
) -> Mapping[str, Sequence[str]]:
    return {
        key: list(dict.fromkeys((*other.get(key, ()), *one.get(key, ()))))
        for key in one.keys() | other.keys()
    }


def _comparable(word: str) -> str:
    return as_hiragana(spelled(word.casefold(), joins=True).text)


def _key(name: str) -> str:
    """Returns what all spellings of `name` have in common."""
    unified = spelled(" ".join(plain_words(name)), joins=True)
    bare = without_okurigana(unified.text)
    return " ".join(text for text in tokens_of(bare).texts if not text.startswith("="))

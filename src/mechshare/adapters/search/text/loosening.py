"""Loosens a query that matches little: by words of the index that differ by a typo, and by terms within longer words.

The mechanisms that match the query as it is come first.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from mechshare.adapters.search.text.phrases import Phrase
from mechshare.adapters.search.text.query import Clause, ParsedQuery, quoted_phrases
from mechshare.adapters.search.text.tokenizer import stem
from mechshare.domain.search import SearchQuery, SearchSort, Synonyms, WordParts

FEW = 20
"""A query with fewer matches is loosened; in a list by time, where nothing puts exact matches first, one without."""
MAX_NEAREST = 8
"""Words of the index by which a word of the query is found, too: the nearest ones."""
_MAX_TYPED = 5
"""Words of a query that are compared with those of the index, at most."""
_MIN_WORD, _MIN_LONG_WORD = 5, 9
_MAX_COMPARED = 16_384
"""Pairs of words whose distance is remembered: frequent queries are compared with the same words of the index."""
_WORD = re.compile(r"[a-z][^\W\d_]{2,63}")


def is_loosened(query: SearchQuery, parsed: ParsedQuery, total: int) -> bool:
    """Whether `total` matches are few enough to look for more."""
    return not parsed.is_blank and total < (1 if query.sort is SearchSort.NEWEST else FEW)


def typed_words(parsed: ParsedQuery) -> tuple[str, ...]:
    """Returns the words of the query, outside quotes, that a typo may have changed; the first few of many."""
    words = dict.fromkeys(word for clause in parsed.clauses if (word := _word_of(clause)))
    return tuple(words)[:_MAX_TYPED]


def most_edits(word: str) -> int:
    """Returns how many edits may separate `word` from another word that it finds: one from five letters on, two from
    nine."""
    return (len(word) >= _MIN_WORD) + (len(word) >= _MIN_LONG_WORD)


def most_edits_unfound(word: str) -> int:
    """Returns how many edits may separate `word` from one that is proposed instead if nothing is found."""
    return 1 if len(word) < _MIN_WORD else 2


def loosened(
    parsed: ParsedQuery, nearest: Mapping[str, Sequence[str]], parts: WordParts
) -> tuple[ParsedQuery, Synonyms]:
    """Returns the query that also matches by the words `nearest` to its own and by terms within its words, and what it
    matches by. If there is nothing of this, the query is the same."""
    found: dict[str, Sequence[str]] = {word: words for word, words in nearest.items() if words}
    for _, terms in parts:
        found |= dict(terms)
    clauses = tuple(_loosened(clause, nearest, parts) for clause in parsed.clauses)
    if clauses == parsed.clauses:
        return parsed, ()
    loose = replace(parsed, clauses=clauses, strict=parsed.clauses)
    return loose, tuple((word, tuple(names)) for word, names in found.items())


def _loosened(clause: Clause, nearest: Mapping[str, Sequence[str]], parts: WordParts) -> Clause:
    words = [Phrase((stem(word),)) for word in nearest.get(_word_of(clause), ())]
    names = [
        phrase
        for word, terms in parts
        if clause.is_written(word)
        for _, others in terms
        for name in others
        for phrase in quoted_phrases(name)
    ]
    more = [phrase for phrase in dict.fromkeys(words + names) if phrase not in clause.every]
    return replace(clause, related=clause.related + tuple(more)) if more else clause


def _word_of(clause: Clause) -> str:
    """Returns the word that `clause` is, or "" if it is none that a typo may have changed."""
    tokens = clause.spelling.tokens if clause.spelling and not clause.is_quoted else ()
    is_word = len(tokens) == 1 and _WORD.fullmatch(tokens[0]) is not None
    return tokens[0] if is_word else ""


def nearest_words(word: str, edits: int, tokens: Iterable[str]) -> tuple[str, ...]:
    """Returns the words among `tokens` that differ from `word` by one to `edits` edits, nearest first, then in
    alphabetical order; at most MAX_NEAREST."""
    letters = set(word)
    near = {
        written: distance
        for written in _written_words(tokens)
        if abs(len(written) - len(word)) <= edits
        and len(letters.symmetric_difference(written)) <= 2 * edits
        and 0 < (distance := edit_distance(word, written, edits)) <= edits
    }
    # A stem that is no word is left out beside its word: planetari and planetary.
    stems = {stem(written) for written in near if written not in (stem(written), stem(written) + "s")}
    words = [written for written in near if written not in stems]
    return tuple(sorted(words, key=lambda each: (near[each], each))[:MAX_NEAREST])


def _written_words(tokens: Iterable[str]) -> Iterator[str]:
    for token in tokens:
        written = token.removeprefix("=")
        if _WORD.fullmatch(written):
            yield written


@lru_cache(_MAX_COMPARED)
def edit_distance(one: str, other: str, most: int) -> int:
    """Returns how many letters must be added, left out, replaced, or swapped with their neighbour to make `other` of
    `one` (optimal string alignment); `most` + 1 if more than `most`."""
    before, row = [], list(range(len(other) + 1))
    for line, letter in enumerate(one, start=1):
        before, last, row = row, before, [line]
        for place, its in enumerate(other, start=1):
            cost = min(before[place] + 1, row[-1] + 1, before[place - 1] + (letter != its))
            is_swap = line > 1 and place > 1 and letter == other[place - 2] and one[line - 2] == its
            row.append(min(cost, last[place - 2] + 1) if is_swap else cost)
        if min(row) > most and min(before) > most:
            return most + 1
    return row[-1]

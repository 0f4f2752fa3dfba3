"""Passages: parts of the pages of a document, each short enough for a highlight."""

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mechshare.adapters.search.text.query import ParsedQuery
from mechshare.adapters.search.text.tokenizer import index_text

MAX_PASSAGE = 2_000
"""Characters. A passage ends at a space, if there is one in its second half."""
PASSAGE_END = "=#"
"""The token between two passages, so that no phrase matches across them; no word is written so."""
MAX_CPU_SECONDS = 0.1
"""CPU time of the thread for the choice of passages for one page of hits; a page of real documents takes a tenth."""

_MAX_CLAUSES = 10
"""Clauses of a query by which a passage is chosen: the first ones."""


class Passage(NamedTuple):
    """`page` counts from 1."""

    page: int
    text: str


def passages_of(pages: Sequence[str]) -> tuple[Passage, ...]:
    """Returns the passages of the pages with these texts, in order; none for a page without text."""
    return tuple(Passage(number, part) for number, text in enumerate(pages, 1) for part in _parts(text))


def _parts(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = start + MAX_PASSAGE
        if end < len(text):
            space = text.rfind(" ", start + MAX_PASSAGE // 2, end)
            end = space + 1 if space >= 0 else end
        yield text[start:end]
        start = end


def passage_words(passages: Sequence[Passage]) -> str:
    """Returns the tokens of all passages, with a space before and after each, for `Phrase.pattern`."""
    return f" {f' {PASSAGE_END} '.join(index_text(passage.text) for passage in passages)} "


def best_passages(parsed: ParsedQuery, words: Sequence[str]) -> list[int | None]:
    """Returns for each document, given as its `passage_words`, the number of the passage in which most clauses match,
    counted from 0, the first of several. None if none matches, and after MAX_CPU_SECONDS are used up."""
    deadline = time.thread_time() + MAX_CPU_SECONDS
    return [_best(parsed, each) if time.thread_time() < deadline else None for each in words]


def _best(parsed: ParsedQuery, words: str) -> int | None:
    patterns = [
        [phrase.pattern for phrase in clause.every]
        for clause in parsed.clauses[:_MAX_CLAUSES]
        if clause.place is None
    ]
    counts = [
        sum(any(pattern in f" {each} " for pattern in phrases) for phrases in patterns)
        for each in words.strip(" ").split(f" {PASSAGE_END} ")
    ]
    most = max(counts)
    return counts.index(most) if most else None

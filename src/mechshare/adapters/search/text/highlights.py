"""Highlights: the parts of a title, description or passage that match, in their original characters."""

import time
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from types import MappingProxyType

from mechshare.adapters.search.text.normalization import NormalizedText
from mechshare.adapters.search.text.passages import Passage
from mechshare.adapters.search.text.phrases import Phrase, run_of
from mechshare.adapters.search.text.query import ParsedQuery
from mechshare.adapters.search.text.spelling import SpelledText, as_hiragana, spelled
from mechshare.adapters.search.text.tokenizer import Tokens, is_cjk, tokens_of

EXCERPT_LENGTH = 160
"""The most characters of an excerpt."""
LEAD = 40
"""Characters of an excerpt before its first match."""
MAX_SNAP_LENGTH = 20
"""The most characters that an excerpt loses at each end to avoid cutting a word."""

MAX_SCANNED = 5_000
"""Characters of a text that are searched for matches: the first ones."""
MAX_MATCHES = 300
"""Matches of a text that are highlighted: the first ones."""

MAX_REMEMBERED_LENGTH = 1_000
"""Characters of the longest texts whose highlights are remembered."""
_REMEMBERED_TEXTS = 4_096
"""Pairs of a query and a mechanism; most take 2 KiB, none more than 10."""

MAX_CPU_SECONDS = 0.3
"""CPU time of the thread for the highlights of one page; a page of real texts takes a tenth of it."""

Fragments = tuple[tuple[str, bool], ...]
Span = tuple[int, int]


def highlights_of_page(
    parsed: ParsedQuery, texts: Sequence[tuple[str, str, Passage | None]]
) -> list[Mapping[str, Fragments]]:
    """Returns the highlights of each (title, description, passage); empty ones after MAX_CPU_SECONDS are used up."""
    deadline = time.thread_time() + MAX_CPU_SECONDS
    return [highlights_of(parsed, *each) if time.thread_time() < deadline else {} for each in texts]


def highlights_of(
    parsed: ParsedQuery, title: str, description: str, passage: Passage | None = None
) -> Mapping[str, Fragments]:
    """Returns ((text, is match), ...) under "title" (all of it), "description" and "document" (excerpts, the latter of
    `passage`), if they match.

    The texts joined are the title, or a part of the other text, unchanged. No two adjacent texts are both matches.
    Scans the first MAX_SCANNED characters of each and highlights MAX_MATCHES matches, so the time is bounded for any
    text.
    """
    is_short = passage is None and len(title) + len(description) <= MAX_REMEMBERED_LENGTH
    find = _remembered if is_short else _find_highlights
    return find(parsed.phrases, title, description, passage.text if passage else "")


def _find_highlights(
    phrases: tuple[Phrase, ...], title: str, description: str, passage: str
) -> Mapping[str, Fragments]:
    highlights: dict[str, Fragments] = {}
    if spans := _matches(phrases, title):
        highlights["title"] = tuple(_fragments(title, spans, 0, len(title)))
    for name, text in (("description", description), ("document", passage)):
        if spans := _matches(phrases, text):
            highlights[name] = tuple(_fragments(text, spans, *_excerpt(text, spans)))
    return MappingProxyType(highlights)


_remembered = lru_cache(_REMEMBERED_TEXTS)(_find_highlights)
"""A search that is repeated after a publication finds nearly the same mechanisms again."""


def _matches(phrases: tuple[Phrase, ...], text: str) -> list[Span]:
    """Returns the matches as spans of the original text, in order and not overlapping."""
    normalized = spelled(text[:MAX_SCANNED], joins=True).beginning(MAX_SCANNED)
    spellings = {as_hiragana(normalized.text), as_hiragana(normalized.variant)}
    runs = [(phrase, run_of(phrase)) for phrase in phrases]
    spans = {
        normalized.span(start, start + len(run))
        for _, run in runs
        if run
        for searched in spellings
        for start in _positions(run, searched)
    }
    others = [phrase for phrase, run in runs if not run]
    if others:
        spans.update(_token_spans(normalized, others))
    return _merged(sorted(spans)[:MAX_MATCHES])


def _token_spans(normalized: SpelledText, phrases: Sequence[Phrase]) -> Iterator[Span]:
    tokens = tokens_of(normalized.text, normalized.variant, normalized.marked)
    line = f" {' '.join(tokens.texts)} "
    # The offset of each token in `line`, so that bisection finds the token at an offset.
    starts = list(accumulate((len(text) + 1 for text in tokens.texts), initial=0))
    for phrase in phrases:
        for offset in _positions(phrase.pattern, line):
            yield _span(normalized, phrase, tokens, bisect_left(starts, offset))


def _positions(part: str, text: str) -> Iterator[int]:
    """Yields the first MAX_MATCHES offsets of `part` in `text`, including overlapping ones."""
    offset = text.find(part)
    for _ in range(MAX_MATCHES):
        if offset < 0:
            return
        yield offset
        offset = text.find(part, offset + 1)


def _span(normalized: NormalizedText, phrase: Phrase, tokens: Tokens, first: int) -> Span:
    """Returns the span to highlight: whole words, but only the queried characters of a Japanese pair."""
    last = first + len(phrase.tokens) - 1
    pair_end = tokens.starts[last] + len(phrase.tokens[-1])
    end = pair_end if is_cjk(tokens.texts[last]) else tokens.ends[last]
    return normalized.span(tokens.starts[first], end)


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _excerpt(text: str, spans: list[Span]) -> Span:
    """Returns the window with the most matches, the earliest if several. `spans` are in order and don't overlap."""
    if len(text) <= EXCERPT_LENGTH:
        return 0, len(text)
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    windows = [max(0, min(start - LEAD, len(text) - EXCERPT_LENGTH)) for start in starts]
    counts = [bisect_right(ends, window + EXCERPT_LENGTH) - bisect_left(starts, window) for window in windows]
    window = windows[counts.index(max(counts))]
    end = window + EXCERPT_LENGTH
    inside = [span for span in spans if span[1] > window and span[0] < end]
    return _snapped_start(text, window, inside[0][0]), _snapped_end(text, end, inside[-1][1])


def _snapped_start(text: str, start: int, first_match: int) -> int:
    if start == 0:
        return 0
    for offset in range(start, min(start + MAX_SNAP_LENGTH, first_match)):
        if text[offset - 1].isspace():
            return offset
    while start < first_match and unicodedata.category(text[start])[0] == "M":
        start += 1
    return start


def _snapped_end(text: str, end: int, last_match: int) -> int:
    if end >= len(text):
        return len(text)
    for offset in range(end, max(end - MAX_SNAP_LENGTH, last_match), -1):
        if text[offset].isspace():
            return offset
    return end


def _fragments(text: str, spans: list[Span], start: int, end: int) -> Iterator[tuple[str, bool]]:
    position = start
    for match_start, match_end in spans:
        opens, closes = max(match_start, start), min(match_end, end)
        if opens >= closes:
            continue
        if opens > position:
            yield text[position:opens], False
        yield text[opens:closes], True
        position = closes
    if position < end:
        yield text[position:end], False

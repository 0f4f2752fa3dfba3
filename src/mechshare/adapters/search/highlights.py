"""What of a title or description matched, in its original characters."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from mechshare.adapters.search.analysis import Token, tokens_of
from mechshare.adapters.search.folding import Folded, fold
from mechshare.adapters.search.query import Phrase, Question, run_of

EXCERPT_LENGTH = 160
"""Characters, at most."""
LEAD = 40
"""Characters of an excerpt before its first match."""
LONGEST_SNAP = 20
"""Characters given up at an end of an excerpt rather than cut a word."""

Fragments = tuple[tuple[str, bool], ...]
Span = tuple[int, int]


def highlights_of(question: Question, title: str, description: str) -> Mapping[str, Fragments]:
    """((text, is match), ...) for each of `title` (whole) and `description` (an excerpt) in which something matched.

    The texts together are the title, or a part of the description, unchanged; no two neighbours are both matches.
    """
    found: dict[str, Fragments] = {}
    if spans := _matches(question, title):
        found["title"] = tuple(_fragments(title, spans, 0, len(title)))
    if spans := _matches(question, description):
        found["description"] = tuple(_fragments(description, spans, *_excerpt(description, spans)))
    return found


def occurrences(phrase: Phrase, tokens: Sequence[str]) -> Iterator[int]:
    """Where `phrase` begins in a field's tokens."""
    before, last = phrase.tokens[:-1], phrase.tokens[-1]
    if phrase.is_prefix and not before:
        yield from (i for i, token in enumerate(tokens) if token.startswith(last))
        return
    # The sequence looks for a token much faster than each can be compared here.
    first, end = phrase.tokens[0], 0
    for _ in range(tokens.count(first)):
        start = tokens.index(first, end)
        end = start + 1
        found = tuple(tokens[start : start + len(phrase.tokens)])
        if found[:-1] == before and (found[-1].startswith(last) if phrase.is_prefix else found[-1] == last):
            yield start


def _matches(question: Question, text: str) -> list[Span]:
    """What matched, in order and apart from each other, as places in the original text."""
    folded = fold(text)
    spans: set[Span] = set()
    others: list[Phrase] = []
    for phrase in question.phrases:
        if run := run_of(phrase):
            spans.update(folded.span(start, start + len(run)) for start in _places(run, folded.text))
        else:
            others.append(phrase)
    if others:
        tokens = tokens_of(folded.text)
        texts = [token.text for token in tokens]
        spans.update(
            _span(folded, phrase, tokens[i : i + len(phrase.tokens)])
            for phrase in others
            for i in occurrences(phrase, texts)
        )
    return _merged(sorted(spans))


def _places(run: str, text: str) -> Iterator[int]:
    """Where `run` stands in `text`, overlapping places too."""
    place = text.find(run)
    while place >= 0:
        yield place
        place = text.find(run, place + 1)


def _span(folded: Folded, phrase: Phrase, tokens: Sequence[Token]) -> Span:
    """A word is marked whole; of a pair of Japanese characters, what was asked."""
    last = tokens[-1]
    end = last.start + len(phrase.tokens[-1]) if last.is_cjk else last.end
    return folded.span(tokens[0].start, end)


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _excerpt(text: str, spans: list[Span]) -> Span:
    """The window that holds most matches, the earliest of equals."""
    if len(text) <= EXCERPT_LENGTH:
        return 0, len(text)
    windows = [max(0, min(start - LEAD, len(text) - EXCERPT_LENGTH)) for start, _ in spans]
    ends = [window + EXCERPT_LENGTH for window in windows]
    counts = [
        sum(start >= w and end <= e for start, end in spans) for w, e in zip(windows, ends, strict=True)
    ]
    best = counts.index(max(counts))
    inside = [span for span in spans if span[1] > windows[best] and span[0] < ends[best]]
    return _snapped_start(text, windows[best], inside[0][0]), _snapped_end(text, ends[best], inside[-1][1])


def _snapped_start(text: str, start: int, first_match: int) -> int:
    if start == 0:
        return 0
    for place in range(start, min(start + LONGEST_SNAP, first_match)):
        if text[place - 1].isspace():
            return place
    while start < first_match and unicodedata.category(text[start])[0] == "M":
        start += 1
    return start


def _snapped_end(text: str, end: int, last_match: int) -> int:
    if end >= len(text):
        return len(text)
    for place in range(end, max(end - LONGEST_SNAP, last_match), -1):
        if text[place].isspace():
            return place
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

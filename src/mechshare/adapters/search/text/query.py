"""Parses queries. Every clause must match; a clause matches if any of its phrases does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from mechshare.adapters.search.text.normalization import normalize_line, normalize_text
from mechshare.adapters.search.text.tokenizer import (
    MAX_COMPOUND_LENGTH,
    Segment,
    as_written,
    is_cjk,
    segments,
    stem,
    tokens_of,
)

MAX_CLAUSES = 100
"""A query of 200 characters has no more words; further ones of a longer query are ignored."""

_QUOTED = re.compile(r'"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Phrase:
    """Consecutive tokens. With `is_prefix`, the last one is the beginning of a token."""

    tokens: tuple[str, ...]
    is_prefix: bool = False

    @property
    def pattern(self) -> str:
        """The substring by which this phrase is found in tokens with a space before and after each."""
        return f" {' '.join(self.tokens)}{'' if self.is_prefix else ' '}"


Clause = tuple[Phrase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedQuery:
    """`line` is the normalized text, for comparison with whole titles.

    A blank query (`is_blank`) matches everything. Text without letters or digits has no clauses and matches nothing.
    """

    line: str
    clauses: tuple[Clause, ...]

    @property
    def is_blank(self) -> bool:
        return not self.line

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        return tuple(phrase for clause in self.clauses for phrase in clause)


@lru_cache(maxsize=1_000)
def run_of(phrase: Phrase) -> str:
    """Returns the run of Japanese or Chinese characters that makes up `phrase`, or "" for any other phrase.

    Such a run can be found as a substring of the text, without tokens.
    """
    *before, last = phrase.tokens
    pairs = before if phrase.is_prefix and len(last) == 1 else phrase.tokens
    overlap = all(one[1:] == other[:1] for one, other in pairwise(phrase.tokens))
    if not overlap or not all(len(pair) == 2 for pair in pairs):
        return ""
    run = "".join(token[0] for token in before) + last
    return run if is_cjk(run) else ""


def parse_query(text: str) -> ParsedQuery:
    """Parses `text`: words match anywhere, "quoted words" as a phrase, the last unquoted word also as a prefix."""
    clauses = tuple(dict.fromkeys(_clauses(normalize_text(text).text.replace("“", '"').replace("”", '"'))))
    return ParsedQuery(line=normalize_line(text), clauses=clauses[:MAX_CLAUSES])


def _clauses(normalized: str) -> Iterator[Clause]:
    parts = _QUOTED.split(normalized)
    for number, part in enumerate(parts):
        if number % 2:
            if quoted := _phrase_clause(part):
                yield quoted
            continue
        parsed_segments = list(segments(part))
        for segment in parsed_segments:
            yield _clause(segment, is_last=number == len(parts) - 1 and segment is parsed_segments[-1])


def _clause(segment: Segment, *, is_last: bool) -> Clause:
    if segment.is_cjk:
        return _phrase_clause(segment.words[0].text)
    stems, last = segment.stems, as_written(segment.words[-1].text)
    phrases = [Phrase(stems)]
    if len(segment.words) <= MAX_COMPOUND_LENGTH:
        phrases += [Phrase((stem(segment.joined),)), Phrase(("=" + segment.joined,), is_prefix=is_last)]
    if is_last:
        unfinished = Phrase((*stems[:-1], last), is_prefix=True)
        # The prefix also matches the word itself.
        phrases = [*(phrase for phrase in phrases if phrase.tokens != unfinished.tokens), unfinished]
    return tuple(dict.fromkeys(phrases))


def _phrase_clause(text: str) -> Clause:
    """Returns a clause that matches all tokens of `text` as a phrase; empty if there are none.

    Drops the single last character of a Japanese run after a pair that contains it; one without a pair is a prefix.
    """
    tokens = tokens_of(text)
    texts = tuple(token for token in tokens.texts if not token.startswith("="))
    if not texts:
        return ()
    if not is_cjk(texts[-1]):
        return (Phrase(texts),)
    ends = tokens.ends[: len(texts)]
    ends_a_pair = len(ends) > 1 and ends[-2] == ends[-1]
    return (Phrase(texts[:-1]) if ends_a_pair else Phrase(texts, is_prefix=True),)

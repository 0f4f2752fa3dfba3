"""Highlights mark exactly what the tokens of a query match."""

import re
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.adapters.search.text.highlights import (
    EXCERPT_LENGTH,
    LEAD,
    MAX_MATCHES,
    highlights_of,
    highlights_of_page,
)
from mechshare.adapters.search.text.phrases import Phrase
from mechshare.adapters.search.text.query import parse_query
from mechshare.adapters.search.text.spelling import spelled
from mechshare.adapters.search.text.tokenizer import is_cjk, tokens_of

TEXTS = st.text(alphabet="歯車機構々ガがｶﾞカーギヤゲイ gear-cam's\"“.A1Ｇｰ゛ﾞ", max_size=25)


@given(question=TEXTS, text=TEXTS, start=st.integers(0, 6), length=st.integers(1, 6))
def test_text_is_marked_exactly_where_a_token_matches(
    question: str, text: str, start: int, length: int
) -> None:
    part = text[start : start + length]
    folded = spelled(text, joins=True)
    tokens = tokens_of(folded.text, folded.variant, folded.marked)
    for query in (question, part, f'"{part}"', f"{part} {question}"):
        parsed = parse_query(query)
        matched = set()
        for phrase in parsed.phrases:
            for first in _occurrences(phrase, tokens.texts):
                last = first + len(phrase.tokens) - 1
                # A word is marked whole; of a pair of Japanese characters, only the queried ones.
                pair_ends = tokens.starts[last] + len(phrase.tokens[-1])
                end = pair_ends if is_cjk(tokens.texts[last]) else tokens.ends[last]
                matched.update(range(*folded.span(tokens.starts[first], end)))
        marked, place = set(), 0
        for piece, is_match in highlights_of(parsed, text, "").get("title", ()):
            marked.update(range(place, place + len(piece)) if is_match else ())
            place += len(piece)
        assert marked == matched, query


def _occurrences(phrase: Phrase, tokens: list[str]) -> Iterator[int]:
    """Returns the token positions at which `phrase` begins."""
    *before, last = phrase.tokens
    for start in range(len(tokens) - len(before)):
        *beginning, end = tokens[start : start + len(phrase.tokens)]
        if beginning == before and (end.startswith(last) if phrase.is_prefix else end == last):
            yield start


HOSTILE = {
    "one word again and again": "a " * 10_000,
    "one character": "歯" * 20_000,
    "marks without an end": "e" + "\u0301" * 19_999,
    "a character that becomes eighteen": "\ufdfa" * 20_000,
    "jamo": "\u1100\u1161\u11a8" * 6_666,
    "a ruler": "1." * 10_000,
    "a chain": "a-" * 10_000,
}
QUESTIONS = ("a " * 100, "歯" * 200, " ".join("歯" * 100), '"a a a a" ' * 20, "abcdefghij " * 18)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("question", QUESTIONS)
def test_highlighting_takes_linear_time_for_any_text_and_query(text: str, question: str) -> None:
    parsed = parse_query(question[:200])
    costs = []
    for _ in range(3):  # in one of them the garbage collector may run
        before = time.process_time()
        highlights = highlights_of(parsed, text[:200], text)
        costs.append(time.process_time() - before)
    # About 10 ms; a quadratic algorithm took seconds.
    assert min(costs) < 0.5
    assert all(len(fragments) <= 2 * MAX_MATCHES + 1 for fragments in highlights.values())


@given(spans=st.lists(st.integers(0, 400), min_size=1, max_size=40))
def test_the_excerpt_is_the_one_with_the_most_matches(spans: list[int]) -> None:
    text = list("." * 500)
    for place in spans:
        text[place : place + 1] = "歯"
    written = "".join(text)
    fragments = highlights_of(parse_query("歯"), "", written)["description"]
    shown = sum(len(piece) for piece, is_match in fragments if is_match)
    last = len(written) - EXCERPT_LENGTH
    starts = {max(0, min(place - LEAD, last)) for place in spans}
    merged = [written[start : start + EXCERPT_LENGTH] for start in starts]
    runs = max(len(re.findall("歯+", piece)) for piece in merged)
    assert shown >= 1
    assert (
        sum(is_match for _, is_match in fragments) >= runs - 2
    )  # cut at both ends and moved to a word boundary
    assert "".join(piece for piece, _ in fragments) in written


def test_highlights_of_a_page_stop_at_its_processor_time_budget() -> None:
    costly = "\ufdfa" * 5_000
    before = time.process_time()
    highlights = highlights_of_page(parse_query("\ufdfa" * 200), [("gear", costly)] * 200)
    assert time.process_time() - before < 3.0  # several times as much without a bound
    assert len(highlights) == 200
    assert highlights[0]
    assert not highlights[-1]

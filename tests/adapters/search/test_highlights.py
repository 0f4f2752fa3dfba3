"""What is marked is what the tokens of a question match, however it was found."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from mechshare.adapters.search.text.highlights import highlights_of
from mechshare.adapters.search.text.normalization import normalize_text
from mechshare.adapters.search.text.query import Phrase, parse_query
from mechshare.adapters.search.text.tokenizer import is_cjk, tokens_of

TEXTS = st.text(alphabet="歯車機構々ガがｶﾞカー gear-cam's\"“.A1Ｇｰ゛ﾞ", max_size=25)


@given(question=TEXTS, text=TEXTS, start=st.integers(0, 6), length=st.integers(1, 6))
def test_something_is_marked_exactly_where_a_token_matches(
    question: str, text: str, start: int, length: int
) -> None:
    part = text[start : start + length]
    folded = normalize_text(text)
    tokens = tokens_of(folded.text)
    for query in (question, part, f'"{part}"', f"{part} {question}"):
        parsed = parse_query(query)
        matched = set()
        for phrase in parsed.phrases:
            for first in _occurrences(phrase, tokens.texts):
                last = first + len(phrase.tokens) - 1
                # A word is marked whole; of a pair of Japanese characters, what was asked.
                pair_ends = tokens.starts[last] + len(phrase.tokens[-1])
                end = pair_ends if is_cjk(tokens.texts[last]) else tokens.ends[last]
                matched.update(range(*folded.span(tokens.starts[first], end)))
        marked, place = set(), 0
        for piece, is_match in highlights_of(parsed, text, "").get("title", ()):
            marked.update(range(place, place + len(piece)) if is_match else ())
            place += len(piece)
        assert marked == matched, query


def _occurrences(phrase: Phrase, tokens: list[str]) -> Iterator[int]:
    """Where `phrase` begins, token by token."""
    *before, last = phrase.tokens
    for start in range(len(tokens) - len(before)):
        *beginning, end = tokens[start : start + len(phrase.tokens)]
        if beginning == before and (end.startswith(last) if phrase.is_prefix else end == last):
            yield start

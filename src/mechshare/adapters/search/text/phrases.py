"""Consecutive tokens, by which a clause of a query matches."""

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from mechshare.adapters.search.text.tokenizer import is_cjk


class Phrase(NamedTuple):
    """Consecutive tokens. With `is_prefix`, the last one is the beginning of a token."""

    tokens: tuple[str, ...]
    is_prefix: bool = False

    @property
    def pattern(self) -> str:
        """The substring by which this phrase is found in tokens with a space before and after each."""
        return f" {' '.join(self.tokens)}{'' if self.is_prefix else ' '}"


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

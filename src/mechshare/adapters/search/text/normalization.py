"""Normalizes text for comparison: NFKC and case folding, with the original position of every character."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mechshare.domain.text import MAX_MARKS, folded

_PLAIN = re.compile(
    r"[\x00-\x7f\u3001\u3002\u3005\u3041-\u3096\u309d\u309e\u30a1-\u30fa\u30fc-\u30fe\u4e00-\u9fff]+"
)
"""Runs of characters that each normalize to one character, unless a combining mark follows."""

_MAX_PIECE_LENGTH = 2 + MAX_MARKS
"""Characters: more than a character with all the marks in a row that stored text may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizedText:
    """`text[i]` comes from `original[starts[i]:ends[i]]`."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def beginning(self, length: int) -> "NormalizedText":
        """Returns the first `length` characters. (One original character may become eighteen.)"""
        if len(self.text) <= length:
            return self
        return NormalizedText(text=self.text[:length], starts=self.starts[:length], ends=self.ends[:length])

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Returns the span of the original from which text[start:end], not empty, comes."""
        return self.starts[start], self.ends[end - 1]


def normalize_text(text: str) -> NormalizedText:
    """Unifies full-width, half-width, compatibility and case variants; replaces lone surrogates by "?"."""
    text = text.encode(errors="replace").decode()
    if text.isascii():
        return NormalizedText(text=text.lower(), starts=range(len(text)), ends=range(1, len(text) + 1))
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end, is_plain in _pieces(text):
        normalized = text[start:end].lower() if is_plain else _normalize_character(text[start:end])
        pieces.append(normalized)
        starts.extend(range(start, end) if is_plain else [start] * len(normalized))
        ends.extend(range(start + 1, end + 1) if is_plain else [end] * len(normalized))
    return NormalizedText(text="".join(pieces), starts=starts, ends=ends)


def normalize_line(text: str) -> str:
    """Normalizes `text`, strips it, and replaces every run of white space by one space."""
    return " ".join(normalize_text(text).text.split())


def _pieces(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yields (start, end, is plain): runs of plain characters, and single other characters with their marks."""
    position = 0
    while position < len(text):
        plain = _PLAIN.match(text, position)
        end = plain.end() if plain else position
        if end > position and end < len(text) and _joins_previous(text[end]):
            end -= 1
        if end > position:
            yield position, end, True
        else:
            end = position + 1
            # Splits longer runs of marks: the time to normalize one grows with the square of its length.
            while end < min(len(text), position + _MAX_PIECE_LENGTH) and _joins_previous(text[end]):
                end += 1
            yield position, end, False
        position = end


def _joins_previous(character: str) -> bool:
    """Whether NFKC may compose `character` with the one before: marks, including half-width ones, and Hangul jamo."""
    first = unicodedata.normalize("NFKD", character)[0]
    return unicodedata.category(first)[0] == "M" or "\u1160" <= first <= "\u11ff"


def _normalize_character(text: str) -> str:
    return folded(text)

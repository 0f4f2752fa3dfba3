"""Text as it is compared: NFKC and case folded, every character still knowing where it came from."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_PLAIN = re.compile(
    r"[\x00-\x7f\u3001\u3002\u3005\u3041-\u3096\u309d\u309e\u30a1-\u30fa\u30fc-\u30fe\u4e00-\u9fff]+"
)
"""Characters that fold to one character each, and that only a following mark can change."""

_MAX_PIECE_LENGTH = 32
"""Characters: one with as many marks as stored text may have in a row (UAX #15, Stream-Safe Text Format)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizedText:
    """`text[i]` was made from `original[starts[i]:ends[i]]`."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def beginning(self, length: int) -> "NormalizedText":
        """The first `length` characters: some characters become eighteen."""
        if len(self.text) <= length:
            return self
        return NormalizedText(text=self.text[:length], starts=self.starts[:length], ends=self.ends[:length])

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where text[start:end], not empty, stood in the original."""
        return self.starts[start], self.ends[end - 1]


def normalize_text(text: str) -> NormalizedText:
    """`text` with full-width, half-width, compatibility and case variants made equal; lone surrogates become "?"."""
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
    """`text` folded, with its ends stripped and every run of white space made one space."""
    return " ".join(normalize_text(text).text.split())


def _pieces(text: str) -> Iterator[tuple[int, int, bool]]:
    """(start, end, is plain): runs of plain characters, and single others with the marks that follow them."""
    position = 0
    while position < len(text):
        plain = _PLAIN.match(text, position)
        end = plain.end() if plain else position
        if end > position and end < len(text) and _joins_the_one_before(text[end]):
            end -= 1
        if end > position:
            yield position, end, True
        else:
            end = position + 1
            # A run that goes on is normalised in parts: the time for one grows with the square of its length.
            while end < min(len(text), position + _MAX_PIECE_LENGTH) and _joins_the_one_before(text[end]):
                end += 1
            yield position, end, False
        position = end


def _joins_the_one_before(character: str) -> bool:
    """Whether normalisation may compose it with what it follows: marks (half-width ones too) and Hangul jamo."""
    first = unicodedata.normalize("NFKD", character)[0]
    return unicodedata.category(first)[0] == "M" or "\u1160" <= first <= "\u11ff"


def _normalize_character(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())

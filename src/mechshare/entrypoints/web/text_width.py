"""How wide text is in a drawing, where no browser measures it: by the average widths of sans-serif typefaces."""

import unicodedata
from collections.abc import Iterator

from mechshare.domain.text import is_mark

_WIDTHS = {
    **dict.fromkeys("ijl|'", 0.28),
    **dict.fromkeys(' .,:;!()[]{}/\\ftrI`"-', 0.39),
    **dict.fromkeys("mwMW@%", 0.96),
}
_CAPITAL = 0.71
_OTHER = 0.61
_FULL = 1.0
_EMOJI = 1.3
"""Widths of characters in em, rather too wide than too narrow. CJK characters and signs have the full width."""
_ELLIPSIS = "…"
_JOINER = "\u200d"
_SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"


def cut_to_width(text: str, width: float) -> str:
    """Returns `text` if it is at most `width` em wide, otherwise its beginning with an ellipsis.

    Cuts between characters as readers see them: never between a letter and its accent, or within an emoji.
    """
    clusters = list(_clusters(text))
    if sum(map(_width, clusters)) <= width:
        return text
    room, shown = width - _FULL, ""
    for cluster in clusters:
        room -= _width(cluster)
        if room < 0:
            break
        shown += cluster
    return shown.rstrip() + _ELLIPSIS


def _width(cluster: str) -> float:
    """Returns the width of a character as readers see it, in em."""
    first = cluster[0]
    if first in _WIDTHS:
        return _WIDTHS[first]
    category, east_asian = unicodedata.category(first), unicodedata.east_asian_width(first)
    if category == "So":
        return _EMOJI
    is_ambiguous_sign = east_asian == "A" and category[0] != "L"  # such as arrows and numbers in circles
    if east_asian in "WF" or is_ambiguous_sign:
        return _FULL
    return _CAPITAL if first.isupper() else _OTHER


def _clusters(text: str) -> Iterator[str]:
    """Yields what readers see as one character each: a character with its marks, or several that are joined."""
    cluster = ""
    for character in text:
        if cluster and not _continues(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _continues(cluster: str, character: str) -> bool:
    if is_mark(character) or character in _JOINER + _SKIN_TONES or cluster[-1] == _JOINER:
        return True
    return len(cluster) == 1 and _is_flag_half(cluster) and _is_flag_half(character)


def _is_flag_half(character: str) -> bool:
    """Whether `character` makes a flag together with another one of its kind."""
    return "\U0001f1e6" <= character <= "\U0001f1ff"

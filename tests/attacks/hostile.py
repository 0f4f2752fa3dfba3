"""Texts for which careless programs take time quadratic in their length."""

from collections.abc import Callable, Mapping
from itertools import count, islice

MARKS = "\u0345\u0315\u0301\u0327\u0334"
"""Combining marks of five classes in descending order: normalisation sorts them."""


def _repeated(unit: str) -> Callable[[int], str]:
    return lambda size: (unit * (size // len(unit.encode("utf-8", "surrogatepass")) + 1))[:size]


def _distinct_words(size: int) -> str:
    return " ".join(f"{number:x}ing" for number in islice(count(0x1000), size // 8))


HOSTILE: Mapping[str, Callable[[int], str]] = {
    "combining marks": _repeated(MARKS),
    "marks that are no combining class": _repeated("\u0f73"),
    "half-width sound marks": _repeated("\uff9e"),
    "jamo vowels": _repeated("\u1161"),
    "jamo syllables": _repeated("\u1112\u1161\u11ab"),
    "ligatures that unfold": _repeated("\ufdfa"),
    "one character": _repeated("a"),
    "digits": _repeated("9"),
    "spaces": _repeated(" "),
    "brackets": _repeated("["),
    "braces": _repeated("{"),
    "short words": _repeated("a "),
    "distinct words": _distinct_words,
    "kanji": _repeated("歯車機構"),
    "quotes": _repeated('"'),
    "quoted words": _repeated('"a" '),
    "operators": _repeated("a-b.c'd OR NEAR(* "),
    "commas": _repeated("a,"),
    "percent signs": _repeated("%41"),
    "half a percent sign": _repeated("%"),
    "wildcards": _repeated("%_"),
    "backslashes": _repeated("\\"),
    "dots and slashes": _repeated("../"),
    "at signs": _repeated("a@a."),
    "hyphens": _repeated("a-"),
    "line ends": _repeated("\r\n"),
}
"""Each makes a text of about the given number of bytes in UTF-8."""

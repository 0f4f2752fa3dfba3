"""Text input. The domain normalises it once, so that equal texts compare as equal everywhere.

Normalisation sorts combining marks in time quadratic in the length of a run of them. The raw length and the length of
runs are therefore checked first (stream-safe text, UAX #15, 13).
"""

import re
import unicodedata

from mechshare.domain.errors import InvalidField

MAX_MARKS = 30
"""Combining marks in a row. The longest sequence known in any language has 18 (UAX #15, 13)."""
MAX_DECOMPOSITION = 4
"""The maximum number of characters to which normalisation expands one (UAX #15: NFD in UTF-32)."""

_LINE_ENDS = re.compile("\r\n|[\r\u0085\u2028\u2029]")
_ABOVE = "\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069"
_REFUSED = re.compile(f"[\x00-\x1f{_ABOVE}]")
"""Control characters including NUL, lone surrogates, line and paragraph separators (the Unicode categories Cc, Cs, Zl
and Zp), and characters that override the direction of text."""
_REFUSED_IN_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{_ABOVE}]")
_MARKS_ASIDE = "\uff9e\uff9f"
"""Half-width katakana sound marks: letters that NFKC turns into combining marks."""
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"
"""Invisible letters and symbols: the Hangul fillers and the empty Braille pattern."""
_LONG_RUN = re.compile(
    rf"[^\x00-\u02ff\u3041-\u3096\u30a1-\u30fa\u3400-\u9fff\uac00-\ud7a3]{{{MAX_MARKS + 1}}}"
)
"""Matches every text that may contain too many marks in a row; all other text needs no check of each character."""


def folded(text: str) -> str:
    """Returns the form in which texts compare whatever their case and width: NFKC, case folding, and NFKC again, since
    folding may undo it."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def clean_text(field: str, text: str, *, min_length: int, max_length: int, lines: bool = False) -> str:
    """Returns `text` in NFC with its ends stripped, of `min_length` to `max_length` characters.

    With `lines`, tabs and line feeds are allowed, and other line ends become line feeds. Raises InvalidField for any
    other control character, surrogates, direction overrides (which disguise text, CVE-2021-42574), more than MAX_MARKS
    combining marks in a row, and required text without a visible character. Takes time linear in `max_length`.
    """
    if len(text) > MAX_DECOMPOSITION * max_length:
        raise _wrong_length(field, min_length, max_length, len(text))
    if lines:
        text = _LINE_ENDS.sub("\n", text)
    if (_REFUSED_IN_LINES if lines else _REFUSED).search(text):
        raise InvalidField(
            field,
            en="contains a character that is not allowed, such as a control character. Remove it.",
            ja="使用できない文字（制御文字など）が含まれています。取り除いてください。",
        )
    refuse_long_marks(field, text)
    cleaned = unicodedata.normalize("NFC", text).strip()
    if not min_length <= len(cleaned) <= max_length:
        raise _wrong_length(field, min_length, max_length, len(cleaned))
    if min_length and not any(map(_is_visible, cleaned)):
        raise InvalidField(
            field,
            en="has no visible character. Enter readable text.",
            ja="目に見える文字がありません。読める文字を入力してください。",
        )
    return cleaned


def readable_text(text: str, *, max_length: int) -> str:
    """Returns `text` as `clean_text` does, but cuts it to `max_length` and replaces refused characters by U+FFFD.

    For text that is only looked up or logged. Takes time linear in `max_length`.
    """
    readable = _REFUSED.sub("\ufffd", text[: MAX_DECOMPOSITION * max_length])
    return unicodedata.normalize("NFC", without_long_marks(readable)).strip()[:max_length]


def refuse_long_marks(field: str, text: str) -> None:
    """Raises InvalidField for more than MAX_MARKS combining marks in a row."""
    if has_long_marks(text):
        raise InvalidField(
            field,
            en=f"has more than {MAX_MARKS} combining marks in a row. Remove some.",
            ja=f"結合文字が {MAX_MARKS} 個を超えて連続しています。減らしてください。",
        )


def has_long_marks(text: str) -> bool:
    """Whether `text` has more than MAX_MARKS combining marks in a row, which make normalisation slow."""
    return _LONG_RUN.search(text) is not None and len(without_long_marks(text)) < len(text)


def without_long_marks(text: str) -> str:
    """Returns `text` without the combining marks beyond the first MAX_MARKS of each run."""
    if _LONG_RUN.search(text) is None:
        return text
    left: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if is_mark(character) else 0
        if marks <= MAX_MARKS:
            left.append(character)
    return "".join(left)


def is_mark(character: str) -> bool:
    """Whether normalisation may reorder `character` among its neighbours."""
    return unicodedata.category(character)[0] == "M" or character in _MARKS_ASIDE


def _is_visible(character: str) -> bool:
    """Whether `character` is visible by itself: a letter, number, punctuation mark or symbol that is not blank."""
    return unicodedata.category(character)[0] in "LNPS" and character not in _BLANKS


def _wrong_length(field: str, min_length: int, max_length: int, length: int) -> InvalidField:
    return InvalidField(
        field,
        en=f"must be {min_length} to {max_length} characters long; it is {length}.",
        ja=f"{min_length}〜{max_length} 文字で入力してください（現在 {length} 文字）。",
    )

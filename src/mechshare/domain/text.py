"""Text as people type it: normalised once, at the edge of the domain, so that it compares alike everywhere."""

import re
import unicodedata

from mechshare.domain.errors import InvalidField

_ALLOWED_CONTROLS = frozenset("\n\t")
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Controls (NUL among them), lone surrogates, and the separators of lines and paragraphs."""
_LINE_ENDS = re.compile("\r\n|[\r\u0085\u2028\u2029]")
_BIDI_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean_text(field: str, text: str, *, shortest: int, longest: int, lines: bool = False) -> str:
    """`text` in NFC with its ends stripped, of `shortest` to `longest` characters.

    `lines` admits tabs and line feeds, and turns the other line ends into them. Raises InvalidField for any other
    control character, for NUL and surrogates, and for direction overrides (they make text read as something else,
    CVE-2021-42574).
    """
    if lines:
        text = _LINE_ENDS.sub("\n", text)
    if any(_is_refused(character, lines) for character in text):
        raise InvalidField(
            field,
            en="contains a character that is not text (a control character, for example). Remove it.",
            ja="文字でないもの（制御文字など）が含まれています。取り除いてください。",
        )
    cleaned = unicodedata.normalize("NFC", text).strip()
    if not shortest <= len(cleaned) <= longest:
        raise InvalidField(
            field,
            en=f"must be {shortest} to {longest} characters long; it is {len(cleaned)}.",
            ja=f"{shortest}〜{longest} 文字で入力してください（現在 {len(cleaned)} 文字）。",
        )
    return cleaned


def readable_text(text: str, *, longest: int) -> str:
    """`text` as `clean_text` would have it, whatever it is: cut where too long, U+FFFD for each refused character.

    For what is only looked up or written down, and so need not be refused.
    """
    readable = "".join("\ufffd" if _is_refused(character, False) else character for character in text)
    return unicodedata.normalize("NFC", readable).strip()[:longest]


def _is_refused(character: str, lines: bool) -> bool:
    if lines and character in _ALLOWED_CONTROLS:
        return False
    return unicodedata.category(character) in _REFUSED_CATEGORIES or character in _BIDI_OVERRIDES

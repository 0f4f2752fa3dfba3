"""Text as people type it: normalised once, at the edge of the domain, so that it compares alike everywhere."""

import re
import unicodedata

from mechshare.domain.errors import InvalidField

_LINE_ENDS = re.compile("\r\n|[\r\u0085\u2028\u2029]")
_ABOVE = "\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069"
_REFUSED = re.compile(f"[\x00-\x1f{_ABOVE}]")
"""Controls (NUL among them), lone surrogates, the separators of lines and paragraphs (the Unicode categories Cc, Cs,
Zl and Zp), and what overrides the direction of text."""
_REFUSED_IN_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{_ABOVE}]")


def clean_text(field: str, text: str, *, min_length: int, max_length: int, lines: bool = False) -> str:
    """`text` in NFC with its ends stripped, of `min_length` to `max_length` characters.

    `lines` admits tabs and line feeds, and turns the other line ends into them. Raises InvalidField for any other
    control character, for NUL and surrogates, and for direction overrides (they make text read as something else,
    CVE-2021-42574).
    """
    if lines:
        text = _LINE_ENDS.sub("\n", text)
    if (_REFUSED_IN_LINES if lines else _REFUSED).search(text):
        raise InvalidField(
            field,
            en="contains a character that is not text (a control character, for example). Remove it.",
            ja="文字でないもの（制御文字など）が含まれています。取り除いてください。",
        )
    cleaned = unicodedata.normalize("NFC", text).strip()
    if not min_length <= len(cleaned) <= max_length:
        raise InvalidField(
            field,
            en=f"must be {min_length} to {max_length} characters long; it is {len(cleaned)}.",
            ja=f"{min_length}〜{max_length} 文字で入力してください（現在 {len(cleaned)} 文字）。",
        )
    return cleaned


def readable_text(text: str, *, max_length: int) -> str:
    """`text` as `clean_text` would have it, whatever it is: cut where too long, U+FFFD for each refused character.

    For what is only looked up or written down, and so need not be refused.
    """
    return unicodedata.normalize("NFC", _REFUSED.sub("\ufffd", text)).strip()[:max_length]

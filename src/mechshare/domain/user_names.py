"""User names: which are valid, and the one spelling by which they are stored and compared.

The script of a character is the first word of its name in the Unicode standard (`LATIN SMALL LETTER A`), which never
changes and which the standard library knows; a test compares what follows from it with known cases.
"""

import unicodedata
from collections.abc import Iterable

from mechshare.domain.errors import InvalidField
from mechshare.domain.text import MAX_DECOMPOSITION, folded, has_long_marks

MIN_USERNAME_LENGTH, MAX_USERNAME_LENGTH = 2, 64
_MAX_RAW = MAX_DECOMPOSITION * MAX_USERNAME_LENGTH
"""Characters; a longer text is too long after folding, too."""
_MAX_MARKS = 4
"""Combining marks in a row. A Thai letter has two; more than these only disguise a name."""
_MAX_POSSIBLE = 4
_PUNCTUATION = "._-"
_INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f"
"""Letters and marks that show nothing: joiners, fillers, inherent vowels and variation selectors."""
_WITHOUT_SCRIPT = frozenset(
    (
        "",
        "CARON",
        "MODIFIER",
        "MUSICAL",
        "PHAISTOS",
        "SIGNWRITING",
        "TURNED",
        "VARIATION",
        "VEDIC",
        "VERTICAL",
    )
)
"""First words of the names of letters and marks that belong to no script."""
_SAME_SCRIPT = {"IDEOGRAPHIC": "CJK", "HENTAIGANA": "HIRAGANA", "EXTENDED": "ARABIC"}
_USED_TOGETHER = (
    frozenset(("LATIN", "CJK", "HIRAGANA", "KATAKANA")),
    frozenset(("LATIN", "CJK", "HANGUL")),
    frozenset(("LATIN", "CJK", "BOPOMOFO")),
)
"""The scripts that languages mix (UTS #39, 5.2, highly restrictive). Others together only serve to imitate a name:
a Cyrillic letter looks like a Latin one."""


def clean_username(username: str) -> str:
    """Returns the user name as it is stored: 2 to 64 letters of any script, digits, `.`, `_` and `-`, folded.

    A letter or digit is first, and none of the punctuation last. Raises InvalidField, also for scripts that no language
    mixes. Takes time linear in MAX_USERNAME_LENGTH.
    """
    name = fold_username(username)
    if not _is_valid(name):
        raise InvalidField(
            "username",
            en=f"must be {MIN_USERNAME_LENGTH} to {MAX_USERNAME_LENGTH} letters, digits, '.', '_' and '-', with a "
            "letter or digit first and last.",
            ja=f"{MIN_USERNAME_LENGTH}〜{MAX_USERNAME_LENGTH} 文字の文字（漢字・かな・英字など）・数字・. _ - で、"
            "先頭と末尾は文字か数字にしてください。",
        )
    if not _is_of_one_language(name):
        raise InvalidField(
            "username",
            en="mixes scripts, such as Latin and Cyrillic, so that it could imitate another name. Use one of them.",
            ja="ラテン文字とキリル文字など、異なる文字体系が混ざっています。他の名前と紛らわしいため、"
            "どちらかに統一してください。",
        )
    return name


def fold_username(username: str) -> str:
    """Returns the one spelling of a name, whatever its case and width: NFKC and case folding, ends stripped.

    What no user name may be is returned as it is: it equals none.
    """
    raw = username[: _MAX_RAW + 1]
    if len(raw) > _MAX_RAW or has_long_marks(raw):
        return username
    # The dot of a folded Turkish capital I shows nothing that i does not.
    return folded(raw).strip().replace("i\u0307", "i").replace("j\u0307", "j")


def possible_usernames(text: str) -> list[str]:
    """Returns the valid names with which `text` may begin, the longest first and at most _MAX_POSSIBLE: all of it, and
    what ends where the script changes or punctuation begins, since text may follow a name without a space (`mikaさん`).
    """
    folded_text = fold_username(text)[:MAX_USERNAME_LENGTH]
    ends = [end for end in range(1, len(folded_text)) if _may_end(folded_text[end - 1], folded_text[end])]
    names = [folded_text[:end] for end in (*ends, len(folded_text))]
    return [name for name in reversed(names) if _is_valid(name)][:_MAX_POSSIBLE]


def _may_end(last: str, following: str) -> bool:
    return _kind(following) in "P?" or (_kind(following) == "L" and _script(last) != _script(following))


def _is_valid(name: str) -> bool:
    if not MIN_USERNAME_LENGTH <= len(name) <= MAX_USERNAME_LENGTH:
        return False
    kinds = [_kind(character) for character in name]
    has_marked_letters = "M" * (_MAX_MARKS + 1) not in "".join(kinds)
    return "?" not in kinds and kinds[0] in "LN" and kinds[-1] in "LNM" and has_marked_letters


def _kind(character: str) -> str:
    """Returns L for a letter, N for a digit, M for a mark, P for permitted punctuation and ? for anything else."""
    if character in _PUNCTUATION:
        return "P"
    category = unicodedata.category(character)
    if category == "Nd":
        return "N"
    is_shown = character not in _INVISIBLE and _script(character) not in _WITHOUT_SCRIPT
    return category[0] if category[0] in "LM" and is_shown else "?"


def _is_of_one_language(name: str) -> bool:
    """Whether people write the scripts, and the digits, of this valid name together."""
    scripts = _scripts(name)
    zeros = {ord(one) - unicodedata.decimal(one) for one in name if one.isdecimal()}
    return len(zeros) <= 1 and (len(scripts) <= 1 or any(scripts <= together for together in _USED_TOGETHER))


def _scripts(name: Iterable[str]) -> set[str]:
    """Returns the scripts of the characters that belong to one: not of ASCII digits and marks of all scripts."""
    return {_script(one) for one in name if one not in _PUNCTUATION} - {"DIGIT", "COMBINING"}


def _script(character: str) -> str:
    first = unicodedata.name(character, "").partition(" ")[0].partition("-")[0]
    return _SAME_SCRIPT.get(first, first)

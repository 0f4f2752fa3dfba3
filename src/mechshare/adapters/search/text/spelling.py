"""Unifies spellings of one Japanese word: スライダー・クランク and すらいだくらんく, 四節 and 4節, 齒車 and 歯車.

The rules apply to documents and to queries alike, and no rule changes the first letter of a word by the letter before
it: a word is found in any text that contains it, apart or in a compound. Rules for which this would fail (ネジヤスリ
has ヤスリ, but ギヤ is ギア) make a second spelling, `variant`. Every character keeps its place in the original text.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mechshare.adapters.search.text.kanji_variants import KANJI_VARIANTS
from mechshare.adapters.search.text.normalization import NormalizedText, normalize_text

_HIRAGANA = r"\u3041-\u3096"
_KATAKANA = r"\u30a1-\u30fa"
_KANA = _HIRAGANA + _KATAKANA
_KANJI = r"\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_CJK = _KANA + _KANJI + r"\u30fc"

_TO_HIRAGANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
_LARGE = str.maketrans(
    "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮぢづヂヅヵヶゕゖ箇",
    "あいうえおつやゆよわアイウエオツヤユヨワじずジズかかかかか",
)
_SINGLE = KANJI_VARIANTS | _LARGE
_NUMERALS = "〇一二三四五六七八九"
_ROMAN = {"ii": 2, "iii": 3, "iv": 4, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "xi": 11, "xii": 12}
_SINGLE_ROMAN = {"i": 1, "v": 5, "x": 10}
_ROMAN_CHARACTERS = frozenset(map(chr, range(0x2160, 0x2180)))

_Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def _template(pattern: str, template: str) -> _Rule:
    return re.compile(pattern), lambda match: match.expand(template)


def _by_table(pattern: str, table: dict[str, str]) -> _Rule:
    return re.compile(pattern), lambda match: table[match[0]]


_FOREIGN = {
    **{"ヴァ": "バ", "ヴィ": "ビ", "ヴェ": "ベ", "ヴォ": "ボ", "ヴュ": "ビュ", "ヴ": "ブ", "ゔ": "ぶ"},
    **{"ディ": "ジ", "ティ": "チ", "デュ": "ジュ", "テュ": "チュ", "トゥ": "ツ", "ドゥ": "ズ"},
    **{"でぃ": "じ", "てぃ": "ち", "でゅ": "じゅ", "てゅ": "ちゅ"},
}
_RULES: Sequence[_Rule] = (
    _template(rf"(?<![{_CJK}])々", ""),
    _template(rf"([{_CJK}])々", r"\1\1"),
    _template(rf"([{_CJK}])[ゝヽ]", r"\1\1"),
    _by_table("|".join(sorted(_FOREIGN, key=len, reverse=True)), _FOREIGN),
    # 終わり and 終り.
    _template(r"(?<=[終変表現回代替換関加伝])[わ]|(?<=行)な|(?<=[起])こ|(?<=[当])た|(?<=落)と", ""),
    _template(r"(?<=[上下曲])が(?=[るりっらげ])|(?<=向)か|(?<=[浮])か|(?<=[集積])[まも](?=[りるっ])", ""),
    _template(r"ー{2,}", "ー"),
)
_JOINT = re.compile(rf"(?<=[{_CJK}])[・·•‐‑–—−゠=\-](?=[{_CJK}])")
"""A middle dot or a hyphen joins two words, as nothing between them does."""
_A_ROW = "アカガサザタダナハバパマヤラワァャヮあかがさざただなはばぱまやらわぁゃゎ"
_E_ROW = "エケゲセゼテデネヘベペメレェ"
_O_ROW = "オコゴソゾトドノホボポモヨロヲォョ"
_E_O_ROW = _E_ROW + _O_ROW + "えけげせぜてでねへべぺめれぇおこごそぞとどのほぼぽもよろをぉょ"
_SILENT_MARK = re.compile(
    rf"[{_A_ROW}]ー"
    rf"|(?![{_E_O_ROW}])[{_KANA}]ー(?![{_KATAKANA}])(?<![ぁ-ゖ]ー(?=[ぁ-ゖ]))"
)
"""モーター and モータ, バッテリー and バッテリ: the mark after an a-row kana, which compounds have inside, too, and at
the end of a word. The mark of ディスプレー stays: ディスプレ is no word."""
_VARIANTS = (
    # ゲイジ and ゲージ, ロウラ and ローラ; ウ begins the second word of サーボウォーム and サーボウインチ.
    (re.compile(rf"(?<=[{_E_ROW}])イ(?![ェエ])|(?<=[{_O_ROW}])ウ(?![ァィェォアイエオ])"), "ー"),
    # コンベヤ and コンベア.
    (re.compile(r"(?<=[イキギシジチニヒビピミリエケゲセゼテデネヘベペメレェ])ヤ"), "ア"),
    (re.compile(r"(?<=[いきぎしじちにひびぴみりえけげせぜてでねへべぺめれぇ])や"), "あ"),
)
_DIGITS = re.compile(rf"(?<![0-9a-z.,])([1-9][0-9]?)(?=[{_KANJI}{_KATAKANA}])")
_SPACED_DIGITS = re.compile(rf"(?<![0-9a-z.,])([1-9][0-9]?) ?(?=[{_KANJI}{_KATAKANA}])")
_ROMAN_NUMERAL = re.compile(rf"(?<![0-9a-z])([ivx]+)(?=[{_KANJI}{_KATAKANA}])")
_SPACE = re.compile(rf"(?<=[{_KANJI}{_KATAKANA}ー]) (?=[{_KANJI}{_KATAKANA}])")
_MAYBE_CJK = re.compile(rf"[{_CJK}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpelledText(NormalizedText):
    """`variant` is a second spelling, as long as `text`. After the kana at the offsets `marked`, a long vowel mark was
    left out."""

    variant: str
    marked: Sequence[int] = ()

    def beginning(self, length: int) -> "SpelledText":
        """Returns the first `length` characters."""
        if len(self.text) <= length:
            return self
        return SpelledText(
            text=self.text[:length],
            starts=self.starts[:length],
            ends=self.ends[:length],
            variant=self.variant[:length],
            marked=[offset for offset in self.marked if offset < length],
        )


def spelled(text: str, *, joins: bool = False) -> SpelledText:
    """Returns `text` in its unified spelling, still with hiragana and katakana apart: see `as_hiragana`.

    With `joins`, a single space within Japanese text is left out, too: not in a query, where it separates two words.
    """
    result = normalize_text(text)
    if not _MAYBE_CJK.search(result.text):
        return SpelledText(text=result.text, starts=result.starts, ends=result.ends, variant=result.text)
    result = _replace(result, _SPACED_DIGITS if joins else _DIGITS, lambda match: kanji_number(int(match[1])))
    result = _replace_roman(result, text)
    for pattern, replacement in _RULES:
        result = _replace(result, pattern, replacement)
    # After the rules above: no word changes by what was written apart from it.
    for joint in (_SPACE, _JOINT) if joins else (_JOINT,):
        result = _replace(result, joint, lambda _: "")
    marks = _SILENT_MARK.finditer(result.text)
    marked = [mark.start() - left_out for left_out, mark in enumerate(marks)]
    result = _replace(result, _SILENT_MARK, lambda mark: mark[0][0])
    return SpelledText(
        text=result.text.translate(_SINGLE),
        starts=result.starts,
        ends=result.ends,
        variant=_variant(result).translate(_SINGLE),
        marked=marked,
    )


def _variant(result: NormalizedText) -> str:
    """Returns the text with the letters replaced that sound alike within a word."""
    letters = list(result.text)
    for pattern, letter in _VARIANTS:
        for match in pattern.finditer(result.text):
            if result.starts[match.start()] == result.ends[match.start() - 1]:
                letters[match.start()] = letter
    return "".join(letters)


def as_hiragana(text: str) -> str:
    """Returns `text` with hiragana for katakana; no character moves."""
    return text.translate(_TO_HIRAGANA)


def kanji_number(number: int) -> str:
    """Returns a number from 1 to 99 in kanji."""
    tens, ones = divmod(number, 10)
    ten = ("" if tens == 1 else _NUMERALS[tens]) + "十" if tens else ""
    return ten + (_NUMERALS[ones] if ones else "")


def _replace_roman(text: NormalizedText, original: str) -> NormalizedText:
    """A single letter is a numeral only if the original character is one: V may be the shape of a groove."""

    def number(match: re.Match[str]) -> str:
        is_numeral = original[text.starts[match.start()]] in _ROMAN_CHARACTERS
        value = _ROMAN.get(match[1]) or (_SINGLE_ROMAN.get(match[1]) if is_numeral else None)
        return kanji_number(value) if value else match[0]

    return _replace(text, _ROMAN_NUMERAL, number)


def _replace(
    text: NormalizedText, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str]
) -> NormalizedText:
    """Replaces every match. Each character of a replacement comes from the whole match."""
    matches = list(pattern.finditer(text.text))
    if not matches:
        return text
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    for match in matches:
        new, (start, end) = replacement(match), match.span()
        pieces += (text.text[position:start], new)
        starts += (*text.starts[position:start], *[text.starts[start]] * len(new))
        ends += (*text.ends[position:start], *[text.ends[end - 1]] * len(new))
        position = end
    pieces.append(text.text[position:])
    starts += text.starts[position:]
    ends += text.ends[position:]
    return NormalizedText(text="".join(pieces), starts=starts, ends=ends)

"""The tokenizer: stems of Latin words and numbers, pairs of Japanese characters.

    four-bar linkages -> 4 bar linkag =four =fourbar =linkages
    遊星歯車           -> 遊星 星歯 歯車 車
    チェーン           -> ちえ えー ーん ん =ちえん
    ギヤー             -> ぎや や =やー == ぎあ あ
    取り付け           -> 取り り付 付け け =取付 =付

Japanese and Chinese have no spaces between words, so a run of their characters becomes its overlapping pairs and its
last character alone. A query of two or more characters is found as consecutive pairs, one character as the beginning of
a pair. A token that begins with `=` is a word as written (or a compound written as one word). These tokens follow all
others, so that they never separate two neighbours. So do the tokens of a further spelling of a Japanese run: kana
without long vowel marks, a kana whose mark was left out, and compounds without okurigana; and, after the token `==`,
the pairs of its variant (ギヤ as ギア).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import snowballstemmer

from mechshare.adapters.search.text.english import unified
from mechshare.adapters.search.text.readings import readings_of
from mechshare.adapters.search.text.spelling import as_hiragana, spelled

MAX_TOKEN_LENGTH = 64
_MAX_OPENING_SOURCE = 4 * MAX_TOKEN_LENGTH
"""Characters of a title from which one opening is made: enough unless most of them are not letters."""
_MAX_BARE_WORD = 5
"""Characters of a katakana word without a long vowel mark that may be another spelling of one with it."""
_VARIANT_REACH = 10
"""Characters before and after a letter with a variant by which it is found."""
MAX_COMPOUND_LENGTH = 8
"""Parts. Longer chains with hyphens or dots are addresses or dividing lines, which nobody types as one word."""

_KANA = r"\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
_CJK = rf"\u3005-\u3007{_KANA}\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_LETTER = rf"[^\W_{_CJK}]"
_WORD = rf"{_LETTER}(?:\+\+|\#)(?!{_LETTER})|{_LETTER}+(?:(?<=\d)\.(?=\d){_LETTER}+)*(?:['’]s(?!{_LETTER}))?"
_JOINER = r"[-‐‑–—−/.&_'’]"
_WORDS = re.compile(_WORD)
_SEGMENTS = re.compile(rf"(?P<cjk>[{_CJK}]+)|(?:{_WORD})(?:{_JOINER}(?:{_WORD}))*")
_CJK_RUN = re.compile(rf"[{_CJK}]+")
_NOT_LETTERS = re.compile(r"[\W_]+")
_KANA_WORD = re.compile(r"[\u30a1-\u30fa\u30fc]+|[\u3041-\u3096\u30fc]+")
_KANJI = r"[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]"
_KANJI_RUN = re.compile(rf"{_KANJI}+")
_OKURIGANA = r"[っわかとなまら]?[いきしちにひみりぎじびえけせてねへめれげぜでべつ]"
_OKURIGANA_COMPOUND = re.compile(rf"(?<!{_KANJI}){_KANJI}++(?:{_OKURIGANA}{_KANJI}++)+")
_OKURIGANA_INSIDE = re.compile(rf"(?<={_KANJI}){_OKURIGANA}(?={_KANJI})")
_INNER_KATAKANA = re.compile(
    r"(?<=[\u30a1-\u30fa\u30fc]{2})(?![ァィゥェォッャュョヮンー])[\u30a1-\u30fa](?=[\u30a1-\u30fa\u30fc])"
)
"""Where a part of a word in katakana may begin: after two letters and before another one."""
_KANJI_OR_KATAKANA = re.compile(r"[\u30a1-\u30fa\u30fc-\u30ff]+|[^\u3041-\u30ff]")


class Tokens(NamedTuple):
    """`texts[i]` is the indexed form of `normalized[starts[i]:ends[i]]`."""

    texts: list[str]
    starts: list[int]
    ends: list[int]


class Word(NamedTuple):
    """`text` is at [start, end) of the normalized text."""

    text: str
    start: int
    end: int


class Segment(NamedTuple):
    """A run of Japanese or Chinese characters, or one or more words joined by single hyphens and the like."""

    words: tuple[Word, ...]
    is_cjk: bool

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(stem(word.text) for word in self.words)

    @property
    def joined(self) -> str:
        return _joined(word.text for word in self.words)


def is_cjk(text: str) -> bool:
    """Whether the normalized `text` is one run of Japanese or Chinese characters."""
    return _CJK_RUN.fullmatch(text) is not None


def is_kanji(text: str) -> bool:
    return _KANJI_RUN.fullmatch(text) is not None


def segments(normalized: str) -> Iterator[Segment]:
    for match in _SEGMENTS.finditer(normalized):
        if match["cjk"]:
            yield Segment((Word(match[0], *match.span()),), True)
        else:
            yield Segment(
                tuple(Word(word[0][:MAX_TOKEN_LENGTH], *word.span()) for word in _words_in(match)), False
            )


def tokens_of(normalized: str, variant: str = "", marked: Sequence[int] = ()) -> Tokens:
    """Returns the tokens of text in unified spelling (`spelled`) in order; those of further spellings follow."""
    tokens, written, variants = Tokens([], [], []), Tokens([], [], []), Tokens([], [], [])
    # Avoids `segments` and an object per token, for speed: the text of every hit passes through here.
    for match in _SEGMENTS.finditer(normalized):
        if match["cjk"]:
            _add_pairs(tokens, as_hiragana(match[0]), match.start())
            for text, start, end in further_spellings(match[0]):
                written.texts.append("=" + text)
                written.starts.append(match.start() + start)
                written.ends.append(match.start() + end)
            if variant:
                _add_variant(variants, match, variant)
            continue
        words = _words_in(match)
        for word in words:
            root, as_it_is = _forms(word[0][:MAX_TOKEN_LENGTH])
            _add(tokens, root, word)
            if as_it_is:
                _add(written, as_it_is, word)
        if 1 < len(words) <= MAX_COMPOUND_LENGTH:
            _add(written, "=" + _joined(word[0][:MAX_TOKEN_LENGTH] for word in words), match)
    for offset in marked:
        written.texts.append(marked_kana(normalized[offset]))
        written.starts.append(offset)
        written.ends.append(offset + 1)
    return Tokens(
        tokens.texts + written.texts + variants.texts,
        tokens.starts + written.starts + variants.starts,
        tokens.ends + written.ends + variants.ends,
    )


def index_text(text: str) -> str:
    """Returns the tokens of `text`, which need not be normalized, separated by spaces."""
    unified = spelled(text, joins=True)
    return " ".join(tokens_of(unified.text, unified.variant, unified.marked).texts)


def spelling_text(normalized: str) -> str:
    """Returns the words and pairs of normalized text as they are written, separated by spaces."""
    return " ".join(spelling_tokens(normalized))


def spelling_tokens(normalized: str) -> Iterator[str]:
    for match in _SEGMENTS.finditer(normalized):
        if match["cjk"]:
            yield from (match[0][offset : offset + 2] for offset in range(len(match[0])))
        else:
            yield from (as_written(word[0][:MAX_TOKEN_LENGTH]) for word in _words_in(match))


def further_spellings(run: str) -> Iterator[tuple[str, int, int]]:
    """Yields (text, start, end) of words within a Japanese run that have a token of their own, in hiragana."""
    for word in _KANA_WORD.finditer(run):
        # チェン is short enough to be a spelling of チェーン.
        is_bare = len(word[0]) <= _MAX_BARE_WORD and word[0][0] >= "ァ"
        if 2 < len(word[0]) <= MAX_TOKEN_LENGTH and ("ー" in word[0] or is_bare):
            yield without_marks(word[0]), word.start(), word.end()
    for compound in _OKURIGANA_COMPOUND.finditer(run):
        bare = without_okurigana(compound[0])
        for offset in range(len(bare)):
            yield bare[offset : offset + 2], compound.start(), compound.end()
    yield from readings_of(run)


def marked_kana(kana: str) -> str:
    """Returns the token of a kana whose long vowel mark was left out: バー is found in リンクバー by it."""
    return f"={as_hiragana(kana)}ー"


def without_marks(word: str) -> str:
    return as_hiragana(word.replace("ー", ""))


def without_okurigana(run: str) -> str:
    """Returns `run` without the kana between two kanji of a compound: 取り付け -> 取付け."""
    return _OKURIGANA_INSIDE.sub("", run)


def stem(word: str) -> str:
    """Returns the stem of an English word (Snowball's Porter2), or any other word unchanged, without its 's."""
    return _forms(word)[0]


def as_written(word: str) -> str:
    """Returns `word` without apostrophes."""
    return word.replace("'", "").replace("’", "")


def openings(title: str) -> Iterator[str]:
    """Yields the texts by whose prefixes `title` is suggested: its remainder from each word or run on, longest first.

    Within Japanese, each kanji and each part of a word in katakana begins one: 遊星歯車 is suggested for 歯, and
    スライダクランク for クランク, too. They are in unified spelling, as is what `opening_of` returns.
    """
    unified = spelled(title, joins=True).text
    for segment in segments(unified):
        for word in segment.words:
            for start in _run_starts(word) if segment.is_cjk else (word.start,):
                yield _opening(unified[start : start + _MAX_OPENING_SOURCE])


def opening_of(typed: str) -> str:
    """Returns the beginning of openings by which `typed` is completed; empty if there is no letter or digit."""
    return _opening(spelled(typed, joins=True).text)


def _opening(unified: str) -> str:
    return as_hiragana(spaced(unified))[:MAX_TOKEN_LENGTH]


def spaced(normalized: str) -> str:
    """Replaces every run of characters other than letters and digits in normalized text by one space, and strips it."""
    return _NOT_LETTERS.sub(" ", normalized).strip()


def _words_in(segment: re.Match[str]) -> list[re.Match[str]]:
    """Returns the words of `segment`. Most segments are one word and skip the second regex."""
    return [segment] if segment[0].isalnum() else list(_WORDS.finditer(segment.string, *segment.span()))


def _run_starts(run: Word) -> Iterator[int]:
    inner = {run.start + match.start() for match in _KANJI_OR_KATAKANA.finditer(run.text)}
    inner |= {run.start + match.start() for match in _INNER_KATAKANA.finditer(run.text)}
    yield from sorted({run.start} | inner)


def _add(tokens: Tokens, text: str, made_from: re.Match[str]) -> None:
    tokens.texts.append(text)
    tokens.starts.append(made_from.start())
    tokens.ends.append(made_from.end())


def _add_pairs(tokens: Tokens, run: str, start: int) -> None:
    end = start + len(run)
    tokens.texts.extend([run[offset : offset + 2] for offset in range(len(run))])
    tokens.starts.extend(range(start, end))
    tokens.ends.extend((*range(start + 2, end + 1), end))


def _add_variant(tokens: Tokens, run: re.Match[str], text: str) -> None:
    """Adds the pairs of `text` near the letters in which it differs from `run`."""
    start, end = run.span()
    if text.startswith(run[0], start):
        return
    differing = [start + offset for offset, letter in enumerate(run[0]) if text[start + offset] != letter]
    first, last = max(start, differing[0] - _VARIANT_REACH), min(end, differing[-1] + _VARIANT_REACH + 1)
    tokens.texts.append("==")
    tokens.starts.append(first)
    tokens.ends.append(last)
    _add_pairs(tokens, as_hiragana(text[first:last]), first)


def _joined(words: Iterable[str]) -> str:
    return "".join(map(as_written, words))[:MAX_TOKEN_LENGTH]


@lru_cache(maxsize=50_000)
def _forms(word: str) -> tuple[str, str]:
    """Returns the stem of `word`, and its token as written, or "" if that equals the stem."""
    root, written = _root(word), as_written(word)
    return root, "" if written == root else "=" + written


def _root(word: str) -> str:
    ending = word[-2:] in ("'s", "’s")
    bare = word[:-2] if ending else word
    if not (bare.isascii() and bare.isalpha()):
        return bare
    # A stemmer keeps state, so threads cannot share one; creating one costs less than a lock.
    return str(snowballstemmer.stemmer("english").stemWord(unified(bare)))

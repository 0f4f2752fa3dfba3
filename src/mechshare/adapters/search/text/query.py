"""Parses queries. Every clause must match; a clause matches if any of its phrases does.

The language: words; "words in quotes" as a phrase; -word excludes; author:word and category:word look there only. Any
text is a query: what does not follow the language is words.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from mechshare.adapters.search.text.compounds import parts_of_compound
from mechshare.adapters.search.text.normalization import normalize_line, normalize_text
from mechshare.adapters.search.text.phrases import Phrase
from mechshare.adapters.search.text.spelling import SpelledText, as_hiragana, kanji_number, spelled
from mechshare.adapters.search.text.tokenizer import (
    MAX_COMPOUND_LENGTH,
    Segment,
    Word,
    as_written,
    is_cjk,
    is_kanji,
    marked_kana,
    segments,
    spelling_tokens,
    stem,
    tokens_of,
    without_marks,
    without_okurigana,
)
from mechshare.domain.search import Synonyms

MAX_CLAUSES = 100
"""A query of 200 characters has no more words; further ones of a longer query are ignored."""
PLACES_BY_OPERATOR: Mapping[str, int] = {
    "category": 1,
    "author": 2,
    "カテゴリ": 1,
    "分類": 1,
    "投稿者": 2,
    "作者": 2,
}
"""The place (in the order of WEIGHTS) that each operator searches."""

_OPERATORS = "|".join(PLACES_BY_OPERATOR)
_MARKS = str.maketrans("“”＂：－", '""":-')
_QUOTATION = re.compile(r'(?P<glue>[-:])?"(?P<text>[^"]*)"')
_OPERATOR = re.compile(rf"(?i)(?<![^\s-])(?:{_OPERATORS}):")
_PART = re.compile(
    rf'(?<!\S)(?P<minus>-(?=[^\s-]))?(?:(?P<operator>{_OPERATORS}):(?=\S))?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))'
)
_PARTICLE = re.compile(
    r"(?<=[^\u3041-\u3096])"
    r"(?:における|による|からの|までの|での|との|への|から|まで|した|する|の|を|に|は|が|で|と|や|へ|な)"
    r"(?=[^\u3041-\u3096])"
)
_STOP_WORDS = frozenset(["a", "an", "and", "by", "for", "from", "in", "of", "on", "the", "to", "with"])
"""English words that say how others belong together, as particles do; the last word of a query may be unfinished."""
_FINAL_KANA = re.compile(r"(?<=[\u3400-\u9fff])[\u3041-\u3096]{1,2}$")
_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u30fc]+")
_REMEMBERED_QUERIES = 1_000
_MAX_OKURIGANA_COMPOUND = 4
"""Kanji of a query that may be written with okurigana between them: 取付 and 取り付け."""
_NUMBER = re.compile(r"[1-9][0-9]?")


@dataclass(frozen=True, slots=True)
class Clause:
    """Matches by any of `phrases`. A match counts more in a title that has `spelling`, the words as they were typed.

    `place`, if any, is the only place that is searched, in the order of WEIGHTS. `related` are phrases of the
    thesaurus, or words that a typo may stand for: they match, too, with less weight.
    """

    phrases: tuple[Phrase, ...]
    spelling: Phrase | None = None
    place: int | None = None
    related: tuple[Phrase, ...] = ()
    is_quoted: bool = False

    @property
    def every(self) -> tuple[Phrase, ...]:
        return self.phrases + self.related

    def is_written(self, word: str) -> bool:
        """Whether this is the word `word` of the query, as `plain_words` returns it."""
        if self.is_quoted or self.place is not None or self.spelling is None:
            return False
        written = _spelling(word, is_prefix=False)
        return written is not None and written.tokens == self.spelling.tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedQuery:
    """`line` is the normalized text, for comparison with whole titles. No result matches a clause in `forbidden`.

    A blank query (`is_blank`) matches everything that is not forbidden. Text without letters or digits has no clauses
    and matches nothing. `strict`, if any, are the clauses before the query was loosened: what matches them comes first.
    """

    line: str
    clauses: tuple[Clause, ...]
    forbidden: tuple[Clause, ...] = ()
    strict: tuple[Clause, ...] = ()

    @property
    def is_blank(self) -> bool:
        return not self.line or (not self.clauses and bool(self.forbidden))

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        return tuple(phrase for clause in self.clauses for phrase in clause.every)


@lru_cache(maxsize=_REMEMBERED_QUERIES)
def parse_query(text: str, synonyms: Synonyms = ()) -> ParsedQuery:
    """Parses `text`: words match anywhere, "quoted words" as a phrase, the last unquoted word also as a prefix.

    A clause that is one of the words in `synonyms` also matches by the others.
    """
    parts = parts_of_query(text)
    clauses: list[Clause] = []
    forbidden: list[Clause] = []
    for part in parts:
        found = _clauses_of(part, is_last=part is parts[-1])
        (forbidden if part["minus"] else clauses).extend(found)
    clauses = _with_synonyms(_with_joined_neighbours(clauses[:MAX_CLAUSES]), synonyms)
    return ParsedQuery(
        line=normalize_line(text),
        clauses=tuple(dict.fromkeys(clauses)),
        forbidden=tuple(dict.fromkeys(forbidden))[:MAX_CLAUSES],
    )


def _separated(text: str) -> str:
    """Returns `text` with ASCII operators in lower case, and with spaces around quotations. A quotation mark without a
    partner is left out."""
    written = text.translate(_MARKS)
    if written.count('"') % 2:
        before, _, after = written.rpartition('"')
        written = f"{before} {after}"
    written = _QUOTATION.sub(lambda found: f'{found["glue"] or " "}"{found["text"]}" ', written)
    return _OPERATOR.sub(lambda found: found[0].lower(), written)


def _clauses_of(part: re.Match[str], *, is_last: bool) -> Iterator[Clause]:
    place = PLACES_BY_OPERATOR.get(part["operator"] or "")
    if part["plain"] is None:
        phrases = quoted_phrases(part["quoted"])
        if phrases:
            yield Clause(phrases, _spelling(part["quoted"], is_prefix=False), place, is_quoted=True)
        return
    if not is_last and not part["minus"] and part["plain"].lower() in _STOP_WORDS:
        return
    unified = spelled(part["plain"])
    found = list(_pieces(unified))
    for segment in found:
        is_prefix = is_last and segment is found[-1] and not part["minus"]
        yield Clause(
            _phrases(segment, unified, is_last=is_prefix),
            _spelling(_written(segment, unified, part["plain"]), is_prefix=is_prefix),
            place,
        )


def parts_of_query(text: str) -> list[re.Match[str]]:
    """Returns the parts of the query `text` between spaces: groups `minus`, `operator`, and `plain` or `quoted`."""
    return list(_PART.finditer(_separated(text)))


def plain_words(text: str) -> list[str]:
    """Returns the words of the query `text`, as written, without those in quotes, after a minus or an operator."""
    parts = (part for part in parts_of_query(text) if not part["minus"] and not part["operator"])
    plain = [(part["plain"], spelled(part["plain"])) for part in parts if part["plain"] is not None]
    return [_written(piece, unified, typed) for typed, unified in plain for piece in _pieces(unified)]


def _pieces(unified: SpelledText) -> Iterator[Segment]:
    for segment in segments(unified.text):
        yield from _without_particles(segment)


def _written(segment: Segment, unified: SpelledText, original: str) -> str:
    start, end = unified.span(segment.words[0].start, segment.words[-1].end)
    return original[start:end]


def _without_particles(segment: Segment) -> Iterator[Segment]:
    """Yields the words of a Japanese run between particles, each as a run: 四節リンクの動き -> 四節リンク, 動き."""
    if not segment.is_cjk:
        yield segment
        return
    (run,) = segment.words
    start = 0
    for particle in _PARTICLE.finditer(run.text):
        yield _piece(run, start, particle.start())
        start = particle.end()
    yield _piece(run, start, len(run.text))


def _piece(run: Word, start: int, end: int) -> Segment:
    return Segment((Word(run.text[start:end], run.start + start, run.start + end),), True)


def _phrases(segment: Segment, unified: SpelledText, *, is_last: bool) -> tuple[Phrase, ...]:
    if not segment.is_cjk:
        return tuple(dict.fromkeys(_latin_phrases(segment, is_last=is_last)))
    (run,) = segment.words
    if len(run.text) == 1 and run.start in unified.marked:
        return _marked_phrases(run.text)
    spellings = dict.fromkeys((run.text, unified.variant[run.start : run.end]))
    return tuple(dict.fromkeys(phrase for text in spellings for phrase in _japanese_phrases(text)))


def quoted_phrases(text: str) -> tuple[Phrase, ...]:
    """Returns `text` as phrases, with and without the spaces that a document's text may have, too."""
    apart, joined = spelled(text), spelled(text, joins=True)
    if len(joined.text) == 1 and joined.marked:
        return _marked_phrases(joined.text)
    spellings = dict.fromkeys((apart.text, apart.variant, joined.text, joined.variant))
    return tuple(dict.fromkeys(phrase for each in spellings if (phrase := phrase_of(each))))


def _marked_phrases(kana: str) -> tuple[Phrase, ...]:
    """Returns the phrases of a word that is a kana with a long vowel mark, as in カー."""
    return Phrase((as_hiragana(kana) + "ー",)), Phrase((marked_kana(kana),))


def _japanese_phrases(run: str) -> Iterator[Phrase]:
    spellings = [run]
    bare = without_okurigana(run)
    if bare != run:
        spellings.append(bare)
    stem_of_run = _FINAL_KANA.sub("", bare)
    if len(stem_of_run) > 1 and stem_of_run != bare:
        spellings.append(stem_of_run)
    for text in spellings:
        phrase = phrase_of(text)
        if phrase:
            yield phrase
    if _KANA.fullmatch(run):
        yield Phrase(("=" + without_marks(run),))
    if len(spellings) > 1 or (1 < len(run) <= _MAX_OKURIGANA_COMPOUND and is_kanji(run)):
        yield Phrase(tuple("=" + pair for pair in _pairs(spellings[-1])))


def _pairs(run: str) -> Sequence[str]:
    return [run[offset : offset + 2] for offset in range(len(run) - 1)]


def _latin_phrases(segment: Segment, *, is_last: bool) -> Iterator[Phrase]:
    stems, last = segment.stems, as_written(segment.words[-1].text)
    unfinished = Phrase((*stems[:-1], last), is_prefix=True)
    # The prefix also matches the word itself.
    if not (is_last and stems == unfinished.tokens):
        yield Phrase(stems)
    if len(segment.words) <= MAX_COMPOUND_LENGTH:
        if not (is_last and unfinished.tokens == (stem(segment.joined),)):
            yield Phrase((stem(segment.joined),))
        yield Phrase(("=" + segment.joined,), is_prefix=is_last)
    if len(segment.words) == 1 and _NUMBER.fullmatch(stems[0]):
        number = phrase_of(kanji_number(int(stems[0])))
        if number:
            yield number
    if len(segment.words) == 1:
        for parts in parts_of_compound(last):
            yield Phrase(tuple(map(stem, parts)))
    if is_last:
        yield unfinished


def _with_joined_neighbours(clauses: Sequence[Clause]) -> list[Clause]:
    """Adds to each two neighbouring English words the word that they form: gear box also matches gearbox."""
    joined = list(clauses)
    for number, (one, other) in enumerate(pairwise(clauses)):
        words = [
            clause.spelling.tokens for clause in (one, other) if clause.spelling and clause.place is None
        ]
        if len(words) == 2 and all(
            len(word) == 1 and word[0].isascii() and word[0].isalpha() for word in words
        ):
            compound = (Phrase((stem(words[0][0] + words[1][0]),)),)
            joined[number] = replace(joined[number], phrases=joined[number].phrases + compound)
            joined[number + 1] = replace(other, phrases=other.phrases + compound)
    return joined


def _with_synonyms(clauses: list[Clause], synonyms: Synonyms) -> list[Clause]:
    """Adds to each clause that is part of a term the other names of the term."""
    for term, names in synonyms:
        words = {clause.spelling and clause.spelling.tokens for clause in parse_query(term).clauses}
        related = tuple(phrase for name in names for phrase in quoted_phrases(name))
        clauses = [
            replace(clause, related=tuple(dict.fromkeys(clause.related + related)))
            if clause.place is None and clause.spelling and clause.spelling.tokens in words
            else clause
            for clause in clauses
        ]
    return clauses


def _spelling(written: str, *, is_prefix: bool) -> Phrase | None:
    tokens = list(spelling_tokens(normalize_text(written).text))
    if len(tokens) > 1 and len(tokens[-1]) == 1 and is_cjk(tokens[-1]):
        tokens.pop()
    if not tokens:
        return None
    return Phrase(tuple(tokens), is_prefix=is_prefix or (len(tokens) == 1 and is_cjk(tokens[0])))


def phrase_of(text: str) -> Phrase | None:
    """Returns a phrase that matches all tokens of `text`, in unified spelling; None if there are none.

    Drops the single last character of a Japanese run after a pair that contains it; one without a pair is a prefix.
    """
    tokens = tokens_of(text)
    texts = tuple(token for token in tokens.texts if not token.startswith("="))
    if not texts:
        return None
    if not is_cjk(texts[-1]):
        return Phrase(texts)
    ends = tokens.ends[: len(texts)]
    ends_a_pair = len(ends) > 1 and ends[-2] == ends[-1]
    return Phrase(texts[:-1]) if ends_a_pair else Phrase(texts, is_prefix=True)

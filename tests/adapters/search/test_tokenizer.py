"""How text is normalized and tokenized, and how a query is written for FTS5."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechshare.adapters.search.sqlite.parameters import match_expression
from mechshare.adapters.search.text.normalization import normalize_line, normalize_text
from mechshare.adapters.search.text.query import MAX_CLAUSES, parse_query
from mechshare.adapters.search.text.tokenizer import index_text, openings

HARD = st.text(alphabet="aＡåÅﬁß㍉ｶﾞﾊﾟカがﾞ゙゚\u0301\u0323한한々歯\ufe0fﾡￂ\u0344Ω")


class TestFolding:
    @given(text=st.text() | HARD)
    def test_the_result_is_nfkc_case_folding(self, text: str) -> None:
        whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())

        assert normalize_text(text).text == whole

    @given(text=st.text() | HARD)
    def test_every_character_has_its_position_in_the_original(self, text: str) -> None:
        folded = normalize_text(text)

        assert len(folded.starts) == len(folded.ends) == len(folded.text)
        for (start, end), (next_start, next_end) in pairwise(zip(folded.starts, folded.ends, strict=True)):
            assert start < end <= len(text)
            assert (start, end) == (next_start, next_end) or end <= next_start

    @pytest.mark.parametrize(
        ("text", "part", "source"),
        [
            ("ＧＥＡＲ歯車", "歯車", "歯車"),
            ("xｶﾞｲﾄﾞy", "ガ", "ｶﾞ"),
            ("1㍉y", "リ", "㍉"),
            ("Ｓtraße", "ss", "ß"),
        ],
    )
    def test_a_part_is_mapped_to_the_original(self, text: str, part: str, source: str) -> None:
        folded = normalize_text(text)
        place = folded.text.index(part)

        start, end = folded.span(place, place + len(part))

        assert text[start:end] == source

    def test_a_lone_surrogate_is_replaced(self) -> None:
        assert normalize_text("a\ud800").text == "a?"

    def test_a_line_has_single_spaces(self) -> None:
        assert normalize_line("　Geneva\t\n ＤＲＩＶＥ ") == "geneva drive"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", ""),
        ("four-bar linkages", "4 bar linkag =four =fourbar =linkages"),
        ("遊星歯車", "遊星 星歯 歯車 車"),
        ("歯", "歯"),
        ("歯車、車", "歯車 車 車"),
        ("M3ねじ", "m3 ねじ じ"),
        ("4-bar 6R C++ F# 2.5mm", "4 bar 6r c++ f# 2.5mm =4bar"),
        ("abc++ c++x #1 +", "abc c x 1"),
        ("Watt's d'Alembert", "watt d alembert =watts =dalembert"),
        ("R&D, rack_and_pinion", "r d rack and pinion =rd =rackandpinion"),
        ("1-2-3-4-5-6-7-8-9", "1 2 3 4 5 6 7 8 9"),
        ("スピード・カム", "すぴ ぴー ーど どか かむ む =すぴどかむ"),
        ("🙂 * \" '", ""),
        ("x" * 100, "x" * 64),
    ],
)
def test_text_becomes_tokens(text: str, tokens: str) -> None:
    assert index_text(text) == tokens


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Planetary gear set", ["planetary gear set", "gear set", "set"]),
        ("遊星歯車", ["遊星歯車", "星歯車", "歯車", "車"]),
        ("カムと爪", ["かむと爪", "爪"]),
        ("スライダー・クランク", ["すらいだくらんく", "いだくらんく", "だくらんく", "くらんく", "らんく"]),
        ("ゼネバ機構（4 溝）", ["ぜねば機構 四溝", "機構 四溝", "構 四溝", "四溝", "溝"]),
        ("ばねの力", ["ばねの力", "力"]),
        ("***", []),
    ],
)
def test_a_title_is_suggested_from_each_of_its_words(title: str, expected: list[str]) -> None:
    assert list(openings(title)) == expected


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("歯車", '("歯車" OR "=歯車")'),
        ("遊星歯車 歯", '("遊星 星歯 歯車" OR "=遊星 =星歯 =歯車") AND ("歯"*)'),
        ("gears 歯", '("gear" OR "=gears") AND ("歯"*)'),
        ("4-bars 歯", '("4 bar" OR "4bars" OR "=4bars") AND ("歯"*)'),
        ("gear", '("=gear"* OR "gear"*)'),
        ('"four bars"', '("4 bar")'),
        ('" OR NEAR(', '("or" OR "=or" OR "ornear") AND ("=near"* OR "near"* OR "ornear")'),
        ("***", ""),
    ],
)
def test_a_query_becomes_quoted_tokens(text: str, expression: str) -> None:
    assert match_expression(parse_query(text).clauses) == expression


def test_the_number_of_clauses_is_bounded() -> None:
    assert len(parse_query(" ".join(map(str, range(1000)))).clauses) == MAX_CLAUSES

"""The contract suite of search indexes (mechshare.ports.search)."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mechshare.domain.audiences import PUBLIC_AUDIENCE
from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.motion import MotionKind
from mechshare.domain.named_values import NamedValue, range_in
from mechshare.domain.search import MAX_EXCLUDED, SearchQuery, SearchResult, SearchSort, place_at
from mechshare.domain.search_documents import SearchDocument
from mechshare.domain.suggestions import SuggestionKind
from mechshare.testing.bounds import bounded
from mechshare.testing.search.relevance import QUERIES, documents, missed, ndcg

START = datetime(2025, 1, 1, tzinfo=UTC)


def document(key: str, title: str, **changes: Any) -> SearchDocument:
    plain = SearchDocument(
        mechanism_id=MechanismId(key),
        version=1,
        title=title,
        description="",
        category_ids=(),
        category_names=(),
        user_id=UserId("owner"),
        author_name="Workshop",
        audience=PUBLIC_AUDIENCE,
        created_at=START,
    )
    return replace(plain, **changes)


def keys(result: SearchResult) -> list[str]:
    return [hit.mechanism_id for hit in result.hits]


async def found(index: Any, text: str, **changes: Any) -> list[str]:
    return keys(await index.search(SearchQuery(text=text, **changes)))


async def stream(items: Sequence[SearchDocument]) -> AsyncIterator[SearchDocument]:
    for each in items:
        yield each


class TestMatching:
    @pytest.mark.parametrize(
        ("title", "text"),
        [
            ("遊星歯車機構", "歯車"),
            ("遊星歯車機構", "遊星歯車"),
            ("歯車", "歯"),
            ("遊星歯車", "車"),
            ("大きな梃", "梃"),
            ("カム機構", "ｶﾑ"),
            ("ガイド", "ｶﾞｲﾄﾞ"),
            ("ﾗﾁｪｯﾄ", "ラチェット"),
            ("モーター", "ﾓｰﾀｰ"),
            ("佐々木式", "々木"),
            ("Geneva drive", "ＧＥＮＥＶＡ"),
            ("ＧＥＮＥＶＡ　ＤＲＩＶＥ", "geneva drive"),
            ("Spur gear", "gears"),
            ("Spur gears", "gear"),
            ("Rotation of a disc", "rotating"),
            ("Planetary gear set", "plan"),
            ("Planetary gear set", "gear planetar"),
            ("Rotation", "rotati"),
            ("Rotation", "rotatio"),
            ("Watt's linkage", "watt"),
            ("Watt’s linkage", "watts"),
            ("4-bar", "4-bar"),
            ("4-bar", "4bar"),
            ("4bar", "4-bar"),
            ("4 bar", "4-bar"),
            ("Four-bar linkage", "fourbar linkage"),
            ("Bricard 6R loop", "6r"),
            ("R-S-S-R", "RSSR"),
            ("M3ねじ", "m3"),
            ("M3ねじ", "ねじ"),
            ("M3のねじ", "M3ねじ"),
            ("Made with C++", "c++"),
            ("Made with C++", "c++ made"),
            ("2.5 mm pitch", "2.5"),
            ("㍉ねじ", "ミリ"),
            ("Straße", "STRASSE"),
            ("Łódź", "łódź"),
            ("𠮷野の歯車", "𠮷野"),
            ("歯車・カム", "カム 歯車"),
            ("リンク (平行)", "平行 リンク"),
        ],
    )
    async def test_a_title_is_found(self, index: Any, title: str, text: str) -> None:
        await index.put([document("a", title)])

        assert await found(index, text) == ["a"]

    @pytest.mark.parametrize(
        ("title", "text"),
        [
            ("歯の車輪", "歯車"),
            ("車歯", "歯車"),
            ("歯車", "歯車機構"),
            ("Gear", "gear cam"),
            ("Gear", "歯車"),
            ("Planetary gear", "plan gear"),
            ("Planetary gear", "lanet"),
            ("Bar of four", '"four bar"'),
            ("輪と歯車", '"歯車 輪"'),
            ("Gear", "***"),
            ("Gear", "⚙️"),
            ("Gear", '""'),
        ],
    )
    async def test_a_title_is_not_found(self, index: Any, title: str, text: str) -> None:
        await index.put([document("a", title)])

        assert await found(index, text) == []

    @pytest.mark.parametrize(
        ("title", "text"),
        [
            ("Four-bar linkages", '"four bar linkage"'),
            ("歯車と車輪", '"歯車と"'),
            ("歯車、車輪", '"歯車 車輪"'),
            ("Geneva drive", "“geneva drive”"),
            ("Geneva drive", '"geneva drive'),
            ("Geneva drive", 'dri"'),
        ],
    )
    async def test_quoted_words_match_as_a_phrase(self, index: Any, title: str, text: str) -> None:
        await index.put([document("a", title)])

        assert await found(index, text) == ["a"]

    async def test_every_word_may_match_in_another_field(self, index: Any) -> None:
        here = document(
            "a",
            "Sun and planets",
            description="Printed in brass.",
            category_names=("Planetary gears", "遊星歯車"),
            author_name="Rosewood",
        )
        await index.put([here])

        assert await found(index, "sun brass 遊星 rosewood") == ["a"]

    @pytest.mark.parametrize(("indexed", "query_form"), [("NFD", "NFC"), ("NFC", "NFD")])
    async def test_composed_and_decomposed_text_match_each_other(
        self, index: Any, indexed: Any, query_form: Any
    ) -> None:
        await index.put([document("a", unicodedata.normalize(indexed, "ガイド付きリンク Élan"))])

        assert await found(index, unicodedata.normalize(query_form, "ガイド")) == ["a"]
        assert await found(index, unicodedata.normalize(query_form, "Élan")) == ["a"]

    @pytest.mark.parametrize("text", ["", "   ", "\u3000\n"])
    async def test_an_empty_query_lists_everything_newest_first(self, index: Any, text: str) -> None:
        days = [timedelta(days=day) for day in (2, 0, 1)]
        await index.put(
            [document(key, "x", created_at=START + day) for key, day in zip("abc", days, strict=True)]
        )

        result = await index.search(SearchQuery(text=text))

        assert keys(result) == ["a", "c", "b"]
        assert result.total == 3
        assert all(not hit.highlights for hit in result.hits)

    @pytest.mark.parametrize(
        "text",
        [
            '"',
            '"""',
            "*",
            "gear*",
            "(gear",
            "gear)",
            "NEAR(gear cam)",
            "gear AND",
            "OR gear",
            "NOT",
            "-gear",
            "title:gear",
            "^gear",
            "{title} : gear",
            "gear + cam",
            "a\0b",
            "\0",
            "🙂🙃",
            " " * 10_000,
            "'; DROP TABLE document; --",
            "\ud800gear",
            "\u0301\u3099",
            "歯" * 5_000,
            "gear " * 3_000,
            " ".join(f"w{number}" for number in range(3_000)),
            "a-" * 3_000,
            '"' + "gear cam " * 1_000 + '"',
            "=gear",
            "\\",
            "%_",
        ],
    )
    async def test_any_text_is_a_valid_query(self, index: Any, text: str) -> None:
        await index.put([document("a", "Gear and cam")])

        result = await index.search(SearchQuery(text=text))
        suggested = await index.suggest(text, 5)

        assert result.total == len(result.hits) <= 1
        assert len(suggested) <= 1

    @pytest.mark.parametrize(
        "text", ["gear AND cam", "gear NOT cam", "gear OR cam", "NEAR(gear)", "title:gear"]
    )
    async def test_operators_are_ordinary_words(self, index: Any, text: str) -> None:
        await index.put([document("a", "Gear and cam"), document("b", text)])

        assert "b" in await found(index, text)
        assert "a" not in await found(index, text.replace("AND", "NOR"))

    @given(
        words=st.lists(
            st.from_regex(
                r"[a-z]{1,12}|[0-9]{1,5}|(?![ァィゥェォッャュョヮ])[ァ-ヴ][ァ-ヴー]{1,7}|[一-龥]{1,6}",
                fullmatch=True,
            ),
            min_size=1,
        )
    )
    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    async def test_a_title_is_found_by_each_of_its_words(self, index: Any, words: list[str]) -> None:
        await index.put([document("a", " ".join(words), version=1)])

        for word in words:
            assert await found(index, word) == ["a"]

    @given(text=st.text(max_size=40))
    @settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    async def test_any_text_can_be_a_title_and_a_query(self, index: Any, text: str) -> None:
        await index.put([document("a", text), document("b", "gear")])

        result = await index.search(SearchQuery(text=text))

        assert result.total <= 2
        for hit in result.hits:
            if "title" in hit.highlights and hit.mechanism_id == "a":
                assert "".join(part for part, _ in hit.highlights["title"]) == text


class TestRanking:
    async def test_a_title_outweighs_a_category_an_author_and_a_description(self, index: Any) -> None:
        await index.put(
            [
                document("description", "Piece one", description="cam"),
                document("author", "Piece two", author_name="cam"),
                document("category", "Piece three", category_names=("cam",)),
                document("title", "Piece cam"),
                *(document(f"other{n}", "Something else") for n in range(10)),
            ]
        )

        assert await found(index, "cam") == ["title", "category", "author", "description"]

    async def test_an_equal_title_outranks_everything(self, index: Any) -> None:
        repetitive = document("b", "歯車 歯車 歯車", description="歯車 " * 50, category_names=("歯車",))
        await index.put([document("a", "歯車"), repetitive, document("c", "カム")])

        assert await found(index, "歯車") == ["a", "b"]
        assert await found(index, "　歯車 ") == ["a", "b"]

    async def test_an_equal_title_is_equal_whatever_its_width_and_case(self, index: Any) -> None:
        await index.put([document("a", "ＧＥＮＥＶＡ　Drive"), document("b", "Geneva drive geneva drive")])

        assert await found(index, "geneva  drive") == ["a", "b"]

    async def test_equal_scores_are_newest_first_then_by_identifier(self, index: Any) -> None:
        later = START + timedelta(microseconds=1)
        await index.put([document("c", "cam"), document("a", "cam"), document("b", "cam", created_at=later)])

        assert await found(index, "cam") == ["b", "a", "c"]

    async def test_results_can_be_ordered_newest_first(self, index: Any) -> None:
        later = START + timedelta(days=1)
        await index.put(
            [document("a", "cam"), document("b", "A large cam", created_at=later), document("c", "cam")]
        )

        assert await found(index, "cam", sort=SearchSort.NEWEST) == ["b", "a", "c"]

    async def test_judged_queries_reach_the_required_quality(self, index: Any) -> None:
        await index.put(documents())
        results = {text: await found(index, text) for text in QUERIES}

        qualities = {text: ndcg(results[text], judged) for text, judged in QUERIES.items()}
        missing = {text: missed(results[text], judged) for text, judged in QUERIES.items()}

        assert sum(qualities.values()) / len(qualities) >= 0.9, qualities
        assert not any(missing.values()), missing


class TestSynonyms:
    async def test_another_name_is_found_and_marked_after_the_one_that_was_typed(self, index: Any) -> None:
        await index.put(
            [document("a", "平歯車"), document("b", "Spur gear pair of steel"), document("c", "Cam")]
        )
        synonyms = (("spur gear", ("平歯車",)),)

        result = await index.search(SearchQuery(text="spur gear", synonyms=synonyms))

        assert keys(result) == ["b", "a"]
        assert result.hits[1].highlights["title"] == (("平歯車", True),)

    async def test_every_other_word_still_must_match(self, index: Any) -> None:
        await index.put([document("a", "鋼の歯車"), document("b", "Steel gear"), document("c", "歯車")])

        assert await found(index, "steel gear", synonyms=(("gear", ("歯車",)),)) == ["b"]
        assert await found(index, "-gear", synonyms=(("gear", ("歯車",)),)) == ["a", "c"]


class TestTypos:
    @pytest.mark.parametrize(
        ("title", "text"),
        [
            ("Planetary gears", "planetry"),
            ("Planetary gears", "gears plnaetary"),
            ("Planetary gears", "planatery gear"),
            ("Geneva drive", "genova drive"),
            ("Geneva drive", "egneva"),
            ("Escapement", "escpaemnt"),
            ("Linkage", "linkaage"),
        ],
    )
    async def test_a_word_is_found_with_a_typo(self, index: Any, title: str, text: str) -> None:
        await index.put([document("a", title), document("b", "Other")])

        result = await index.search(SearchQuery(text=text))

        assert keys(result) == ["a"]
        assert any(is_match for _, is_match in result.hits[0].highlights["title"])
        assert result.expanded

    @pytest.mark.parametrize(
        ("title", "text"),
        [
            ("Geneva", "gonova"),  # two edits in six letters
            ("Escapement", "ascapemont escapemint's-x"),
            ("Cams", "cast"),
            ("Geneva", '"genova"'),
            ("M12", "m13"),
            ("Model 12345", "12346"),
        ],
    )
    async def test_other_words_are_not_found(self, index: Any, title: str, text: str) -> None:
        await index.put([document("a", title)])

        assert await found(index, text) == []

    async def test_what_matches_exactly_comes_first(self, index: Any) -> None:
        await index.put(
            [
                document("typo", "Genova drive", created_at=START + timedelta(days=1)),
                document("text", "A drive for films", description="of Geneva"),
                document("title", "Geneva drive"),
            ]
        )

        assert await found(index, "geneva drive") == ["title", "text", "typo"]
        assert await found(index, "geneva", sort=SearchSort.NEWEST) == ["text", "title"]
        assert await found(index, "drive -genova") == ["title", "text"]

    async def test_a_query_with_many_matches_finds_no_other_words(self, index: Any) -> None:
        await index.put([document(f"{number:02}", "motor") for number in range(20)])
        await index.put([document("a", "rotor")])

        assert "a" not in await found(index, "motor", limit=50)

    async def test_without_a_match_the_nearest_words_of_the_index_are_named(self, index: Any) -> None:
        await index.put([document("a", "Cam"), document("b", "Escapement")])

        result = await index.search(SearchQuery(text="camm ascapemant"))

        assert (result.hits, dict(result.nearest)["camm"]) == ((), ("cam",))

    async def test_terms_within_a_word_are_found_after_the_word(self, index: Any) -> None:
        await index.put([document("a", "Gear"), document("b", "歯車減速機の音"), document("c", "Cam")])
        parts = (("歯車減速機", (("歯車", ("gear",)),)),)

        result = await index.search(SearchQuery(text="歯車減速機", parts=parts))

        assert (keys(result), result.expanded) == (["b", "a"], (("歯車", ("gear",)),))


class TestFilters:
    @pytest.fixture
    async def filled(self, index: Any) -> Any:
        gears, cams = CategoryId("gears"), CategoryId("cams")
        await index.put(
            [
                document("a", "gear one", category_ids=(gears,)),
                document("b", "gear two", category_ids=(gears, cams), user_id=UserId("other")),
                document("c", "gear three", category_ids=(cams,)),
                document("d", "gear four", category_ids=(gears,), audience=()),
                document("e", "gear five"),
            ]
        )
        return index

    @pytest.mark.parametrize("text", ["gear", ""])
    async def test_unpublished_mechanisms_are_not_found(self, filled: Any, text: str) -> None:
        result = await filled.search(SearchQuery(text=text))

        assert sorted(keys(result)) == ["a", "b", "c", "e"]
        assert result.total == 4
        assert result.facets == {"gears": 2, "cams": 2}
        assert "gear four" not in await filled.suggest("gear", 10)

    @pytest.mark.parametrize("text", ["gear", ""])
    async def test_unpublished_mechanisms_are_found_if_the_query_includes_them(
        self, filled: Any, text: str
    ) -> None:
        result = await filled.search(SearchQuery(text=text, published_only=False))

        assert sorted(keys(result)) == ["a", "b", "c", "d", "e"]
        assert result.facets == {"gears": 3, "cams": 2}

    @pytest.mark.parametrize("text", ["gear", ""])
    async def test_a_search_in_several_categories_finds_all_of_them(self, filled: Any, text: str) -> None:
        cams, both = ("cams",), ("cams", "gears")

        assert sorted(await found(filled, text, category_ids=cams)) == ["b", "c"]
        assert sorted(await found(filled, text, category_ids=both)) == ["a", "b", "c"]
        assert await found(filled, text, category_ids=("absent\ud800'",)) == []

    @pytest.mark.parametrize("text", ["gear", ""])
    async def test_a_search_in_all_of_several_families_finds_what_is_in_each(
        self, filled: Any, text: str
    ) -> None:
        assert await found(filled, text, families=(("cams",), ("gears",))) == ["b"]
        assert sorted(await found(filled, text, families=(("cams",), ("absent", "gears", "cams")))) == [
            "b",
            "c",
        ]
        assert await found(filled, text, families=(("cams",), ("absent\ud800'",))) == []

    @pytest.mark.parametrize("text", ["gear", ""])
    async def test_a_search_of_one_user_finds_only_theirs(self, filled: Any, text: str) -> None:
        result = await filled.search(SearchQuery(text=text, user_id=UserId("other")))

        assert keys(result) == ["b"]
        assert (result.total, result.facets) == (1, {"gears": 1, "cams": 1})

    @pytest.mark.parametrize("text", ["crank", ""])
    async def test_a_search_is_narrowed_by_how_clips_move(self, index: Any, text: str) -> None:
        await index.put(
            [
                document("a", "crank one", period_ms=810.4, motion=MotionKind.LOOP, loops=True),
                document("b", "crank two", period_ms=2_000.0, motion=MotionKind.PERIODIC),
                document("c", "crank three", motion=MotionKind.APERIODIC),
                document("d", "crank four"),
            ]
        )

        assert sorted(await found(index, text, min_period_ms=810.4)) == ["a", "b"]
        assert await found(index, text, min_period_ms=810.5, max_period_ms=2_000.0) == ["b"]
        assert await found(index, text, max_period_ms=1_999.9) == ["a"]
        assert await found(index, text, loops=True) == ["a"]
        assert sorted(await found(index, text, loops=False)) == ["b", "c", "d"]
        assert await found(index, text, motion=MotionKind.APERIODIC) == ["c"]
        kinds = (MotionKind.LOOP, MotionKind.PERIODIC, MotionKind.APERIODIC)
        assert (await index.search(SearchQuery(text=text))).motions == dict.fromkeys(kinds, 1)

    @pytest.mark.parametrize("text", ["crank", ""])
    async def test_a_search_is_narrowed_by_what_authors_state(self, index: Any, text: str) -> None:
        stroke = (NamedValue(name="Stroke", number=12.0, unit="mm"), NamedValue(name="teeth", number=20.0))
        await index.put(
            [
                document("a", "crank one", reliability=4, license="MIT", parameters=stroke),
                document("b", "crank two", reliability=1, license="CC0-1.0"),
                document("c", "crank three", parameters=(NamedValue(name="stroke", text="12"),)),
            ]
        )

        result = await index.search(SearchQuery(text=text, reliability_min=1))
        assert (sorted(keys(result)), result.levels) == (["a", "b"], {4: 1, 1: 1})
        assert (await index.search(SearchQuery(text=text))).levels == {4: 1, 1: 1, 0: 1}
        assert await found(index, text, reliability_min=2) == ["a"]
        assert sorted(await found(index, text, licenses=("MIT", "CC0-1.0"))) == ["a", "b"]
        assert await found(index, text, ranges=(range_in("", "STROKE", "1cm..2cm"),)) == ["a"]
        assert await found(index, text, ranges=(range_in("", "stroke", "10..20"),)) == []
        both = (range_in("", "stroke", "12mm"), range_in("", "teeth", "21.."))
        assert await found(index, text, ranges=both) == []
        assert await found(index, text, ranges=(range_in("", "absent\ud800'", "1..2"),)) == []

    @pytest.mark.parametrize("text", ["crank", ""])
    async def test_the_most_reliable_come_first_and_what_states_no_level_last(
        self, index: Any, text: str
    ) -> None:
        levels = {"a": 0, "b": 3, "c": 5, "d": 3, "e": 0}
        await index.put(
            [
                document(key, "crank", reliability=level, created_at=START + timedelta(hours=number))
                for number, (key, level) in enumerate(levels.items())
            ]
        )

        query = SearchQuery(text=text, sort=SearchSort.MOST_RELIABLE, limit=1)
        walk, after = [], None
        for _ in levels:
            (hit,) = (await index.search(replace(query, after=after))).hits
            after = place_at(hit.place.position)
            walk.append(hit.mechanism_id)

        assert walk == ["c", "d", "b", "e", "a"]
        assert await found(index, text, sort=SearchSort.MOST_RELIABLE) == walk

    async def test_facets_and_total_count_all_matches_not_the_page(self, filled: Any) -> None:
        result = await filled.search(SearchQuery(text="gear", limit=1))

        assert len(result.hits) == 1
        assert (result.total, result.facets) == (4, {"gears": 2, "cams": 2})

    @pytest.mark.parametrize("text", ["gear", ""])
    async def test_excluded_mechanisms_are_in_no_hit_total_or_facet(self, filled: Any, text: str) -> None:
        excluded = (MechanismId("b"), MechanismId("absent\ud800'"))
        result = await filled.search(SearchQuery(text=text, excluded=excluded))

        assert sorted(keys(result)) == ["a", "c", "e"]
        assert (result.total, result.facets) == (3, {"gears": 1, "cams": 1})

    async def test_an_excluded_mechanism_of_an_equal_title_is_not_found(self, filled: Any) -> None:
        assert await found(filled, "gear one", excluded=(MechanismId("a"),)) == []

    @pytest.mark.parametrize("text", ["cam", ""])
    async def test_pages_without_excluded_mechanisms_are_full(self, index: Any, text: str) -> None:
        await index.put([document(f"{number:04}", "cam") for number in range(MAX_EXCLUDED + 7)])
        excluded = tuple(MechanismId(f"{number:04}") for number in range(MAX_EXCLUDED))

        result = await index.search(SearchQuery(text=text, excluded=excluded, offset=5, limit=5))

        assert (keys(result), result.total) == ([f"{MAX_EXCLUDED + 5:04}", f"{MAX_EXCLUDED + 6:04}"], 7)

    async def test_a_withdrawn_mechanism_is_no_longer_found(self, filled: Any) -> None:
        await filled.put([document("a", "gear one", version=2, audience=())])

        assert "a" not in await found(filled, "gear")


class TestPaging:
    @pytest.mark.parametrize("text", ["cam", ""])
    async def test_all_pages_together_contain_every_match(self, index: Any, text: str) -> None:
        await index.put([document(f"{number:02}", f"cam {'x ' * (number % 3)}") for number in range(23)])
        everything = await found(index, text, limit=100)

        pages = [await found(index, text, offset=offset, limit=5) for offset in range(0, 25, 5)]

        assert [key for page in pages for key in page] == everything
        assert len(set(everything)) == 23

    @pytest.mark.parametrize("offset", [23, 10**18, 10**30])
    async def test_a_page_beyond_the_end_is_empty_and_has_the_total(self, index: Any, offset: int) -> None:
        await index.put([document("a", "cam")])

        result = await index.search(SearchQuery(text="cam", offset=offset))

        assert (result.hits, result.total) == ((), 1)

    @pytest.mark.parametrize(
        ("text", "sort"), [("cam", "relevance"), ("cam", "-created_at"), ("", "relevance")]
    )
    async def test_a_walk_by_cursor_shows_every_match_once(self, index: Any, text: str, sort: str) -> None:
        titles = ("cam", "a cam", "Cam follower of steel")
        await index.put(
            [
                document(f"{number:02}", titles[number % 3], created_at=START + timedelta(days=number % 4))
                for number in range(23)
            ]
        )
        query = SearchQuery(text=text, sort=SearchSort(sort), limit=5)
        everything = await found(index, text, sort=SearchSort(sort), limit=100)
        walked: list[str] = []
        result = await index.search(query)
        while result.hits:
            walked += keys(result)
            assert result.total == 23
            # What is added before the place moves nothing.
            await index.put([document("new", "cam", created_at=START + timedelta(days=9))])
            await index.remove(MechanismId("new"), 1)
            after = place_at(result.hits[-1].place.position)
            result = await index.search(replace(query, after=after, offset=7))

        assert walked == everything
        assert len(set(walked)) == 23


class TestVersions:
    async def test_a_newer_version_replaces_all_of_the_older(self, index: Any) -> None:
        old = document(
            "a", "Cam", description="brass", category_ids=(CategoryId("cams"),), category_names=("Cams",)
        )
        await index.put([old])
        await index.put([document("a", "Gear", version=2)])

        assert await found(index, "gear") == ["a"]
        for text in ("cam", "brass"):
            assert await found(index, text) == []
        assert await index.suggest("cam", 5) == ()
        assert (await index.search(SearchQuery())).facets == {}

    async def test_a_hit_has_the_version_of_the_document_found(self, index: Any) -> None:
        await index.put([document("a", "cam", version=7), document("b", "cam", version=1)])
        await index.put([document("a", "cam", version=8)])

        hits = (await index.search(SearchQuery(text="cam"))).hits
        assert [(hit.mechanism_id, hit.version) for hit in hits] == [("a", 8), ("b", 1)]

    async def test_an_older_version_is_ignored(self, index: Any) -> None:
        await index.put([document("a", "New", version=2)])
        await index.put([document("a", "Old", version=1)])

        assert await found(index, "new") == ["a"]
        assert await found(index, "old") == []

    async def test_the_same_version_replaces_since_a_category_may_have_been_renamed(self, index: Any) -> None:
        await index.put([document("a", "x", category_names=("Cams",))])
        await index.put([document("a", "x", category_names=("Cam mechanisms",))])

        assert await found(index, "mechanisms") == ["a"]

    async def test_the_newest_version_within_one_put_wins(self, index: Any) -> None:
        await index.put([document("a", "New", version=2), document("a", "Old", version=1)])

        assert await found(index, "new") == ["a"]

    async def test_an_older_version_does_not_bring_a_removed_mechanism_back(self, index: Any) -> None:
        await index.put([document("a", "cam", version=3, category_ids=(CategoryId("cams"),))])

        await index.remove(MechanismId("a"), 4)
        for version in (3, 4):
            await index.put([document("a", "cam", version=version)])

        result = await index.search(SearchQuery(text="cam"))
        assert (result.hits, result.total, result.facets) == ((), 0, {})
        assert await index.suggest("cam", 5) == ()

    async def test_a_removal_before_the_first_put_takes_effect(self, index: Any) -> None:
        await index.remove(MechanismId("a"), 4)
        await index.remove(MechanismId("a"), 2)
        await index.put([document("a", "cam", version=3)])

        assert await found(index, "cam") == []

    async def test_a_late_removal_removes_the_indexed_version(self, index: Any) -> None:
        await index.put([document("a", "cam", version=5)])

        await index.remove(MechanismId("a"), 3)
        await index.put([document("a", "cam", version=5)])

        assert await found(index, "cam") == []

    async def test_a_version_newer_than_the_removal_is_found(self, index: Any) -> None:
        await index.remove(MechanismId("a"), 4)
        await index.put([document("a", "cam", version=5)])

        assert await found(index, "cam") == ["a"]

    async def test_puts_at_the_same_time_leave_the_newest(self, index: Any) -> None:
        versions = [3, 7, 1, 9, 2, 8, 5, 6, 4]

        async with bounded():
            await asyncio.gather(
                *(index.put([document(key, f"cam v{v}", version=v)]) for key in "abc" for v in versions)
            )

        assert sorted(await found(index, "v9")) == ["a", "b", "c"]
        assert (await index.search(SearchQuery())).total == 3

    async def test_putting_nothing_changes_nothing(self, index: Any) -> None:
        await index.put([])

        assert (await index.search(SearchQuery())).total == 0


class TestHighlights:
    async def marked(self, index: Any, text: str, **fields: Any) -> Any:
        await index.put([document("a", **fields)])
        return (await index.search(SearchQuery(text=text))).hits[0].highlights

    @pytest.mark.parametrize(
        ("title", "text", "expected"),
        [
            ("遊星歯車機構", "歯車", (("遊星", False), ("歯車", True), ("機構", False))),
            ("遊星歯車機構", "遊星歯車", (("遊星歯車", True), ("機構", False))),
            ("歯と車", "歯", (("歯", True), ("と車", False))),
            ("Two ＧＥＡＲＳ mesh", "gear", (("Two ", False), ("ＧＥＡＲＳ", True), (" mesh", False))),
            ("ｶﾞｲﾄﾞ付き", "ガイド", (("ｶﾞｲﾄﾞ", True), ("付き", False))),
            ("The planetary set", "plan", (("The ", False), ("planetary", True), (" set", False))),
            ("A four-bar <b>", "fourbar", (("A ", False), ("four-bar", True), (" <b>", False))),
            ("カムとカム", "カム", (("カム", True), ("と", False), ("カム", True))),
            ("カ\u3099イド", "ガイド", (("カ\u3099イド", True),)),
            ("㌢ネジ", "セン", (("㌢", True), ("ネジ", False))),
        ],
    )
    async def test_a_title_is_highlighted_in_its_own_characters(
        self, index: Any, title: str, text: str, expected: Any
    ) -> None:
        assert (await self.marked(index, text, title=title))["title"] == expected

    async def test_a_field_without_a_match_is_not_highlighted(self, index: Any) -> None:
        highlights = await self.marked(index, "brass", title="Cam", description="Of brass.")

        assert highlights == {"description": (("Of ", False), ("brass", True), (".", False))}

    async def test_an_excerpt_shows_the_best_match_of_a_long_description(self, index: Any) -> None:
        before, after = "A cam. " + "lorem ipsum " * 100, " dolor sit" * 100
        highlights = await self.marked(
            index, "cam follower", title="x", description=before + "The cam lifts its follower." + after
        )

        excerpt = "".join(part for part, _ in highlights["description"])
        marked = [part for part, is_match in highlights["description"] if is_match]
        assert marked == ["cam", "follower"]
        assert 100 <= len(excerpt) <= 160
        assert excerpt in before + "The cam lifts its follower." + after
        assert excerpt.startswith(("lorem", "ipsum"))

    async def test_an_excerpt_of_japanese_needs_no_spaces(self, index: Any) -> None:
        description = "長い説明が続きます。" * 50 + "ここで遊星歯車が回ります。" + "さらに続きます。" * 50
        highlights = await self.marked(index, "遊星歯車", title="x", description=description)

        assert ("遊星歯車", True) in highlights["description"]
        assert len("".join(part for part, _ in highlights["description"])) == 160

    async def test_one_word_longer_than_an_excerpt_is_cut(self, index: Any) -> None:
        highlights = await self.marked(index, "aaa", title="x", description="b " * 100 + "a" * 1000)

        assert [is_match for _, is_match in highlights["description"]] == [False, True]
        assert sum(len(part) for part, _ in highlights["description"]) <= 160

    @given(text=st.text(alphabet="歯車カム機構 gearscam-bar。ﾞｶ", min_size=1, max_size=300))
    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    async def test_highlighting_never_changes_the_text(self, index: Any, text: str) -> None:
        await index.put([document("a", "歯車 gear", description=text)])

        for hit in (await index.search(SearchQuery(text="歯車 gear"))).hits:
            for field, everything in (("title", "歯車 gear"), ("description", text)):
                parts = hit.highlights.get(field, ())
                joined = "".join(part for part, _ in parts)
                assert joined in everything
                assert all(part for part, _ in parts)
                assert all(one != next_one for (_, one), (_, next_one) in pairwise(parts))


class TestDocuments:
    async def hit(self, index: Any, text: str, *pages: str) -> Any:
        await index.put([document("a", "x", pages=pages), document("b", "another", pages=("nothing",))])
        (hit,) = (await index.search(SearchQuery(text=text))).hits
        return hit

    async def test_a_document_is_found_by_its_text_with_the_page_that_matches_best(self, index: Any) -> None:
        hit = await self.hit(index, "brass gear", "A gear.", "", "A brass gear.", "Of brass.")

        assert (hit.mechanism_id, hit.page) == ("a", 3)
        pieces = (("A ", False), ("brass", True), (" ", False), ("gear", True), (".", False))
        assert hit.highlights == {"document": pieces}

    async def test_a_match_far_down_a_long_page_is_shown(self, index: Any) -> None:
        long = "lorem ipsum " * 800 + "ここで遊星歯車が回ります。" + "さらに続きます。" * 600

        hit = await self.hit(index, "遊星歯車", "表紙", long)

        assert hit.page == 2
        excerpt = "".join(part for part, _ in hit.highlights["document"])
        assert ("遊星歯車", True) in hit.highlights["document"]
        assert (len(excerpt) <= 160, excerpt in long) == (True, True)

    async def test_words_of_title_and_pages_together_find_a_document(self, index: Any) -> None:
        assert (await self.hit(index, "x brass", "cover", "brass")).page == 2
        assert (await self.hit(index, "x")).page is None

    async def test_a_phrase_matches_within_a_page_only(self, index: Any) -> None:
        await index.put([document("a", "x", pages=("the sun", "gear turns")), document("b", "sun gear")])

        assert await found(index, '"sun gear"') == ["b"]
        assert await found(index, "sun -turns") == ["b"]

    async def test_the_text_of_an_earlier_version_is_gone(self, index: Any) -> None:
        await index.put([document("a", "x", pages=("secret",))])
        await index.put([document("a", "x", version=2, pages=("public",))])

        assert (await found(index, "secret"), await found(index, "public")) == ([], ["a"])


class TestAudience:
    READER = ("public", "internal", "user:mika", "group:lab")
    AUDIENCES = {
        "public": PUBLIC_AUDIENCE,
        "internal": ("internal",),
        "own": ("user:mika",),
        "group": ("user:yuki", "group:lab"),
        "foreign": ("user:yuki", "group:other"),
        "draft": (),
    }

    @pytest_asyncio.fixture
    async def filled(self, index: Any) -> Any:
        gears = (CategoryId("gears"),)
        await index.put(
            [
                document(
                    name,
                    f"gear {name}",
                    audience=audience,
                    author_name=f"Garage {name}",
                    category_ids=gears,
                )
                for name, audience in self.AUDIENCES.items()
            ]
        )
        return index

    @pytest.mark.parametrize("text", ["gear", "ge", ""])
    async def test_everybody_finds_what_is_published_for_them(self, filled: Any, text: str) -> None:
        for query, expected in (
            (SearchQuery(text=text), {"public"}),
            (SearchQuery(text=text, audience=self.READER), {"public", "internal", "own", "group"}),
            (SearchQuery(text=text, published_only=False), set(self.AUDIENCES)),
        ):
            result = await filled.search(query)
            assert set(keys(result)) == expected
            assert (result.total, result.facets) == (len(expected), {"gears": len(expected)})

    async def test_suggestions_are_of_what_is_published_for_the_audience(self, filled: Any) -> None:
        for kind, word in ((SuggestionKind.TITLE, "gear"), (SuggestionKind.AUTHOR, "Garage")):
            assert await filled.suggest("ga" if kind is SuggestionKind.AUTHOR else "ge", 9, kind=kind) == (
                f"{word} public",
            )
            suggested = await filled.suggest(word, 9, kind=kind, audience=self.READER)
            assert suggested == tuple(f"{word} {name}" for name in ("group", "internal", "own", "public"))

    async def test_a_document_leaves_the_audience_that_it_loses(self, filled: Any) -> None:
        await filled.put([document("group", "gear group", audience=("user:yuki",))])
        await filled.put([document("public", "gear public", version=2, audience=("internal",))])

        assert set(await found(filled, "gear", audience=self.READER)) == {"public", "internal", "own"}
        assert "gear group" not in await filled.suggest("gear", 9, audience=self.READER)
        assert (await found(filled, "gear"), await filled.suggest("gear", 9)) == ([], ())

    async def test_words_that_only_others_may_read_are_neither_corrections_nor_suggestions(
        self, index: Any
    ) -> None:
        await index.put([document("a", "hidden planetary", audience=("user:yuki",)), document("b", "cam")])

        for audience in (PUBLIC_AUDIENCE, self.READER):
            result = await index.search(SearchQuery(text="planetery", audience=audience))
            assert (result.total, result.expanded, result.nearest) == (0, (), ())


class TestSuggestions:
    @pytest.mark.parametrize(
        ("prefix", "expected"),
        [
            ("遊", ("遊星歯車機構",)),
            ("遊星歯", ("遊星歯車機構",)),
            ("歯", ("遊星歯車機構",)),
            ("車機", ("遊星歯車機構",)),
            ("爪", ("ラチェットと爪",)),
            ("ﾗﾁ", ("ラチェットと爪",)),
            ("GE", ("gears", "Geneva drive", "Planetary gear set")),
            ("ｇｅａｒ s", ("Planetary gear set",)),
            ("planetary  ge", ("Planetary gear set",)),
            ("plan", ("Planetary gear set",)),
            ("four b", ("Four-bar",)),
            ("lanet", ()),
            ("", ()),
            ("  ", ()),
            ("🙂", ()),
            ("gears and more", ()),
        ],
    )
    async def test_titles_with_a_word_of_that_prefix_are_suggested(
        self, index: Any, prefix: str, expected: Any
    ) -> None:
        titles = ["遊星歯車機構", "ラチェットと爪", "Planetary gear set", "Geneva drive", "gears", "Four-bar"]
        await index.put([document(str(number), title) for number, title in enumerate(titles)])
        await index.put([document("x", "遊び歯車 gear", audience=())])

        assert await index.suggest(prefix, 10) == expected

    @pytest.mark.parametrize(
        "prefix", ["クランク", "すらいだ", "スライダー", "ｸﾗﾝｸ機構", "4節", "四節", "歯車", "齒車"]
    )
    async def test_parts_and_spellings_of_a_word_are_suggested(self, index: Any, prefix: str) -> None:
        await index.put([document("a", "スライダクランク機構と四節リンクの歯車")])

        assert len(await index.suggest(prefix, 10)) == 1

    async def test_authors_are_suggested_by_both_names(self, index: Any) -> None:
        taro = {"author_name": "山田 Taro", "author_username": "yamada"}
        await index.put(
            [
                document("a", "cam", **taro),
                document("b", "gear", **taro),
                document("c", "rack", author_name="Yamato", audience=()),
                document("d", "belt", author_name="Yamamoto"),
            ]
        )

        async def authors(prefix: str, **options: Any) -> Any:
            return await index.suggest(prefix, 10, kind=SuggestionKind.AUTHOR, **options)

        assert await authors("yama") == ("Yamamoto", "山田 Taro")
        assert await authors("山") == await authors("ta") == ("山田 Taro",)
        assert await authors("yamad", excluded=(MechanismId("a"),)) == ("山田 Taro",)
        assert await authors("yamad", excluded=(MechanismId("a"), MechanismId("b"))) == ()
        assert await authors("cam") == await authors("") == ()
        await index.put([document("d", "belt", version=2, author_name="Other")])
        assert await authors("yamam") == ()

    async def test_each_title_is_suggested_once(self, index: Any) -> None:
        await index.put(
            [document("c", "ＣＡＭ"), document("a", "Cam"), document("b", "Cam"), document("d", "Cams")]
        )

        assert await index.suggest("cam", 10) == ("Cam", "Cams")

    async def test_a_frequent_title_does_not_hide_others(self, index: Any) -> None:
        await index.put([document(str(number), "gear") for number in range(1_200)])
        await index.put([document("a", "Gear pair"), document("b", "small gear")])

        assert await index.suggest("ge", 10) == ("gear", "Gear pair", "small gear")

    async def test_withdrawn_mechanisms_are_not_suggested(self, index: Any) -> None:
        await index.put([document("a", "cam")])
        await index.put([document("a", "cam", version=2, audience=())])

        assert await index.suggest("c", 10) == ()

    async def test_titles_of_excluded_mechanisms_alone_are_not_suggested(self, index: Any) -> None:
        await index.put(
            [document(key, title) for key, title in zip("abcd", ("Cam", "Cam", "Cams", "A cam"), strict=True)]
        )
        both = (MechanismId("a"), MechanismId("absent"), MechanismId("b"))

        assert await index.suggest("cam", 2, excluded=both[:1]) == ("Cam", "Cams")
        assert await index.suggest("cam", 2, excluded=both) == ("Cams", "A cam")

    @pytest.mark.parametrize(("limit", "count"), [(0, 0), (2, 2), (100, 5)])
    async def test_at_most_limit_titles_are_suggested(self, index: Any, limit: int, count: int) -> None:
        await index.put([document(str(number), f"cam {number}") for number in range(5)])

        assert len(await index.suggest("c", limit)) == count


class TestRebuild:
    async def test_a_rebuild_replaces_the_index(self, index: Any) -> None:
        await index.put([document("a", "Old cam"), document("b", "Cam", version=9)])

        count = await index.rebuild(stream([document("b", "Gear", version=2), document("c", "Gear wheel")]))

        assert count == 2
        assert await found(index, "gear") == ["b", "c"]
        assert await found(index, "cam") == []
        assert await index.suggest("old", 5) == ()

    async def test_a_rebuild_works_from_and_to_an_empty_index(self, index: Any) -> None:
        assert await index.rebuild(stream([document("a", "cam")])) == 1
        assert await found(index, "cam") == ["a"]
        assert await index.rebuild(stream([])) == 0
        assert await found(index, "cam") == []

        await index.put([document("a", "cam")])
        assert await found(index, "cam") == ["a"]

    async def test_a_rebuild_keeps_tombstones(self, index: Any) -> None:
        await index.remove(MechanismId("a"), 4)
        await index.rebuild(stream([]))
        await index.put([document("a", "cam", version=3)])

        assert await found(index, "cam") == []

    async def test_changes_during_a_rebuild_are_kept(self, index: Any) -> None:
        indexed = [document(key, "cam") for key in "abcd"]
        await index.put(indexed)

        async def read_slowly() -> AsyncIterator[SearchDocument]:
            await index.put([document("a", "gear", version=2), document("new", "gear")])
            await index.remove(MechanismId("b"), 2)
            for each in indexed:
                yield each
            await index.put([document("c", "gear", version=2)])
            await index.remove(MechanismId("d"), 2)

        await index.rebuild(read_slowly())

        assert sorted(await found(index, "gear")) == ["a", "c", "new"]
        assert await found(index, "cam") == []

    async def test_searches_during_a_rebuild_find_all_matches(self, index: Any) -> None:
        indexed = [document(f"{number:03}", f"cam {number}", version=1) for number in range(550)]
        await index.put(indexed)
        is_done, has_searched = asyncio.Event(), asyncio.Event()
        totals: list[int] = []

        async def search_on() -> None:
            while not is_done.is_set():
                totals.append((await index.search(SearchQuery(text="cam", limit=1))).total)
                has_searched.set()
                await asyncio.sleep(0)

        async def read() -> AsyncIterator[SearchDocument]:
            for number, each in enumerate(indexed):
                if number % 50 == 0:
                    has_searched.clear()
                    async with bounded():
                        await has_searched.wait()
                yield replace(each, title=f"cam {each.mechanism_id} again")

        searching = asyncio.create_task(search_on())
        await index.rebuild(read())
        is_done.set()
        async with bounded():
            await searching

        assert len(totals) >= 10
        assert set(totals) == {550}
        assert (await index.search(SearchQuery(text="again"))).total == 550

    async def test_a_failed_rebuild_leaves_the_index_unchanged(self, index: Any) -> None:
        indexed = [document(key, "cam") for key in "abc"]
        await index.put(indexed)

        async def breaks() -> AsyncIterator[SearchDocument]:
            yield indexed[0]
            raise OSError("the database went away")

        with pytest.raises(OSError, match="went away"):
            await index.rebuild(breaks())

        assert sorted(await found(index, "cam")) == ["a", "b", "c"]


async def test_an_index_needs_a_rebuild_until_one_has_finished(index: Any) -> None:
    assert await index.needs_rebuild()
    await index.put([document("a", "歯車")])
    assert await index.needs_rebuild()

    async def broken() -> AsyncIterator[SearchDocument]:
        yield document("b", "リンク")
        raise LookupError

    with pytest.raises(LookupError):
        await index.rebuild(broken())
    assert await index.needs_rebuild()

    await index.rebuild(stream([document("a", "歯車")]))
    assert not await index.needs_rebuild()
    await index.put([document("c", "カム")])
    assert not await index.needs_rebuild()

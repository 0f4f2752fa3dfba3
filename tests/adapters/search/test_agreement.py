"""All indexes agree with the memory index: the same results in the same order, with the same scores."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mechshare.adapters.search.memory import MemorySearchIndex
from mechshare.adapters.search.opensearch.index import OpenSearchIndex
from mechshare.adapters.search.sqlite.index import SqliteSearchIndex
from mechshare.domain.audiences import PUBLIC_AUDIENCE
from mechshare.domain.ids import MechanismId
from mechshare.domain.search import SearchQuery, SearchResult, SearchSort
from mechshare.ports.search import SearchIndex
from mechshare.testing.search.relevance import QUERIES, documents
from tests.servers import opensearch_alias

SAMPLES = documents()
WORDS = (
    "gear",
    "gears",
    "rotating",
    "four-bar",
    "4bar",
    "歯車",
    "歯",
    "遊星歯車",
    "カム",
    "plan",
    '"cam lifts"',
    "c++",
)


Pair = tuple[SearchIndex, SearchIndex]


@pytest.fixture(params=["sqlite", "opensearch"])
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as opened:
        if request.param == "opensearch":
            url = await opened.enter_async_context(opensearch_alias())
            other: SearchIndex = OpenSearchIndex(url, search_seconds=10.0)
        else:
            other = SqliteSearchIndex(tmp_path / "search.db")
        opened.push_async_callback(other.close)
        yield MemorySearchIndex(), other


def assert_alike(one: SearchResult, other: SearchResult) -> None:
    assert [hit.mechanism_id for hit in one.hits] == [hit.mechanism_id for hit in other.hits]
    assert [hit.score for hit in one.hits] == pytest.approx([hit.score for hit in other.hits])
    assert [hit.highlights for hit in one.hits] == [hit.highlights for hit in other.hits]
    assert (one.total, one.facets) == (other.total, other.facets)


@pytest.mark.parametrize("sort", SearchSort)
async def test_every_judged_query_gets_the_same_results(pair: Pair, sort: SearchSort) -> None:
    for index in pair:
        await index.put(SAMPLES)

    for text in (*QUERIES, *WORDS, SAMPLES[3].title, ""):
        query = SearchQuery(text=text, sort=sort, limit=100)
        assert_alike(await pair[0].search(query), await pair[1].search(query))
        assert await pair[0].suggest(text[:2], 10) == await pair[1].suggest(text[:2], 10)


async def test_matches_rank_by_field_and_then_by_shorter_title(
    pair: Pair,
) -> None:
    """The longer the title, the older the document, so that age does not decide the order."""
    made = {
        "title": {"title": "Cam", "description": "Steel."},
        "longer title": {"title": "Cam and follower", "description": "Cam, cam and cam."},
        "category": {"title": "Indexer", "category_names": ("Cams", "カム")},
        "author": {"title": "Lifter", "author_name": "Cam"},
        "description": {"title": "Pusher", "description": "It has a cam."},
        "often in the description": {"title": "Old thing", "description": "Cam, cam and cam."},
    }
    documents_of_all = [
        replace(
            SAMPLES[-1 - age],
            **{"category_names": (), "description": "", "author_name": "", **changes},  # type: ignore[arg-type]
            mechanism_id=MechanismId(name),
        )
        for age, (name, changes) in enumerate(made.items())
    ]
    pages = []
    for index in pair:
        await index.put(documents_of_all)
        pages.append(await index.search(SearchQuery(text="cam")))
    assert_alike(*pages)
    assert [hit.mechanism_id for hit in pages[0].hits] == list(made)


async def test_equal_sums_of_weights_give_equal_scores(
    pair: Pair,
) -> None:
    """Floating-point sums with fractions would differ."""
    older = replace(SAMPLES[0], title="aa zzzzzzzzzzzzzzzzzzzzz", category_names=("bb",))
    newer = replace(SAMPLES[1], title="bb zzzzzzzzzzzzzzzzzzzzz", category_names=("aa",))
    for index in pair:
        await index.put([older, newer])
        result = await index.search(SearchQuery(text='"aa" bb'))
        assert [hit.mechanism_id for hit in result.hits] == [newer.mechanism_id, older.mechanism_id]


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "put", "remove", "rebuild"]),
        st.sampled_from("abcde"),
        st.integers(1, 4),
        st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join),
        st.booleans(),
    ),
    max_size=12,
)
RUNS = count()
"""Each run uses new identifiers: the file remembers the versions of earlier ones."""


@pytest.mark.parametrize("pair", ["sqlite"], indirect=True)
@given(changes=CHANGES, words=st.lists(st.sampled_from(WORDS), max_size=2))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_sequence_of_changes_gives_the_same_results(
    pair: Pair,
    changes: list[tuple[str, str, int, str, bool]],
    words: list[str],
) -> None:
    memory, in_file = MemorySearchIndex(), pair[1]
    await in_file.rebuild(_stream([]))
    run = f"{next(RUNS)}-"

    for change, key, version, title, is_published in changes:
        document = replace(
            SAMPLES[ord(key) % 5],
            mechanism_id=MechanismId(run + key),
            version=version,
            title=title,
            audience=PUBLIC_AUDIENCE if is_published else (),
        )
        for index in (memory, in_file):
            if change == "put":
                await index.put([document])
            elif change == "remove":
                await index.remove(document.mechanism_id, version)
            else:
                await index.rebuild(_stream([document]))

    for only in (True, False):
        query = SearchQuery(text=" ".join(words), published_only=only, limit=50)
        assert_alike(await memory.search(query), await in_file.search(query))


async def _stream(these: list) -> AsyncIterator:  # type: ignore[type-arg]
    for each in these:
        yield each

"""Every index finds a mechanism by each spelling of its words, and the spelling of the query first."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from mechshare.adapters.search.memory import MemorySearchIndex
from mechshare.adapters.search.opensearch.index import OpenSearchIndex
from mechshare.adapters.search.sqlite.index import SqliteSearchIndex
from mechshare.domain.ids import MechanismId
from mechshare.domain.search import SearchQuery
from mechshare.domain.search_documents import SearchDocument
from mechshare.ports.search import SearchIndex
from mechshare.testing.search.relevance import documents
from mechshare.testing.search.spellings import PAIRS
from tests.servers import opensearch_alias

PLAIN = replace(documents()[0], description="", category_names=(), author_name="", category_ids=())


@pytest.fixture(params=["memory", "sqlite", "opensearch"])
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SearchIndex]:
    async with AsyncExitStack() as opened:
        if request.param == "memory":
            made: SearchIndex = MemorySearchIndex()
        elif request.param == "sqlite":
            made = SqliteSearchIndex(tmp_path / "search.db")
        else:
            made = OpenSearchIndex(await opened.enter_async_context(opensearch_alias()), search_seconds=10.0)
        opened.push_async_callback(made.close)
        yield made


def document(key: str, title: str) -> SearchDocument:
    return replace(PLAIN, mechanism_id=MechanismId(key), title=title)


def test_the_table_of_spellings_has_two_hundred_pairs() -> None:
    assert len(set(PAIRS)) >= 200


async def test_every_spelling_finds_the_other_and_marks_it(index: SearchIndex) -> None:
    await index.put(
        [
            document(f"{number} {side}", words)
            for number, pair in enumerate(PAIRS)
            for side, words in enumerate(pair)
        ]
    )

    missed = []
    for number, pair in enumerate(PAIRS):
        for side, words in enumerate(pair):
            found = await index.search(SearchQuery(text=words, limit=200))
            marks = {hit.mechanism_id: hit.highlights for hit in found.hits}
            if "title" not in marks.get(MechanismId(f"{number} {1 - side}"), {}):
                missed.append((words, pair[1 - side]))
    assert missed == []

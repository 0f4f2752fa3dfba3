"""On 150 judged queries over 2,000 mechanisms, the first ten results are almost the best ones."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

from mechshare.adapters.search.opensearch.index import OpenSearchIndex
from mechshare.adapters.search.sqlite.index import SqliteSearchIndex
from mechshare.adapters.search.text.thesaurus import thesaurus_with
from mechshare.adapters.search.widened import WidenedSearchIndex
from mechshare.domain.search import SearchQuery
from mechshare.domain.search_documents import SearchDocument
from mechshare.ports.search import SearchIndex
from mechshare.testing.search.relevance import ndcg
from tests.adapters.search.judged import SIZE, Query, documents, mechanisms, queries
from tests.servers import opensearch_alias

REQUIRED = 0.95


def test_the_corpus_and_the_queries_are_as_many_as_they_should_be() -> None:
    assert len({mechanism.title for mechanism in mechanisms()}) > SIZE * 0.9
    assert len({query.text for query in queries()}) == len(queries()) == 150
    assert {query.language for query in queries()} == {"ja", "en"}
    assert all(any(map(query.grade, mechanisms())) for query in queries())


async def stream() -> AsyncIterator[SearchDocument]:
    for document in documents():
        yield document


async def quality(index: SearchIndex, query: Query) -> float:
    """Returns NDCG@10."""
    found = await index.search(SearchQuery(text=query.text, limit=10))
    judged = {each.key: grade for each in mechanisms() if (grade := query.grade(each))}
    return ndcg([hit.mechanism_id for hit in found.hits], judged, depth=10)


async def test_judged_queries_reach_the_required_quality(tmp_path: Path, long: bool) -> None:
    """OpenSearch ranks by the same weights, so only the long form searches it, too."""
    await assert_quality("sqlite", tmp_path)
    if long:
        await assert_quality("opensearch", tmp_path)


async def assert_quality(name: str, folder: Path) -> None:
    async with AsyncExitStack() as opened:
        inner: SearchIndex = SqliteSearchIndex(folder / "search.db")
        if name == "opensearch":
            alias = await opened.enter_async_context(opensearch_alias())
            inner = OpenSearchIndex(alias, search_seconds=10.0)
        opened.push_async_callback(inner.close)
        index = WidenedSearchIndex(inner, thesaurus_with(""))
        await index.rebuild(stream())

        qualities = {query.text: await quality(index, query) for query in queries()}

    mean = sum(qualities.values()) / len(qualities)
    print(f"{name}: NDCG@10 {mean:.3f}")
    assert mean >= REQUIRED, sorted(qualities.items(), key=lambda each: each[1])[:30]

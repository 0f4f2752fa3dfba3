"""What only the OpenSearch index does: outages, sharing by several processes, and replacement of the whole index."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from opensearchpy import AsyncOpenSearch

from mechshare.adapters.search.opensearch.aliases import Indices
from mechshare.adapters.search.opensearch.client import OpenSearchServer
from mechshare.adapters.search.opensearch.index import OpenSearchIndex
from mechshare.adapters.search.opensearch.mapping import FORMAT, INDEX, source_of
from mechshare.adapters.search.opensearch.pagination import page
from mechshare.adapters.search.opensearch.writes import document_writes, write
from mechshare.adapters.search.text.ranking import PLACES
from mechshare.domain.errors import DependencyUnavailable, Unavailable
from mechshare.domain.ids import CategoryId, MechanismId
from mechshare.domain.search import SearchQuery
from mechshare.domain.search_documents import SearchDocument
from mechshare.testing.search.relevance import documents
from tests.adapters.search.opensearch_stands_in import TLS, server_that_is_silent, server_that_responds
from tests.servers import address, opensearch_alias

SAMPLES = documents()
CAM = replace(SAMPLES[0], title="Cam", description="", category_ids=(), category_names=())
PATIENT = 10.0


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with opensearch_alias() as url:
        yield url


@asynccontextmanager
async def opened(url: str, *, search_seconds: float = PATIENT) -> AsyncIterator[OpenSearchIndex]:
    index = OpenSearchIndex(url, search_seconds=search_seconds)
    try:
        yield index
    finally:
        await index.close()


@pytest.fixture
async def index(url: str) -> AsyncIterator[OpenSearchIndex]:
    async with opened(url) as index:
        yield index


@pytest.fixture
async def client() -> AsyncIterator[Any]:
    async with AsyncOpenSearch(hosts=[address("OPENSEARCH_URL")]) as client:
        yield client


async def mark_as_newer(client: Any, url: str, *, alias: str = "") -> None:
    """Makes the index behind the alias look like one of the next release."""
    newer = {"_meta": {"format": FORMAT + 1, "is_complete": not alias}}
    await client.indices.put_mapping(index=url.rpartition("/")[2] + alias, body=newer)


async def begin_rebuild(url: str) -> None:
    """Creates the index for a rebuild, as a process does that is killed before it fills the index."""
    server = OpenSearchServer(url)
    await Indices(server).make_next()
    await server.close()


def cam(key: str, **changes: Any) -> SearchDocument:
    return replace(CAM, mechanism_id=MechanismId(key), **changes)


async def stream(these: Sequence[SearchDocument]) -> AsyncIterator[SearchDocument]:
    for each in these:
        yield each


async def search_ids(index: Any, text: str = "", **changes: Any) -> list[str]:
    return [hit.mechanism_id for hit in (await index.search(SearchQuery(text=text, **changes))).hits]


async def indices_of(client: Any, url: str) -> set[str]:
    response = await client.indices.get(index=f"{url.rpartition('/')[2]}-*")
    return set(response)


class TestResponses:
    async def test_every_category_is_counted(self, index: OpenSearchIndex) -> None:
        many = tuple(CategoryId(f"category-{number}") for number in range(40))
        await index.put([cam("a", category_ids=many)])

        assert (await index.search(SearchQuery(text="cam"))).facets == dict.fromkeys(many, 1)

    async def test_prefixes_longer_than_the_indexed_ones_are_found(self, index: OpenSearchIndex) -> None:
        await index.put([cam("a", title="a" * 60), cam("b", title="see " + "a" * 60)])

        assert sorted(await search_ids(index, "a" * 30)) == ["a", "b"]
        assert await search_ids(index, "see " + "a" * 30) == ["b"]
        assert await search_ids(index, '"see" ' + "a" * 30 + "b") == []

    async def test_a_prefix_may_match_more_words_than_a_server_expands(self, index: OpenSearchIndex) -> None:
        await index.put([cam(f"{number:04}", title=f"see q{number:04}") for number in range(1100)])

        for text in ("q", "see q", "see-q"):
            assert (await index.search(SearchQuery(text=text))).total == 1100

    async def test_the_longest_queries_stay_within_server_limits(self, index: OpenSearchIndex) -> None:
        pairs = " ".join(chr(0x3B1 + number % 24) + chr(0x430 + number % 31) for number in range(66))
        texts = (pairs, "-".join("ab" * 50), ".".join("ab" * 50), "歯車" * 100, "a&b " * 50, "c++ " * 50)
        await index.put([cam(text[:10], title=text[:200]) for text in texts])

        for text in texts:
            assert (await search_ids(index, text[:200]))[0] == text[:10]


class TestDepth:
    async def test_pages_beyond_the_result_window_continue_without_a_gap(
        self, index: OpenSearchIndex
    ) -> None:
        await index.rebuild(stream([cam(f"{number:05}") for number in range(10_150)]))

        for text in ("cam", ""):
            edge = await search_ids(index, text, offset=9_980, limit=100)
            assert edge == [f"{number:05}" for number in range(9_980, 10_080)]
            result = await index.search(SearchQuery(text=text, offset=10_100, limit=100))
            assert [hit.mechanism_id for hit in result.hits] == [f"{n:05}" for n in range(10_100, 10_150)]
            assert result.total == 10_150

    @pytest.mark.parametrize(
        ("offset", "limit", "expected"),
        [
            (0, 3, range(3)),
            (9_990, 10, range(9_990, 10_000)),
            (9_990, 20, range(9_990, 10_010)),
            (10_000, 5, range(10_000, 10_005)),
            (24_990, 20, range(24_990, 25_000)),
            (25_000, 5, range(0)),
            (10**30, 5, range(0)),
            (0, 10**30, range(10_000)),
            (-5, -5, range(0)),
        ],
    )
    async def test_a_page_at_any_offset_holds_the_right_hits(
        self, offset: int, limit: int, expected: range
    ) -> None:
        async def request(body: dict[str, Any]) -> Any:
            after = body.get("search_after")
            start = after[0] + 1 if after else body["from"]
            assert body.get("from", 0) + body["size"] <= 10_000
            hits = [{"sort": [number]} for number in range(25_000)[start : start + body["size"]]]
            return {"hits": {"hits": hits, "total": {"value": 25_000}}}

        response, hits = await page(request, {}, offset, limit)

        assert [hit["sort"][0] for hit in hits] == list(expected)
        assert response["hits"]["total"]["value"] == 25_000


class TestMaking:
    async def test_the_first_write_creates_the_index(self, url: str, index: OpenSearchIndex) -> None:
        with pytest.raises(Unavailable):
            await index.search(SearchQuery())
        with pytest.raises(Unavailable):
            await index.suggest("cam", 5)
        await index.put([])

        assert await search_ids(index) == []

    async def test_a_write_creates_a_deleted_index_again(
        self, url: str, index: OpenSearchIndex, client: Any
    ) -> None:
        await index.put([cam("a")])
        for name in await indices_of(client, url):
            await client.indices.delete(index=name)

        for _ in range(10):  # more than the breaker tolerates; the server responds, but has no index
            with pytest.raises(Unavailable):
                await index.search(SearchQuery())
        await index.put([cam("b")])

        assert await search_ids(index, "cam") == ["b"]

    async def test_an_index_of_a_newer_release_is_searched_and_left_alone(
        self, index: OpenSearchIndex, url: str, client: Any
    ) -> None:
        await index.rebuild(stream([cam("a")]))
        await mark_as_newer(client, url)

        assert not await index.needs_rebuild()
        for change in (index.put([cam("b")]), index.remove(MechanismId("a"), 9)):
            with pytest.raises(DependencyUnavailable):
                await change
        assert (await index.search(SearchQuery(text="cam"))).total == 1

        await index.rebuild(stream([cam("a"), cam("b")]))  # the operator takes the upgrade back
        assert not await index.needs_rebuild()
        await index.put([cam("c")])
        assert (await index.search(SearchQuery(text="cam"))).total == 3

    async def test_changes_wait_while_a_newer_release_rebuilds_the_index(
        self, index: OpenSearchIndex, url: str, client: Any
    ) -> None:
        await index.put([cam("a")])
        await begin_rebuild(url)
        await mark_as_newer(client, url, alias="-next")
        with pytest.raises(DependencyUnavailable):
            await index.put([cam("b")])

    async def test_an_index_of_an_older_format_serves_until_it_is_rebuilt(
        self, url: str, index: OpenSearchIndex, client: Any
    ) -> None:
        alias = url.rpartition("/")[2]
        lacking = {*PLACES, "title_length"}
        fields = {name: kind for name, kind in INDEX["mappings"]["properties"].items() if name not in lacking}
        former = {"_meta": {"is_complete": True}, "dynamic": "strict", "properties": fields}
        aliases = {alias: {"is_write_index": True}, f"{alias}-every": {}}
        await client.indices.create(index=f"{alias}-former", body={"mappings": former, "aliases": aliases})
        old = {name: value for name, value in source_of(cam("old")).items() if name not in lacking}
        await client.index(
            index=alias, id="old", body=old, version=2, version_type="external", refresh="wait_for"
        )

        assert await search_ids(index, "cam") == ["old"]
        await index.put([cam("new")])
        assert await search_ids(index, "cam") == ["new", "old"]
        assert await index.needs_rebuild()
        await index.rebuild(stream([cam("old"), cam("new")]))
        assert not await index.needs_rebuild()
        assert await search_ids(index, "cam") == ["new", "old"]

    async def test_concurrent_first_writes_create_one_index(self, url: str, client: Any) -> None:
        async with opened(url) as one, opened(url) as two, opened(url) as three:
            await asyncio.gather(
                *(each.put([cam(key)]) for each, key in zip((one, two, three), "abc", strict=True))
            )

            assert sorted(await search_ids(one)) == ["a", "b", "c"]
        assert len(await indices_of(client, url)) == 1

    async def test_index_templates_of_the_server_change_no_result(self, url: str, client: Any) -> None:
        alias = url.rpartition("/")[2]
        settings = {"refresh_interval": "1h", "number_of_shards": 3, "max_result_window": 10}
        template = {"index_patterns": [f"{alias}-*"], "priority": 500, "template": {"settings": settings}}
        await client.indices.put_index_template(name=alias, body=template)
        try:
            async with opened(url) as index:
                await index.put([cam(f"{number:02}") for number in range(30)])

                assert await search_ids(index, "cam", offset=20, limit=10) == [
                    f"{n:02}" for n in range(20, 30)
                ]
        finally:
            await client.indices.delete_index_template(name=alias)


class TestVersions:
    async def test_a_removal_with_the_greatest_version_is_final(self, index: OpenSearchIndex) -> None:
        await index.put([cam("a", version=7)])
        await index.remove(MechanismId("a"), 2**62)
        await index.put([cam("a", version=2**61), cam("b")])

        assert await search_ids(index) == ["b"]

    async def test_concurrent_writes_leave_the_newest_version(self, url: str) -> None:
        async with opened(url) as one, opened(url) as other:
            writes = [
                each.put([cam("a", version=v, title=f"v{v}")]) for v in range(9) for each in (one, other)
            ]
            await asyncio.gather(*writes)

            assert await search_ids(one, "v8") == await search_ids(other, "v8") == ["a"]


class TestRebuild:
    async def test_writes_of_other_processes_during_a_rebuild_are_preserved(self, url: str) -> None:
        documents = [cam(key) for key in "abcd"]
        async with opened(url) as one, opened(url) as other:
            await one.put(documents)

            async def read() -> AsyncIterator[SearchDocument]:
                await other.put([cam("a", title="gear", version=2), cam("new", title="gear")])
                await other.remove(MechanismId("b"), 2)
                for each in documents:
                    yield each
                await other.put([cam("c", title="gear", version=2)])
                await other.remove(MechanismId("d"), 1)

            await one.rebuild(read())

            assert sorted(await search_ids(other, "gear")) == ["a", "c", "new"]
            assert await search_ids(other, "cam") == []

    async def test_searches_and_writes_continue_during_a_rebuild(self, url: str) -> None:
        indexed = [cam(f"{number:04}") for number in range(1500)]
        is_over = asyncio.Event()
        totals: list[int] = []

        async def search_on(index: OpenSearchIndex) -> None:
            while not is_over.is_set():
                totals.append((await index.search(SearchQuery(text="cam", limit=1))).total)

        async def write_on(index: OpenSearchIndex) -> None:
            while not is_over.is_set():
                indexed.append(cam(f"late-{len(indexed)}", title="gear"))
                await index.put([indexed[-1]])

        async with opened(url) as one, opened(url) as other:
            await one.put(indexed)
            busy = [asyncio.create_task(search_on(other)), asyncio.create_task(write_on(other))]
            for _ in range(3):
                await one.rebuild(stream(indexed))
            is_over.set()
            await asyncio.gather(*busy)

            assert set(totals) == {1500}
            assert (await other.search(SearchQuery(text="gear"))).total == len(indexed) - 1500 > 3

    async def test_a_rebuild_restores_removed_documents(self, index: OpenSearchIndex) -> None:
        await index.put([cam("a"), cam("b")])
        for key in "ab":
            await index.remove(MechanismId(key), 2**62)

        await index.rebuild(stream([cam("a")]))
        await index.put([cam("b", version=5)])

        assert await search_ids(index) == ["a"]

    async def test_a_rebuild_keeps_many_tombstones(self, index: OpenSearchIndex) -> None:
        keys = [f"{number:03}" for number in range(450)]
        await asyncio.gather(*(index.remove(MechanismId(key), 3) for key in keys))

        await index.rebuild(stream([]))
        await index.put([cam(key, version=3) for key in keys])

        assert await search_ids(index) == []

    async def test_a_rebuild_deletes_indexes_of_killed_rebuilds(
        self, url: str, index: OpenSearchIndex, client: Any
    ) -> None:
        await index.put([cam("a")])
        await begin_rebuild(url)
        await index.put([cam("b")])

        assert await index.rebuild(stream([cam("a"), cam("b")])) == 2

        assert await search_ids(index) == ["a", "b"]
        assert len(await indices_of(client, url)) == 1

    async def test_a_failing_source_leaves_no_index_behind(
        self, url: str, index: OpenSearchIndex, client: Any
    ) -> None:
        async def breaks() -> AsyncIterator[SearchDocument]:
            yield cam("b")
            raise OSError("the database went away")

        await index.put([cam("a")])
        with pytest.raises(OSError, match="went away"):
            await index.rebuild(breaks())

        assert await search_ids(index) == ["a"]
        assert len(await indices_of(client, url)) == 1

    async def test_a_later_rebuild_aborts_an_earlier_one(self, url: str, client: Any) -> None:
        async with opened(url) as earlier, opened(url) as later:
            await later.put([cam("a")])

            async def read() -> AsyncIterator[SearchDocument]:
                await later.rebuild(stream([cam("a"), cam("b")]))
                yield cam("stale")

            with pytest.raises(Unavailable):
                await earlier.rebuild(read())

            assert await search_ids(later) == ["a", "b"]
        assert len(await indices_of(client, url)) == 1


class TestSilence:
    async def test_a_silent_server_raises_dependency_unavailable(self) -> None:
        async with server_that_is_silent() as server, opened(server.url, search_seconds=0.05) as index:
            with pytest.raises(DependencyUnavailable) as refusal:
                await index.search(SearchQuery(text="cam"))

        assert refusal.value.facts == {"dependency": "search index"}
        assert len(server.requests) == 1

    async def test_searches_that_wait_behind_a_silent_server_fail_at_once(self) -> None:
        async with server_that_is_silent() as server, opened(server.url, search_seconds=0.05) as index:
            searches = (index.search(SearchQuery(text=f"cam {number}")) for number in range(40))
            outcomes = await asyncio.gather(*searches, return_exceptions=True)

        assert {type(problem) for problem in outcomes} == {DependencyUnavailable}
        # Eight run at a time, and some more start while four of these fail: the fifth failure opens the circuit.
        assert len(server.requests) <= 12

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            ("503 Service Unavailable", b"{}"),
            ("429 Too Many Requests", b"{}"),
            ("500 Internal Server Error", b"oops"),
            ("403 Forbidden", b'{"error": {"type": "cluster_block_exception"}}'),
            ("401 Unauthorized", b""),
            ("200 OK", b"not json"),
        ],
    )
    async def test_a_useless_response_is_not_retried(self, status: str, body: bytes) -> None:
        async with server_that_responds(status, body) as server, opened(server.url) as index:
            with pytest.raises(Unavailable):
                await index.search(SearchQuery(text="cam"))
            with pytest.raises(Unavailable):
                await index.suggest("cam", 5)

        assert len(server.requests) == 2

    async def test_every_method_raises_unavailable_when_connections_are_refused(self) -> None:
        async with opened("opensearch://127.0.0.1:1") as index:
            attempts = (
                index.search(SearchQuery()),
                index.suggest("cam", 5),
                index.put([cam("a")]),
                index.remove(MechanismId("a"), 1),
                index.rebuild(stream([cam("a")])),
            )
            for attempt in attempts:
                with pytest.raises(Unavailable):
                    await attempt

    async def test_repeated_failures_open_the_circuit(self) -> None:
        async with server_that_responds("503 Service Unavailable") as server, opened(server.url) as index:
            for _ in range(20):
                with pytest.raises(Unavailable):
                    await index.search(SearchQuery(text="cam"))

        assert len(server.requests) == 5

    async def test_one_refused_write_of_a_batch_is_reported(self) -> None:
        refused = b'{"errors": true, "items": [{"index": {"status": 201}}, {"index": {"status": 429, "error": {}}}]}'
        writes = [("current", one) for one in document_writes([cam("a"), cam("b")])]
        async with server_that_responds("200 OK", refused) as stand_in:
            server = OpenSearchServer(stand_in.url)
            with pytest.raises(Unavailable):
                await write(server, writes, seconds=PATIENT)
            await server.close()


class TestAddress:
    async def test_the_url_gives_host_port_user_and_alias(self) -> None:
        async with server_that_responds("404 Not Found") as server:
            address = server.url.replace("//", "//us%40er:p%2Fw@").replace("/test", "/my-alias")
            async with opened(address) as index:
                with pytest.raises(Unavailable):
                    await index.search(SearchQuery())

        assert server.requests[0].startswith("POST /my-alias/_search?")
        secret = base64.b64encode(b"us@er:p/w").decode()
        assert f"authorization: basic {secret}".lower() in server.requests[0].lower()

    async def test_the_default_alias_is_mechshare(self) -> None:
        async with (
            server_that_responds("404 Not Found") as server,
            opened(server.url.removesuffix("/test")) as index,
        ):
            with pytest.raises(Unavailable):
                await index.search(SearchQuery())

        assert server.requests[0].startswith("POST /mechshare/_search?")
        assert "authorization" not in server.requests[0].lower()

    async def test_the_https_scheme_uses_tls(self) -> None:
        async with (
            server_that_responds("404 Not Found") as server,
            opened(server.url.replace("opensearch:", "opensearch+https:")) as index,
        ):
            with pytest.raises(Unavailable):
                await index.search(SearchQuery())

        assert server.requests[0] == TLS

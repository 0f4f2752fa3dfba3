"""What the SQLite index must handle as a file: several processes, damage, other versions, a failing disk."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mechshare.adapters.search.sqlite import schema
from mechshare.adapters.search.sqlite.index import BATCH, SqliteSearchIndex
from mechshare.adapters.search.sqlite.reads import expand_prefixes, search
from mechshare.adapters.search.sqlite.schema import SCHEMA_VERSION
from mechshare.adapters.search.sqlite.suggestions import suggest
from mechshare.adapters.search.text.query import Clause, parse_query
from mechshare.domain.errors import DependencyUnavailable
from mechshare.domain.ids import MechanismId
from mechshare.domain.overload import SearchTimedOut
from mechshare.domain.pagination import EXACT_TOTAL
from mechshare.domain.search import SearchQuery, SearchSort
from mechshare.domain.search_documents import SearchDocument
from mechshare.testing.search.contract import START, document, keys
from mechshare.testing.search.relevance import documents

CAM = replace(documents()[0], mechanism_id=MechanismId("one"), title="cam")

PUTTER = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from mechshare.adapters.search.sqlite.index import SqliteSearchIndex
from mechshare.testing.search.relevance import documents

async def put(path, first):
    index = SqliteSearchIndex(Path(path))
    for version in range(first, 40, 4):
        await index.put([replace(d, version=version, title=f"{d.title} edition{version}") for d in documents()[:10]])
    await index.close()

asyncio.run(put(sys.argv[1], int(sys.argv[2])))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index" / "search.db"


@pytest.fixture
async def index(path: Path) -> AsyncIterator[SqliteSearchIndex]:
    opened = SqliteSearchIndex(path)
    yield opened
    await opened.close()


async def stream(*these: SearchDocument) -> AsyncIterator[SearchDocument]:
    for each in these:
        yield each


async def total(index: SqliteSearchIndex, text: str = "") -> int:
    return (await index.search(SearchQuery(text=text))).total


class TestMoreThanAreRanked:
    @pytest.fixture
    async def crowd(self, index: SqliteSearchIndex) -> list[SearchDocument]:
        """The documents, oldest first."""
        namesake = document("namesake", "gear", created_at=START - timedelta(days=1))
        others = [
            document(f"{n:05}", "spur gear", created_at=START + timedelta(seconds=n))
            for n in range(EXACT_TOTAL + 5)
        ]
        await index.put([namesake, *others])
        return [namesake, *others]

    async def test_the_newest_and_an_older_exact_title_match_are_ranked(
        self, index: SqliteSearchIndex, crowd: list[SearchDocument]
    ) -> None:
        result = await index.search(SearchQuery(text="gear", limit=3))

        assert keys(result) == ["namesake", crowd[-1].mechanism_id, crowd[-2].mechanism_id]
        assert EXACT_TOTAL < result.total < len(crowd)

    @pytest.mark.parametrize("text", ["spur", ""])
    async def test_a_change_does_not_make_a_document_newer(
        self, index: SqliteSearchIndex, crowd: list[SearchDocument], text: str
    ) -> None:
        await index.put([replace(crowd[1], version=2)])

        result = await index.search(SearchQuery(text=text, sort=SearchSort.NEWEST, limit=len(crowd)))

        assert keys(result) == [each.mechanism_id for each in crowd[: -EXACT_TOTAL - 2 : -1]]


async def test_repeated_searches_of_many_forms_are_prepared_once(
    path: Path, index: SqliteSearchIndex
) -> None:
    await index.put([document("a", "spur gear"), document("b", "worm gear")])
    queries = [
        SearchQuery(text=" ".join(f"gear{word}" for word in range(words)), sort=sort)
        for words in range(15)
        for sort in (SearchSort.RELEVANCE, SearchSort.MOST_RELIABLE)
    ]
    prepared: list[object] = []
    with closing(schema.connect(path)) as connection:
        # SQLite asks the authorizer while it prepares a statement.
        connection.set_authorizer(lambda *action: prepared.append(action) or sqlite3.SQLITE_OK)
        for query in queries:
            search(connection, query)
        assert prepared
        prepared.clear()
        for query in queries:
            search(connection, query)

    assert prepared == []


@pytest.mark.parametrize("words", [1, 16, 17, 40])
async def test_a_prefix_finds_all_words_that_continue_it(index: SqliteSearchIndex, words: int) -> None:
    await index.put([document(str(n), f"rotary gear{n:02}") for n in range(words)])

    assert (await index.search(SearchQuery(text="rotary gea"))).total == words


async def test_a_prefix_with_few_continuations_is_expanded_to_them(
    path: Path, index: SqliteSearchIndex
) -> None:
    await index.put(
        [document("few", "Ratchet, ratcheting"), *(document(f"{n}", f"{n}th") for n in range(100, 140))]
    )

    with closing(schema.connect(path)) as connection:
        assert beginnings_of(expand_prefixes(connection, parse_query("th ratch"))) == []
        assert beginnings_of(expand_prefixes(connection, parse_query("ratch 1"))) == ["1", "=1", "一"]


def beginnings_of(clauses: Sequence[Clause]) -> list[str]:
    return sorted(phrase.tokens[-1] for clause in clauses for phrase in clause.every if phrase.is_prefix)


async def test_suggestions_cost_no_more_when_more_titles_hold_the_word_later(
    path: Path, index: SqliteSearchIndex
) -> None:
    await index.put([document(f"first {n}", f"gear {n:02}") for n in range(20)])
    before = steps_of_suggesting(path, "g")

    await index.put([document(f"later {n}", f"small gear {n}") for n in range(2_000)])

    assert steps_of_suggesting(path, "g") < 1.2 * before


async def test_suggestions_of_removed_titles_are_deleted(path: Path, index: SqliteSearchIndex) -> None:
    await index.put([document("a", "Ratchet and pawl"), document("b", "Small gear")])
    await index.put([document("a", "Cam", version=2), document("b", "Small gear", version=2, audience=())])
    await index.remove(MechanismId("a"), 3)

    with closing(schema.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM opening").fetchone() == (0,)


def steps_of_suggesting(path: Path, prefix: str) -> int:
    """Returns how many times ten instructions SQLite executes for ten suggestions."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    with closing(schema.connect(path)) as connection:
        connection.set_progress_handler(count, 10)
        assert len(suggest(connection, prefix, 10)) == 10
    return steps


async def filled(path: Path) -> None:
    index = SqliteSearchIndex(path)
    await index.rebuild(stream(*documents()))
    await index.close()


async def test_the_index_survives_a_restart(path: Path, index: SqliteSearchIndex) -> None:
    await filled(path)

    assert await total(index) == len(documents())
    assert not await index.needs_rebuild()


async def test_nothing_is_opened_before_it_is_used(path: Path) -> None:
    index = SqliteSearchIndex(path)
    await index.close()

    assert not path.parent.exists()


async def test_a_new_index_needs_a_rebuild_until_one_is_done(index: SqliteSearchIndex) -> None:
    await index.put([CAM])
    before = await index.needs_rebuild()

    await index.rebuild(stream(CAM))

    assert before
    assert not await index.needs_rebuild()


async def test_concurrent_puts_of_several_processes_leave_the_newest(
    path: Path, index: SqliteSearchIndex
) -> None:
    putters = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", PUTTER, str(path), str(first))
        for first in range(4)
    ]
    codes = await asyncio.gather(*(putter.wait() for putter in putters))

    assert codes == [0, 0, 0, 0]
    assert await total(index) == 10
    assert await total(index, "edition39") == 10


async def test_writes_of_another_index_during_a_rebuild_are_preserved(
    path: Path, index: SqliteSearchIndex
) -> None:
    other = SqliteSearchIndex(path)
    documents = [replace(CAM, mechanism_id=MechanismId(f"{n:04}")) for n in range(2 * BATCH)]
    await index.put(documents)

    async def read() -> AsyncIterator[SearchDocument]:
        for number, each in enumerate(documents):
            if number == BATCH + 1:
                await other.put(
                    [
                        replace(documents[0], version=2, title="gear"),
                        replace(documents[-1], version=2, title="gear"),
                    ]
                )
                await other.put([replace(CAM, mechanism_id=MechanismId("new"), title="gear")])
                await other.remove(documents[1].mechanism_id, 2)
            yield each

    await index.rebuild(read())
    await other.close()

    assert await total(index, "gear") == 3
    assert await total(index, "cam") == 2 * BATCH - 3


def spoil_header(path: Path) -> None:
    path.write_bytes(b"no database at all" * 500)


def spoil_pages(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def run_sql(*statements: str):  # type: ignore[no-untyped-def]
    def spoil(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    return spoil


SPOILERS = {
    "header": spoil_header,
    "empty": empty,
    "cut": cut,
    "older version": run_sql("PRAGMA user_version = 0"),
    "table lost": run_sql("DROP TABLE category"),
    "virtual table lost": run_sql("DROP TABLE words"),
}


@pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS.keys())
async def test_an_unusable_file_is_replaced_and_a_warning_is_logged(
    path: Path, index: SqliteSearchIndex, spoil: object
) -> None:
    await filled(path)
    spoil(path)  # type: ignore[operator]

    with capture_logs() as logs:
        assert await total(index) == 0

    assert [entry["event"] for entry in logs] == ["search_index_recreated"]
    assert await index.needs_rebuild()
    await index.rebuild(stream(CAM))
    assert await total(index, "cam") == 1
    assert not await index.needs_rebuild()


@pytest.mark.parametrize(
    "spoil",
    [spoil_pages, run_sql("UPDATE words_data SET block = X'FFFFFFFFFFFFFFFFFF'")],
    ids=["pages", "words"],
)
async def test_damage_found_by_a_search_is_logged_once_and_repaired(
    path: Path, index: SqliteSearchIndex, spoil: object
) -> None:
    await filled(path)
    spoil(path)  # type: ignore[operator]

    with capture_logs() as logs, pytest.raises(DependencyUnavailable):
        await index.search(SearchQuery(text="gear"))

    assert [entry["event"] for entry in logs] == ["search_index_recreated"]
    assert await total(index, "gear") == 0
    assert await index.needs_rebuild()


async def test_a_file_deleted_while_in_use_is_created_again(path: Path, index: SqliteSearchIndex) -> None:
    await index.put([CAM])
    assert await total(index) == 1

    for file in path.parent.iterdir():
        file.unlink()

    assert await total(index) == 0
    await index.put([CAM])
    assert await total(index, "cam") == 1


async def test_a_file_truncated_while_two_processes_use_it_is_created_again(
    path: Path, index: SqliteSearchIndex
) -> None:
    other = SqliteSearchIndex(path)
    await index.rebuild(stream(CAM))
    assert (await total(index), await total(other)) == (1, 1)

    empty(path)

    assert (await total(index), await total(other)) == (0, 0)
    assert await other.needs_rebuild()
    await index.rebuild(stream(CAM))
    assert (await total(index, "cam"), await total(other, "cam")) == (1, 1)
    assert not await other.needs_rebuild()
    await other.close()


async def test_an_older_release_leaves_the_index_of_a_newer_one_alone(
    path: Path, index: SqliteSearchIndex
) -> None:
    await index.rebuild(stream(CAM))
    newer = f"PRAGMA user_version = {SCHEMA_VERSION + 1}"
    run_sql(newer)(path)

    for attempt in (total(index), index.put([CAM]), index.needs_rebuild()):
        with pytest.raises(DependencyUnavailable):
            await attempt
    run_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")(path)
    assert (await total(index), await index.needs_rebuild()) == (1, False)

    run_sql(newer)(path)
    assert await index.rebuild(stream(CAM)) == 1
    assert (await total(index, "cam"), await index.needs_rebuild()) == (1, False)


async def test_a_rebuild_whose_file_was_deleted_fails(path: Path, index: SqliteSearchIndex) -> None:
    async def read() -> AsyncIterator[SearchDocument]:
        for number in range(BATCH + 1):
            yield replace(CAM, mechanism_id=MechanismId(str(number)))
        for file in path.parent.iterdir():
            file.unlink()

    with pytest.raises(DependencyUnavailable):
        await index.rebuild(read())

    assert await index.needs_rebuild()


async def test_concurrent_repairs_create_one_file(path: Path) -> None:
    await filled(path)
    spoil_header(path)
    indexes = [SqliteSearchIndex(path) for _ in range(4)]

    await asyncio.gather(
        *(each.put([replace(CAM, mechanism_id=MechanismId(str(n)))]) for n, each in enumerate(indexes))
    )

    assert [await total(each) for each in indexes] == [4, 4, 4, 4]
    for each in indexes:
        await each.close()


async def test_behind_a_stuck_writer_writes_fail_and_reads_continue(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.01)
    await filled(path)
    index = SqliteSearchIndex(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(DependencyUnavailable, match="search index"):
            await index.put([CAM])
        with pytest.raises(DependencyUnavailable):
            await index.remove(CAM.mechanism_id, 1)
        with pytest.raises(DependencyUnavailable):
            await index.rebuild(stream(CAM))
        assert await total(index) == len(documents())

    await index.put([CAM])
    assert await total(index) == len(documents()) + 1
    await index.close()


async def test_an_unusable_path_raises_dependency_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "search.db", tmp_path / "folder"):
        index = SqliteSearchIndex(path)

        with pytest.raises(DependencyUnavailable):
            await index.search(SearchQuery())
        with pytest.raises(DependencyUnavailable):
            await index.suggest("a", 1)
        await index.close()


async def test_a_put_is_all_or_nothing(path: Path, index: SqliteSearchIndex) -> None:
    await index.put([CAM])
    run_sql(
        "CREATE TRIGGER no BEFORE INSERT ON document WHEN NEW.id = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END"
    )(path)

    with pytest.raises(DependencyUnavailable):
        await index.put(
            [replace(CAM, title="gear", version=2), replace(CAM, mechanism_id=MechanismId("bad"))]
        )

    assert (await total(index, "cam"), await total(index, "gear")) == (1, 0)


async def test_a_cancelled_put_leaves_the_writer_usable(index: SqliteSearchIndex) -> None:
    many = [replace(CAM, mechanism_id=MechanismId(str(number))) for number in range(300)]
    putting = asyncio.create_task(index.put(many))
    await asyncio.sleep(0)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting

    await index.put([replace(CAM, title="gear")])

    assert await total(index, "gear") == 1
    assert await total(index, "cam") in (0, 300)


async def test_a_search_ends_at_its_deadline_and_the_next_one_succeeds(tmp_path: Path) -> None:
    many = [replace(CAM, mechanism_id=MechanismId(f"{number:05}"), title="cam") for number in range(1_000)]
    short, long = (SqliteSearchIndex(tmp_path / "s.db", search_seconds=seconds) for seconds in (0.0, 60.0))
    query = SearchQuery(text="cam", limit=100)
    try:
        await long.put(many)
        with pytest.raises(SearchTimedOut):
            await short.search(query)
        assert (await long.search(query)).total == len(many)
        with pytest.raises(SearchTimedOut):
            await short.search(query)
    finally:
        await short.close()
        await long.close()

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from mechshare.adapters.search.memory import MemorySearchIndex
from mechshare.domain.errors import DependencyUnavailable, InvalidField
from mechshare.domain.ids import CategoryId
from mechshare.domain.jobs import DEADLINE, LEASE, JobKind, JobState, new_job
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.overload import Overloaded, QueryTimedOut, SearchTimedOut
from mechshare.domain.pagination import EXACT_TOTAL
from mechshare.domain.search import MAX_EXCLUDED, MAX_QUERY_LENGTH, SearchSort
from mechshare.domain.suggestions import Suggestions
from mechshare.domain.users import Role
from mechshare.services.indexing import IndexMechanism
from mechshare.services.search import MAX_CONCURRENT_SEARCHES, SearchService
from mechshare.testing.search.contract import document
from tests.services.world import HERE

GEARS, CAMS = CategoryId("gears"), CategoryId("cams")


@pytest.fixture
async def mika(world):
    await world.app.categories.seed()
    return await world.join("mika")


async def found(world, viewer, text, **narrowed):
    page = await world.app.search.search(viewer, text, **narrowed)
    return [item.found.mechanism.id for item in page.items], page.total, dict(page.facets)


async def test_a_published_mechanism_is_found_by_title_category_and_author(world, mika):
    made = await world.published(mika, "遊星歯車", categories=(CAMS,))
    await world.work()
    for text in ("歯車", "cams", "カム", "mika", ""):
        assert await found(world, None, text) == ([made.id], 1, {CAMS: 1})
    assert await found(world, None, "linkage") == ([], 0, {})


async def test_hidden_mechanisms_are_in_no_hit_total_facet_or_suggestion(world, mika):
    other, admin = await world.join("other"), await world.join("admin", Role.ADMIN)
    await world.external(mika, "secret gear", categories=(GEARS,))
    await world.work()
    for viewer in (None, other, admin, mika):
        assert await found(world, viewer, "secret") == ([], 0, {})
    for viewer in (None, other):
        assert await found(world, viewer, "secret", user_id=mika.id) == ([], 0, {})
    assert await world.app.search.suggest(None, "sec", 10) == Suggestions()


async def test_owners_and_admins_find_hidden_mechanisms_of_the_owner(world, mika):
    admin = await world.join("admin", Role.ADMIN)
    hidden = await world.external(mika, "secret gear", categories=(GEARS,))
    await world.work()
    for viewer in (mika, admin):
        assert await found(world, viewer, "secret", user_id=mika.id) == ([hidden.id], 1, {GEARS: 1})


async def test_the_text_of_an_earlier_version_of_a_document_is_not_shown(world, mika):
    made = await world.published(mika, "crank")
    await world.work()
    await world.index.put([document(made.id, "crank", version=made.version + 1, pages=("secret",))])

    assert await found(world, None, "secret") == ([], 0, {})


@pytest.mark.parametrize(("more", "expected"), [(0, (EXACT_TOTAL, True)), (1, (EXACT_TOTAL, False))])
async def test_a_total_is_exact_up_to_the_limit(world, mika, more, expected):
    made = await world.published(mika, "crank")
    await world.work()
    await world.index.put([document(f"{number:05}", "spur gear") for number in range(EXACT_TOTAL - 1 + more)])
    await world.index.put([document(made.id, "gear", version=made.version)])

    page = await world.app.search.search(None, "gear", limit=1)

    assert (page.total, page.total_is_exact) == expected


@pytest.mark.parametrize("end", ["withdrawn", "by moderator", "deleted"])
async def test_a_withdrawn_mechanism_is_hidden_before_the_index_is_updated(world, mika, end):
    mod = await world.join("mod", Role.MODERATOR)
    made = await world.published(mika, "secret gear", categories=(GEARS,))
    known = await world.published(mika, "known gear", categories=(GEARS, CAMS))
    await world.work()
    app = world.app.mechanisms

    if end == "deleted":
        await app.delete_mechanism(mika, made.id, HERE)
    else:
        await app.withdraw(mod if end == "by moderator" else mika, made.id, HERE, reason="spam")

    assert (await found(world, None, "secret"))[:2] == ([], 0)
    assert (await found(world, None, "gear"))[:2] == ([known.id], 1)
    if end != "deleted":
        assert (await found(world, None, "gear"))[2] == {GEARS: 1, CAMS: 1}
    await world.work()
    assert await found(world, None, "gear") == ([known.id], 1, {GEARS: 1, CAMS: 1})
    assert await world.app.search.suggest(None, "secret", 10) == Suggestions()


async def _change(world, mika, change, made):
    app = world.app.mechanisms
    if change == "withdrawn":
        await app.withdraw(mika, made.id, HERE)
    elif change == "deleted":
        await app.delete_mechanism(mika, made.id, HERE)
    else:
        await app.update_mechanism(mika, made.id, title="rocker", description="", categories=(CAMS,))


@pytest.mark.parametrize("change", ["withdrawn", "deleted", "edited"])
@pytest.mark.parametrize("jobs", ["wait", "failed", "late"])
async def test_stuck_index_jobs_show_nothing_of_what_was_taken_back(world, mika, change, jobs):
    made = await world.published(mika, "secret gear", description="of brass", categories=(GEARS,))
    known = await world.published(await world.join("other"), "known gear", categories=(GEARS,))
    await world.work()
    await _change(world, mika, change, made)
    if jobs == "failed":
        async with world.database.begin() as tx:
            (job,) = await tx.job_batches.claim(JobKind.INDEX_MECHANISM, LEASE, limit=1)
            await tx.ledger.finish(job.id, job.fence, JobState.FAILED)
    elif jobs == "late":
        world.clock.advance(3 * DEADLINE)
        await world.app.runner.reap()

    for text in ("secret", "brass", "mika"):
        assert await found(world, None, text) == ([], 0, {})
    for text in ("gear", ""):
        assert await found(world, None, text) == ([known.id], 1, {GEARS: 1})
    assert await world.app.search.suggest(None, "se", 10) == Suggestions(is_complete=False)
    assert not (await world.app.search.search(None, "gear")).degraded


async def test_an_owner_finds_no_replaced_text_of_a_draft(world, mika):
    made = await world.external(mika, "secret gear")
    await world.work()
    await world.app.mechanisms.update_mechanism(mika, made.id, title="rocker")

    assert await found(world, mika, "secret", user_id=mika.id) == ([], 0, {})
    await world.work()
    assert (await found(world, mika, "rocker", user_id=mika.id))[0] == [made.id]


async def test_an_index_restored_from_a_copy_shows_no_replaced_text(world, mika):
    made = await world.published(mika, "secret gear")
    await world.work()
    (item,) = (await world.app.search.search(None, "secret")).items
    await world.app.mechanisms.update_mechanism(mika, made.id, title="rocker")
    await world.work()
    await world.index.wipe()
    await world.index.put([document(made.id, "secret gear", version=item.found.mechanism.version)])

    assert (await found(world, None, "secret"))[:2] == ([], 0)


async def test_too_many_changes_that_wait_for_the_index_degrade_searches_and_suggestions(world, mika):
    made = await world.published(mika, "crank")
    await world.work()
    async with world.database.begin() as tx:
        now = world.clock.now()
        ids = [f"01900000-0000-7000-8000-{number:012}" for number in range(MAX_EXCLUDED + 1)]
        await tx.ledger.add(*(new_job(id, JobKind.INDEX_MECHANISM, id, now=now) for id in ids))

    page = await world.app.search.search(None, "crank")

    assert (page.degraded, [item.found.mechanism.id for item in page.items]) == (True, [made.id])
    assert await world.app.search.suggest(None, "cr", 10) == Suggestions(degraded=True)


async def test_the_new_text_is_found_and_the_replaced_text_is_not(world, mika):
    made = await world.published(mika, "crank")
    await world.work()
    await world.app.mechanisms.update_mechanism(mika, made.id, title="rocker")
    await world.work()
    assert (await found(world, None, "rocker"))[0] == [made.id]
    assert (await found(world, None, "crank"))[0] == []


async def index_elsewhere(world, id):
    """Updates the index for one mechanism, as a worker in another process does."""
    (job, *_) = [
        job for job in await world.jobs() if (job.kind, job.subject) == (JobKind.INDEX_MECHANISM, id)
    ]
    handler = IndexMechanism(world.transactions(world.database), world.index)
    await handler.run(job, progress=None)


async def test_a_late_update_does_not_restore_a_deleted_mechanism(world, mika):
    made = await world.published(mika, "crank")

    async def deleted():
        await world.app.mechanisms.delete_mechanism(mika, made.id, HERE)
        await index_elsewhere(world, made.id)

    world.index.before_put = deleted
    await world.work()

    assert await found(world, None, "crank") == ([], 0, {})


async def test_a_late_update_does_not_replace_a_newer_one(world, mika):
    made = await world.published(mika, "crank")

    async def renamed():
        await world.app.mechanisms.update_mechanism(mika, made.id, title="rocker")
        await index_elsewhere(world, made.id)

    world.index.before_put = renamed
    await world.work()

    assert (await found(world, None, "rocker"))[0] == [made.id]
    assert (await found(world, None, "crank"))[1] == 0


async def test_a_lost_index_is_rebuilt_completely(world, mika):
    made = [await world.published(mika, f"crank {number}") for number in range(120)]
    gone = await world.published(mika, "crank gone")
    await world.work()
    world.index._inner = MemorySearchIndex()
    assert (await found(world, None, "crank"))[1] == 0
    await world.app.mechanisms.delete_mechanism(mika, gone.id, HERE)

    assert await world.app.search.reindex() == len(made)

    assert (await found(world, None, "crank"))[1] == len(made)


async def test_a_search_can_be_narrowed_sorted_and_paged(world, mika):
    made = []
    for number, category in enumerate((GEARS, CAMS, GEARS)):
        made.append((await world.published(mika, f"crank {number}", categories=(category,))).id)
    await world.work()

    assert set((await found(world, None, "crank", within=MechanismFilter(category_ids=(GEARS,))))[0]) == {
        made[0],
        made[2],
    }
    newest, total, _ = await found(world, None, "crank", sort=SearchSort.NEWEST, limit=2)
    rest, _, _ = await found(world, None, "crank", sort=SearchSort.NEWEST, limit=2, page=2)
    assert total == 3
    assert sorted([*newest, *rest]) == sorted(made)


async def test_suggestions_are_titles_of_published_mechanisms(world, mika):
    await world.published(mika, "Geneva drive")
    await world.work()
    assert await world.app.search.suggest(None, "gen", 10) == Suggestions(titles=("Geneva drive",))
    assert await world.app.search.suggest(None, "  ", 10) == Suggestions()


@pytest.mark.parametrize("text", ["x" * (MAX_QUERY_LENGTH + 1), "a\x00", "\ud800"])
async def test_a_query_with_invalid_text_is_refused(world, text):
    for attempt in (world.app.search.search(None, text), world.app.search.suggest(None, text, 10)):
        with pytest.raises(InvalidField) as refused:
            await attempt
        assert refused.value.field == "q"


@pytest.mark.parametrize(
    "text", ['"', "*", "a AND", "NEAR(", "-x", "a:b", "%", "_", "'; DROP TABLE x", "(" * 50]
)
async def test_a_query_is_never_parsed_as_query_language(world, mika, text):
    await world.published(mika, "crank")
    await world.work()
    assert (await found(world, None, text))[1] in (0, 1)


@pytest.mark.parametrize("text", ["歯車", "ｷﾞｱ 遊星", "MIKA", "brass 歯車", "“遊星歯車”", ""])
async def test_without_the_index_the_database_serves_degraded_results(world, mika, text):
    made = await world.published(mika, "遊星歯車", description="ギア of Brass", categories=(GEARS,))
    await world.published(await world.join("other"), "カム", description="linkage")
    await world.work()
    world.index.is_down = True

    page = await world.app.search.search(None, text, within=MechanismFilter(category_ids=(GEARS,)))

    assert page.degraded
    assert [item.found.mechanism.id for item in page.items] == [made.id]
    assert page.items[0].found.author.username == "mika"
    assert (page.total, page.total_is_exact, page.facets, page.items[0].highlights) == (1, False, {}, {})


@pytest.mark.parametrize("text", ["linkage", '"', "遊 車", "%", "歯車 cam"])
async def test_the_database_finds_only_mechanisms_with_every_word(world, mika, text):
    await world.published(mika, "歯車機構 gears")
    world.index.is_down = True

    assert await found(world, None, text) == ([], 0, {})


async def test_without_the_index_too_only_owners_and_admins_find_hidden_mechanisms(world, mika):
    other, admin = await world.join("other"), await world.join("admin", Role.ADMIN)
    hidden = await world.external(mika, "secret gear")
    world.index.is_down = True

    for viewer in (None, other, mika, admin):
        assert await found(world, viewer, "secret") == ([], 0, {})
    for viewer in (None, other):
        assert await found(world, viewer, "secret", user_id=mika.id) == ([], 0, {})
    for viewer in (mika, admin):
        assert await found(world, viewer, "secret", user_id=mika.id) == ([hidden.id], 1, {})


async def test_without_the_index_pages_are_the_newest_first(world, mika):
    made = []
    for number in range(5):
        world.clock.advance(timedelta(seconds=1))
        made.append((await world.published(mika, f"crank {number}")).id)
    world.index.is_down = True

    pages = [(await found(world, None, "crank", limit=2, page=page)) for page in (1, 2, 3, 4)]

    assert [ids for ids, _, _ in pages] == [made[:2:-1], made[2:0:-1], made[:1], []]
    assert {total for _, total, _ in pages} == {5}


class Scanned:
    """A database that calls `scan` before each search for words."""

    def __init__(self, inner, scan):
        self._inner = inner
        self._scan = scan

    @asynccontextmanager
    async def read(self):
        async with self._inner.read() as tx:
            yield _Scanned(tx, self._scan)

    def __getattr__(self, name):
        return getattr(self._inner, name)


class _Scanned:
    def __init__(self, tx, scan):
        self._tx = tx
        self._scan = scan

    @property
    def mechanisms(self):
        return self

    async def find_all(self, request, *conditions, **others):
        async with self._scan():
            return await self._tx.mechanisms.find_all(request, *conditions, **others)

    def __getattr__(self, name):
        return getattr(self._tx, name)


class Counter:
    """Scans that take 10 ms more; `most` is the highest number of concurrent ones."""

    def __init__(self):
        self.readers, self.most = 0, 0

    @asynccontextmanager
    async def scan(self):
        self.readers += 1
        self.most = max(self.most, self.readers)
        await asyncio.sleep(0.01)
        yield
        self.readers -= 1


async def test_without_the_index_searches_use_few_database_connections(world, mika):
    made = await world.published(mika, "crank")
    world.index.is_down = True
    scans = Counter()
    database = Scanned(world.database, scans.scan)
    search = SearchService(world.transactions(database), world.index, scans_at_a_time=2)

    pages = await asyncio.gather(*(search.search(None, "crank") for _ in range(20)))

    assert {item.found.mechanism.id for page in pages for item in page.items} == {made.id}
    assert scans.most == 2


class CountedReads:
    def __init__(self, inner):
        self._inner = inner
        self.begun = 0

    @asynccontextmanager
    async def read(self):
        self.begun += 1
        async with self._inner.read() as tx:
            yield tx

    def __getattr__(self, name):
        return getattr(self._inner, name)


async def test_searches_at_the_same_time_share_what_they_read_before_they_search(world, mika):
    made = await world.published(mika, "crank")
    await world.work()
    database = CountedReads(world.database)
    search = SearchService(world.transactions(database), world.index, scans_at_a_time=1)

    found = await asyncio.gather(*(search.find_hits(None, "crank") for _ in range(20)))

    assert {hit.mechanism_id for each in found for hit in each.hits} == {made.id}
    assert database.begun == 1


@asynccontextmanager
async def interrupted():
    raise QueryTimedOut()
    yield


async def test_a_search_that_the_database_interrupts_is_refused_and_makes_room_for_the_next(world, mika):
    world.index.is_down = True
    search = SearchService(
        world.transactions(Scanned(world.database, interrupted)),
        world.index,
        scans_at_a_time=1,
    )
    for _ in range(3):
        with pytest.raises(SearchTimedOut):
            await asyncio.wait_for(search.search(None, "crank"), 30)


async def test_a_search_that_waits_too_long_for_the_database_is_refused(world, mika):
    world.index.is_down = True
    reached, opened = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def blocked():
        reached.set()
        await opened.wait()
        yield

    database = Scanned(world.database, blocked)
    search = SearchService(
        world.transactions(database), world.index, scans_at_a_time=1, max_wait_seconds=0.01
    )
    first = asyncio.create_task(search.search(None, "crank"))
    await asyncio.wait_for(reached.wait(), 30)

    with pytest.raises(SearchTimedOut):
        await search.search(None, "crank")
    opened.set()
    assert (await asyncio.wait_for(first, 30)).degraded
    assert (await search.search(None, "crank")).degraded


async def test_a_query_of_many_words_runs_on_the_database_too(world, mika):
    made = await world.published(mika, "a b c d e f g h")
    world.index.is_down = True

    assert (await found(world, None, " ".join("abcdefgh" * 12)))[0] == [made.id]


async def test_without_the_index_suggestions_are_empty_and_marked_degraded(world, mika):
    await world.published(mika, "Geneva drive")
    await world.work()
    world.index.is_down = True

    assert await world.app.search.suggest(None, "gen", 10) == Suggestions(degraded=True)


async def test_an_index_that_is_back_is_used_again(world, mika):
    await world.published(mika, "Geneva drive")
    await world.work()
    world.index.is_down = True
    assert (await world.app.search.search(None, "genava")).total == 0
    world.index.is_down = False

    page = await world.app.search.search(None, "genava")

    assert (page.total, page.degraded) == (1, False)


async def test_without_index_and_database_a_search_fails(world):
    world.index.is_down = world.database.is_down = True

    with pytest.raises(DependencyUnavailable) as expected:
        await world.app.search.search(None, "x")

    assert expected.value.facts == {"dependency": "database"}


class BlockedIndex(MemorySearchIndex):
    """An index whose searches wait for `opened`."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = asyncio.Event()

    async def search(self, query):
        await self.opened.wait()
        return await super().search(query)


async def test_searches_beyond_the_limit_are_refused_at_once_and_the_others_finish(world):
    index = BlockedIndex()
    service = SearchService(world.app.search._transactions, index, scans_at_a_time=1)
    waiting = [asyncio.create_task(service.search(None, "cam")) for _ in range(MAX_CONCURRENT_SEARCHES)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await service.search(None, "cam")
    with pytest.raises(Overloaded):
        await service.suggest(None, "cam", 10)
    index.opened.set()
    pages = await asyncio.wait_for(asyncio.gather(*waiting), 30)
    assert [page.total for page in pages] == [0] * MAX_CONCURRENT_SEARCHES
    assert (await service.search(None, "cam")).total == 0


async def test_a_search_finds_other_names_of_its_terms_and_says_so(world, mika):
    english, japanese = await world.published(mika, "Spur gear"), await world.published(mika, "平歯車")
    await world.work()

    page = await world.app.search.search(None, "spur gear")
    quoted = await world.app.search.search(None, '"spur gear"')

    assert [item.found.mechanism.id for item in page.items] == [english.id, japanese.id]
    assert page.expanded == (("spur gear", ("平歯車",)),)
    assert [item.found.mechanism.id for item in quoted.items] == [english.id]
    assert quoted.expanded == ()

"""What every database promises."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from mechshare.domain.audit import AuditAction, AuditEntry
from mechshare.domain.categories import Category
from mechshare.domain.errors import (
    CategoryInUse,
    CategoryNotFound,
    IdempotencyKeyReused,
    NameTaken,
    StaleVersion,
)
from mechshare.domain.ids import CategoryId, JobId, MechanismId, SessionId, UserId
from mechshare.domain.jobs import Job, JobKind, JobState, new_job
from mechshare.domain.mechanisms import (
    READY,
    Mechanism,
    MechanismSort,
    OriginalFile,
    Processing,
    ProcessingState,
)
from mechshare.domain.media import FailureCode, MediaFacts, MediaFormat, ProcessingFailure
from mechshare.domain.pages import Page, PageRequest
from mechshare.domain.receipts import Receipt
from mechshare.domain.sessions import RefreshToken, Session
from mechshare.domain.users import User
from mechshare.ports.persistence import Database
from tests.contracts.harness import adapters_of

NOW = datetime(2026, 3, 4, 5, 6, 7, 123457, tzinfo=UTC)
LEASE = timedelta(minutes=1)
_numbers = count(1)


@pytest.fixture(params=adapters_of("persistence"))
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with request.param(tmp_path) as opened:
        yield opened


def new_id() -> str:
    return f"01900000-0000-7000-8000-{next(_numbers):012x}"


def a_user(name: str = "") -> User:
    id = new_id()
    name = name or f"u{id[-8:]}"
    return User(
        id=UserId(id),
        username=name,
        email=f"{name}@example.com",
        display_name="佐倉",
        created_at=NOW,
        updated_at=NOW,
    )


def a_mechanism(user: User, **changes: object) -> Mechanism:
    plain = Mechanism(
        id=MechanismId(new_id()),
        title="歯車",
        description="",
        user_id=user.id,
        created_at=NOW,
        updated_at=NOW,
        processing=READY,
        is_published=True,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


async def keep_user(database: Database, name: str = "") -> User:
    async with database.begin() as tx:
        return await tx.users.save(a_user(name))


async def keep_categories(database: Database, *ids: str) -> None:
    async with database.begin() as tx:
        for id in ids:
            await tx.categories.save(
                Category(id=CategoryId(id), name_en=id, name_ja=id, created_at=NOW, updated_at=NOW)
            )


async def keep(database: Database, *mechanisms: Mechanism) -> list[Mechanism]:
    async with database.begin() as tx:
        return [await tx.mechanisms.save(mechanism) for mechanism in mechanisms]


# --- transactions ----------------------------------------------------------------


async def test_what_a_transaction_did_is_kept_when_it_ends_well(database: Database) -> None:
    user = await keep_user(database)
    async with database.read() as tx:
        assert await tx.users.find_by_id(user.id) == user


async def test_all_that_a_failed_transaction_did_is_undone(database: Database) -> None:
    user = await keep_user(database)

    async def change_and_fail() -> None:
        async with database.begin() as tx:
            await tx.users.save(replace(user, bio="changed"))
            await tx.mechanisms.save(a_mechanism(user))
            raise LookupError

    with pytest.raises(LookupError):
        await change_and_fail()
    async with database.read() as tx:
        assert await tx.users.find_by_id(user.id) == user
        assert (await tx.mechanisms.find_all(PageRequest())).total == 0


async def test_a_transaction_sees_its_own_writes_and_readers_do_not(database: Database) -> None:
    user = a_user()
    async with database.begin() as tx:
        await tx.users.save(user)
        assert await tx.users.find_by_id(user.id) is not None
        async with database.read() as reader:
            assert await reader.users.find_by_id(user.id) is None


async def test_reading_refuses_to_write(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.read() as tx:
            await tx.users.save(a_user())


# --- users and sessions ----------------------------------------------------------


async def test_users_are_found_by_name_and_by_address(database: Database) -> None:
    user = await keep_user(database, "sakura")
    async with database.read() as tx:
        assert await tx.users.find_by_login("sakura") == user
        assert await tx.users.find_by_login("sakura@example.com") == user
        assert await tx.users.find_by_login("other") is None


@pytest.mark.parametrize("field", ["username", "email"])
async def test_names_and_addresses_are_given_once(database: Database, field: str) -> None:
    user = await keep_user(database)
    other = replace(a_user(), **{field: getattr(user, field)})
    with pytest.raises(NameTaken) as taken:
        async with database.begin() as tx:
            await tx.users.save(other)
    assert taken.value.facts == {"field": field, "value": getattr(user, field)}


async def test_of_many_who_change_one_version_one_wins(database: Database) -> None:
    user = await keep_user(database)

    async def change(number: int) -> bool:
        try:
            async with database.begin() as tx:
                await tx.users.save(replace(user, bio=str(number)))
        except StaleVersion:
            return False
        return True

    assert sum(await asyncio.gather(*(change(number) for number in range(10)))) == 1


async def test_a_new_value_under_a_known_identifier_is_refused(database: Database) -> None:
    user = await keep_user(database)
    with pytest.raises((StaleVersion, NameTaken)):
        async with database.begin() as tx:
            await tx.users.save(replace(user, version=0))


async def test_a_deleted_user_leaves_nothing_of_theirs(database: Database) -> None:
    user = await keep_user(database)
    session = a_session(user)
    async with database.begin() as tx:
        await tx.credentials.save(user.id, "hash")
        await tx.sessions.save(session)
        await tx.sessions.add_token(RefreshToken(hash="h", session_id=session.id, issued_at=NOW))
        await tx.receipts.add(a_receipt(f"{user.id} POST /x"))
        await tx.users.delete(user.id)
    async with database.begin() as tx:
        assert await tx.users.find_by_id(user.id) is None
        assert await tx.credentials.find(user.id) is None
        assert await tx.sessions.find_by_id(session.id) is None
        assert await tx.sessions.consume_token("h", NOW) is None
        assert await tx.receipts.find(f"{user.id} POST /x", "key") is None


async def test_credentials_are_replaced(database: Database) -> None:
    user = await keep_user(database)
    for hash in ("first", "second"):
        async with database.begin() as tx:
            await tx.credentials.save(user.id, hash)
    async with database.read() as tx:
        assert await tx.credentials.find(user.id) == "second"


def a_session(user: User, **changes: object) -> Session:
    plain = Session(
        id=SessionId(new_id()),
        user_id=user.id,
        created_at=NOW,
        last_used_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


async def test_a_refresh_token_is_consumed_by_one_of_many(database: Database) -> None:
    user = await keep_user(database)
    session = a_session(user)
    async with database.begin() as tx:
        await tx.sessions.save(session)
        await tx.sessions.add_token(RefreshToken(hash="h", session_id=session.id, issued_at=NOW))

    async def consume() -> bool:
        async with database.begin() as tx:
            consumed = await tx.sessions.consume_token("h", NOW)
        assert consumed is not None
        return consumed[1]

    assert sum(await asyncio.gather(*(consume() for _ in range(20)))) == 1


async def test_live_sessions_are_neither_revoked_nor_expired_and_the_latest_used_stands_first(
    database: Database,
) -> None:
    user = await keep_user(database)
    older = a_session(user)
    newer = a_session(user, last_used_at=NOW + timedelta(hours=1))
    expired = a_session(user, expires_at=NOW)
    async with database.begin() as tx:
        for session in (older, newer, expired):
            await tx.sessions.save(session)
    async with database.begin() as tx:
        assert await tx.sessions.find_live(user.id, NOW) == (newer, older)
        assert await tx.sessions.revoke(user.id, NOW, only=older.id) == 1
        assert await tx.sessions.find_live(user.id, NOW) == (newer,)
        assert await tx.sessions.revoke(user.id, NOW) == 1
        assert await tx.sessions.revoke(user.id, NOW) == 0


# --- categories ------------------------------------------------------------------


async def test_a_category_counts_what_is_published_in_it(database: Database) -> None:
    await keep_categories(database, "gears", "cams")
    user = await keep_user(database)
    gears = (CategoryId("gears"),)
    await keep(
        database, a_mechanism(user, categories=gears), a_mechanism(user, categories=gears, is_published=False)
    )
    async with database.read() as tx:
        counts = {one.category.id: one.mechanism_count for one in await tx.categories.find_all()}
    assert counts == {"gears": 1, "cams": 0}


async def test_a_category_in_use_is_not_deleted(database: Database) -> None:
    await keep_categories(database, "gears")
    user = await keep_user(database)
    await keep(database, a_mechanism(user, categories=(CategoryId("gears"),), is_published=False))
    with pytest.raises(CategoryInUse):
        async with database.begin() as tx:
            await tx.categories.delete(CategoryId("gears"))


async def test_an_identifier_of_a_category_is_given_once(database: Database) -> None:
    await keep_categories(database, "gears")
    with pytest.raises(NameTaken):
        await keep_categories(database, "gears")


# --- mechanisms ------------------------------------------------------------------


async def test_a_mechanism_comes_out_as_it_went_in(database: Database) -> None:
    await keep_categories(database, "gears", "cams")
    user = await keep_user(database)
    full = a_mechanism(
        user,
        title="遊星歯車 🦾 é",
        description="二行\nの\t説明",
        file_url="blob:media/x/1.mp4",
        thumbnail_url="blob:media/x/1.webp",
        preview_url="blob:media/x/2.webp",
        duration=1.07,
        updated_at=NOW + timedelta(microseconds=1),
        categories=(CategoryId("gears"), CategoryId("cams")),
        processing=Processing(
            state=ProcessingState.FAILED,
            failure=ProcessingFailure(code=FailureCode.TRUNCATED, detail="3 of 4"),
        ),
        media=MediaFacts(
            width=320,
            height=240,
            duration_ms=1070,
            frame_count=31,
            frame_rate=28.972,
            codec="gif",
            size=2**33,
            sha256="ab" * 32,
        ),
        original=OriginalFile(
            key="originals/x.gif", format=MediaFormat.GIF, size=2**33, sha256="cd" * 32, name="機.gif"
        ),
        withdrawn_reason="重複",
        is_published=False,
    )
    (saved,) = await keep(database, full)
    async with database.read() as tx:
        assert await tx.mechanisms.find_by_id(full.id) == saved == replace(full, version=1)
        (authored,) = await tx.mechanisms.find_authored([full.id])
    assert authored.mechanism == saved
    assert (authored.author.username, authored.author.display_name) == (user.username, "佐倉")


async def test_a_stale_or_deleted_mechanism_is_not_saved(database: Database) -> None:
    user = await keep_user(database)
    (saved,) = await keep(database, a_mechanism(user))
    await keep(database, replace(saved, title="newer"))
    with pytest.raises(StaleVersion):
        await keep(database, saved)
    async with database.begin() as tx:
        await tx.mechanisms.delete(saved.id, 2)
    with pytest.raises(StaleVersion):
        await keep(database, replace(saved, version=2))
    with pytest.raises(StaleVersion):
        async with database.begin() as tx:
            await tx.mechanisms.delete(saved.id, 2)


async def test_an_unknown_category_is_refused(database: Database) -> None:
    user = await keep_user(database)
    with pytest.raises(CategoryNotFound):
        await keep(database, a_mechanism(user, categories=(CategoryId("no-such"),)))


async def test_mechanisms_are_found_in_the_order_asked_for(database: Database) -> None:
    user = await keep_user(database)
    one, two, three = await keep(database, *(a_mechanism(user) for _ in range(3)))
    async with database.read() as tx:
        found = await tx.mechanisms.find_authored([three.id, MechanismId(new_id()), one.id])
        assert await tx.mechanisms.find_authored([]) == ()
    assert [item.mechanism.id for item in found] == [three.id, one.id]
    assert two.id not in [item.mechanism.id for item in found]


async def all_pages(database: Database, by_cursor: bool, sort: MechanismSort) -> list[Page]:  # type: ignore[type-arg]
    pages = []
    request: PageRequest | None = PageRequest(limit=3)
    while request is not None:
        async with database.read() as tx:
            page = await tx.mechanisms.find_all(request, sort=sort)
        pages.append(page)
        after = page.next if by_cursor else None
        request = PageRequest(page=request.page + 1, limit=3, after=after) if page.next else None
    return pages


@pytest.mark.parametrize("sort", MechanismSort)
@pytest.mark.parametrize("by_cursor", [True, False])
async def test_pages_show_each_once_in_order_though_keys_are_equal(
    database: Database, sort: MechanismSort, by_cursor: bool
) -> None:
    user = await keep_user(database)
    titles = ["b", "a", "歯", "Z", "a"]
    made = [
        a_mechanism(user, title=titles[number % 5], created_at=NOW + timedelta(microseconds=number // 4))
        for number in range(11)
    ]
    await keep(database, *made)
    pages = await all_pages(database, by_cursor, sort)
    listed = [item.mechanism for page in pages for item in page.items]
    keys = {
        MechanismSort.TITLE: lambda one: (one.title, one.id),
        MechanismSort.RECENTLY_CHANGED: lambda one: (one.updated_at, one.id),
    }
    key = keys.get(sort, lambda one: (one.created_at, one.id))
    expected = sorted(made, key=key, reverse=sort.value.startswith("-"))
    assert [one.id for one in listed] == [one.id for one in expected]
    assert [page.total for page in pages] == [11] * 4
    assert [len(page.items) for page in pages] == [3, 3, 3, 2]


async def test_lists_are_narrowed_by_category_user_and_publication(database: Database) -> None:
    await keep_categories(database, "gears", "cams")
    mine, other = await keep_user(database), await keep_user(database)
    gears, cams = CategoryId("gears"), CategoryId("cams")
    a, b, c = await keep(
        database,
        a_mechanism(mine, categories=(gears,)),
        a_mechanism(mine, categories=(cams, gears), is_published=False),
        a_mechanism(other, categories=(cams,)),
    )

    async def found(**narrowed: object) -> set[str]:
        async with database.read() as tx:
            page = await tx.mechanisms.find_all(PageRequest(), **narrowed)  # type: ignore[arg-type]
        assert page.total == len(page.items)
        return {item.mechanism.id for item in page.items}

    assert await found() == {a.id, c.id}
    assert await found(category_ids=[gears, cams]) == {a.id, c.id}
    assert await found(category_ids=[gears]) == {a.id}
    assert await found(user_id=mine.id) == {a.id}
    assert await found(user_id=mine.id, published_only=False) == {a.id, b.id}
    assert await found(category_ids=[cams], published_only=False) == {b.id, c.id}
    assert await found(category_ids=[CategoryId("no-such")]) == set()


async def test_the_oldest_mechanism_of_a_file_is_found(database: Database) -> None:
    user, other = await keep_user(database), await keep_user(database)
    file = OriginalFile(key="originals/x.gif", format=MediaFormat.GIF, size=1, sha256="ab" * 32, name="x")
    newer, older, _ = await keep(
        database,
        a_mechanism(user, original=file, created_at=NOW + timedelta(seconds=1)),
        a_mechanism(user, original=file),
        a_mechanism(other, original=file),
    )
    async with database.read() as tx:
        assert await tx.mechanisms.find_by_original(user.id, "ab" * 32) == older
        assert await tx.mechanisms.find_by_original(user.id, "00" * 32) is None
    assert newer != older


# --- the job ledger ---------------------------------------------------------------


async def promise(database: Database, number: int = 1, subject: str = "m") -> list[Job]:
    jobs = [
        new_job(JobId(new_id()), JobKind.PROCESS_MECHANISM_FILE, subject, now=NOW, request_id="r")
        for _ in range(number)
    ]
    async with database.begin() as tx:
        for job in jobs:
            await tx.ledger.add(job)
    return jobs


async def claim(database: Database, lease: timedelta = LEASE) -> Job | None:
    async with database.begin() as tx:
        return await tx.ledger.claim(lease)


async def test_a_job_is_claimed_under_a_new_fence(database: Database) -> None:
    (job,) = await promise(database)
    claimed = await claim(database)
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.attempt, claimed.fence) == (job.id, JobState.RUNNING, 1, 1)
    assert claimed.request_id == "r"
    assert await claim(database) is None


async def test_however_many_claim_each_job_goes_to_one(database: Database) -> None:
    jobs = await promise(database, 10)
    claimed = await asyncio.gather(*(claim(database) for _ in range(15)))
    assert sorted(job.id for job in claimed if job) == sorted(job.id for job in jobs)


async def test_under_an_old_fence_nothing_changes(database: Database) -> None:
    await promise(database)
    first = await claim(database)
    assert first is not None
    async with database.begin() as tx:
        assert await tx.ledger.postpone(first.id, first.fence, timedelta(0))
    second = await claim(database)
    assert second is not None
    async with database.begin() as tx:
        assert not await tx.ledger.renew(first.id, first.fence, LEASE, "late", 1.0)
        assert not await tx.ledger.finish(first.id, first.fence, JobState.DONE)
        assert not await tx.ledger.postpone(first.id, first.fence, timedelta(0))
        assert await tx.jobs.find_by_id(first.id) == second
        assert await tx.ledger.renew(second.id, second.fence, LEASE, "video", 0.5)
        assert await tx.ledger.finish(second.id, second.fence, JobState.DONE)
        assert not await tx.ledger.finish(second.id, second.fence, JobState.DONE)
        ended = await tx.jobs.find_by_id(first.id)
    assert ended is not None
    assert (ended.state, ended.attempt, ended.step, ended.progress) == (JobState.DONE, 2, "video", 1.0)
    assert ended.ended_at is not None


async def test_a_postponed_job_is_not_due_before_its_time_and_keeps_its_reason(database: Database) -> None:
    await promise(database)
    job = await claim(database)
    assert job is not None
    failure = ProcessingFailure(code=FailureCode.CRASHED, detail="exit status 1")
    async with database.begin() as tx:
        await tx.ledger.postpone(job.id, job.fence, timedelta(hours=1), failure)
        waiting = await tx.jobs.find_by_id(job.id)
    assert waiting is not None
    assert (waiting.state, waiting.failure) == (JobState.QUEUED, failure)
    assert await claim(database) is None


async def test_an_expired_lease_is_found_and_a_live_one_is_not(database: Database) -> None:
    await promise(database, 2)
    expired = await claim(database, timedelta(milliseconds=-1))
    live = await claim(database)
    assert expired is not None
    assert live is not None
    async with database.read() as tx:
        assert [job.id for job in await tx.ledger.find_expired(10)] == [expired.id]


async def test_a_cancelled_job_is_nobodys(database: Database) -> None:
    (job,) = await promise(database)
    running = await claim(database)
    assert running is not None
    async with database.begin() as tx:
        assert await tx.jobs.cancel("m", JobKind.PROCESS_MECHANISM_FILE) == 1
        assert await tx.jobs.cancel("m", JobKind.PROCESS_MECHANISM_FILE) == 0
        assert not await tx.ledger.finish(job.id, running.fence, JobState.DONE)
        assert await tx.jobs.count_by_state() == {(JobKind.PROCESS_MECHANISM_FILE, JobState.CANCELLED): 1}


async def test_the_latest_job_for_a_subject_is_found_and_all_are_listed(database: Database) -> None:
    first, second = await promise(database, 2)
    await promise(database, 1, subject="other")
    async with database.read() as tx:
        latest = await tx.jobs.find_latest(JobKind.PROCESS_MECHANISM_FILE, "m")
        assert latest is not None
        assert latest.id == max(first.id, second.id)
        assert await tx.jobs.find_latest(JobKind.INDEX_MECHANISM, "m") is None
        assert (await tx.jobs.find_all(PageRequest(), state=JobState.QUEUED)).total == 3
        assert (await tx.jobs.find_all(PageRequest(), state=JobState.DONE)).total == 0


# --- receipts and audit -----------------------------------------------------------


def a_receipt(scope: str = "s", at: datetime = NOW) -> Receipt:
    return Receipt(scope=scope, key="key", fingerprint="f", answer=b"\x00\xff", created_at=at)


async def test_a_receipt_is_kept_once(database: Database) -> None:
    async with database.begin() as tx:
        await tx.receipts.add(a_receipt())
        assert await tx.receipts.find("s", "key") == a_receipt()
        assert await tx.receipts.find("other", "key") is None
    with pytest.raises(IdempotencyKeyReused):
        async with database.begin() as tx:
            await tx.receipts.add(a_receipt())


async def test_old_receipts_go(database: Database) -> None:
    async with database.begin() as tx:
        await tx.receipts.add(a_receipt("old", NOW - timedelta(days=2)))
        await tx.receipts.add(a_receipt("new"))
        assert await tx.receipts.delete_older(NOW - timedelta(days=1)) == 1
        assert await tx.receipts.find("new", "key") is not None


async def test_failed_sign_ins_are_counted_by_name_and_by_address_since_a_time(database: Database) -> None:
    def entry(action: AuditAction, at: datetime, subject: str, address: str) -> AuditEntry:
        return AuditEntry(
            id=new_id(), at=at, action=action, actor_id=None, subject=subject, address=address, detail="d"
        )

    failed = AuditAction.SIGN_IN_FAILED
    async with database.begin() as tx:
        await tx.audit.add(entry(failed, NOW, "a", "1.1.1.1"))
        await tx.audit.add(entry(failed, NOW, "b", "1.1.1.1"))
        await tx.audit.add(entry(failed, NOW - timedelta(hours=1), "a", "1.1.1.1"))
        await tx.audit.add(entry(AuditAction.SIGNED_IN, NOW, "a", "1.1.1.1"))
    async with database.read() as tx:
        assert await tx.audit.failed_sign_ins(NOW, subject="a") == 1
        assert await tx.audit.failed_sign_ins(NOW, address="1.1.1.1") == 2
        assert await tx.audit.failed_sign_ins(NOW - timedelta(days=1), subject="a") == 2
        assert (await tx.audit.find_all(PageRequest(limit=2))).total == 4

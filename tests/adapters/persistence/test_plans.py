"""The query plans of PostgreSQL over 100,000 rows: frequent API requests use an index."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import Engine, event

from mechshare.adapters.persistence.sql.database import SqlDatabase
from mechshare.domain.blobs import BlobFacts, OwnerKind
from mechshare.domain.ids import CategoryId, JobId, MechanismId, SessionId, UserId
from mechshare.domain.jobs import JobKind
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.notifications import Notification, NotificationId, NotificationKind
from mechshare.domain.pagination import Page, PageRequest, Position
from mechshare.domain.visibility import EVERYTHING, ListScope
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.testing.persistence.values import NOW
from tests.servers import SERVER_TIMEOUT, postgresql_database

ROWS = 100_000
FILL = f"""
CREATE FUNCTION pg_temp.id(kind int, number bigint) RETURNS uuid LANGUAGE sql AS
  $$ SELECT ('01900000-0000-7' || lpad(kind::text, 3, '0') || '-8000-' || lpad(to_hex(number), 12, '0'))::uuid $$;
INSERT INTO users SELECT pg_temp.id(1, n), 'user' || n, 'user' || n || '@example.com', 'User', '', 'user', NULL,
  timestamptz '2026-01-01' + n * interval '1 second', timestamptz '2026-01-01', 1 FROM generate_series(1, {ROWS}) n;
INSERT INTO sessions SELECT pg_temp.id(2, n), pg_temp.id(1, n), now(), now(), now() + interval '1 day', NULL, '', ''
  FROM generate_series(1, {ROWS}) n;
INSERT INTO refresh_tokens SELECT 'hash' || n, pg_temp.id(2, n), now(), NULL FROM generate_series(1, {ROWS}) n;
INSERT INTO categories SELECT 'category-' || n, 'c', 'c', now(), now(), 1 FROM generate_series(1, 20) n;
INSERT INTO mechanisms (id, user_id, title, description, created_at, updated_at, is_published, is_restricted,
  visibility, processing_state, original_sha256, version)
  SELECT pg_temp.id(3, n), pg_temp.id(1, n % 1000 + 1), '歯車 ' || md5(n::text), repeat('linkage ', 30),
  timestamptz '2026-01-01' + n * interval '1 second',
  timestamptz '2026-01-01' + (n * 7919 % {ROWS}) * interval '1 second',
  n % 10 > 0, n % 20 = 0, CASE WHEN n % 40 = 0 THEN 'internal' WHEN n % 40 = 20 THEN 'private' ELSE 'public' END,
  'ready', md5(n::text), 1 FROM generate_series(1, {ROWS}) n;
INSERT INTO groups SELECT pg_temp.id(6, n), 'group ' || n, now(), now(), 1 FROM generate_series(1, 1000) n;
INSERT INTO memberships SELECT pg_temp.id(6, n % 1000 + 1), pg_temp.id(1, n), 'member', now()
  FROM generate_series(1, {ROWS}) n;
INSERT INTO memberships SELECT pg_temp.id(6, n), pg_temp.id(1, 77), 'member', now()
  FROM generate_series(1, 50) n ON CONFLICT DO NOTHING;
INSERT INTO shares SELECT pg_temp.id(3, 40 * m + 20), 'group', pg_temp.id(6, (m * 7 + k) % 1000 + 1), 'read',
  pg_temp.id(1, 1), now() FROM generate_series(0, 2499) m, generate_series(1, 40) k;
INSERT INTO mechanism_categories SELECT 'category-' || (n % 20 + 1), pg_temp.id(3, n), 0,
  timestamptz '2026-01-01' + n * interval '1 second', n % 10 > 0 FROM generate_series(1, {ROWS}) n;
INSERT INTO blob_references SELECT 'originals/' || n, 'mechanism', pg_temp.id(3, n), 'original',
  CASE WHEN n % 1000 > 0 THEN n END, NULL, now() FROM generate_series(1, {ROWS}) n;
INSERT INTO jobs SELECT pg_temp.id(4, n), 'index_mechanism', pg_temp.id(3, n)::text,
  CASE WHEN n % 1000 = 0 THEN 'queued' WHEN n % 1000 = 1 THEN 'running' ELSE 'done' END,
  1, 1, now(), now(), '', 1, NULL, '', timestamptz '2026-01-01' + n * interval '1 second', NULL
  FROM generate_series(1, {ROWS}) n;
INSERT INTO receipts SELECT 'scope' || n, 'key', '', '', now() FROM generate_series(1, {ROWS}) n;
INSERT INTO audit SELECT pg_temp.id(5, n), now(), CASE WHEN n % 50 = 0 THEN 'sign_in_failed' ELSE 'signed_in' END, NULL,
  'user' || n, '10.0.0.' || n % 250, '', '' FROM generate_series(1, {ROWS}) n;
INSERT INTO notifications SELECT pg_temp.id(7, n), pg_temp.id(1, 77), 'like', pg_temp.id(3, n), NULL, '', now(), NULL
  FROM generate_series(1, {ROWS}) n;
"""
LARGE = "users|sessions|refresh_tokens|mechanisms|mechanism_categories|blob_references|jobs|receipts|audit"
LARGE += "|shares|memberships"
USER, SESSION, MECHANISM, JOB = (
    f"01900000-0000-7{kind:03}-8000-{number:012x}" for kind, number in ((1, 77), (2, 77), (3, 777), (4, 777))
)
DEEP = PageRequest(
    after=Position(key=NOW.replace(month=1, day=1, hour=11), id=f"01900000-0000-7003-8000-{40_000:012x}")
)
OF_CATEGORY = MechanismFilter(category_ids=(CategoryId("category-7"),))
OF_CATEGORIES = MechanismFilter(category_ids=(CategoryId("category-7"), CategoryId("category-8")))
OF_USER = MechanismFilter(user_id=UserId(USER))
READER = ListScope(reader=UserId(USER))
"""Who belongs to 50 groups."""
Step = Callable[[UnitOfWork], Awaitable[Any]]
HOT: dict[str, Step] = {
    "mechanism": lambda tx: tx.mechanisms.find_by_id(MechanismId(MECHANISM)),
    "mechanism and author": lambda tx: tx.mechanisms.find_authored([MechanismId(MECHANISM)]),
    "several mechanisms": lambda tx: tx.mechanisms.find_authored(
        [MechanismId(f"01900000-0000-7003-8000-{number:012x}") for number in range(1, 21)]
    ),
    "same original": lambda tx: tx.mechanism_files.find_by_original(UserId(USER), "x"),
    "unfinished clips": lambda tx: tx.mechanism_files.count_unfinished(UserId(USER)),
    **{
        f"first page, {sort.value}": lambda tx, sort=sort: tx.mechanisms.find_all(PageRequest(), sort=sort)
        for sort in MechanismSort
    },
    "deep": lambda tx: tx.mechanisms.find_all(DEEP),
    **{
        f"first page for a reader, {sort.value}": lambda tx, sort=sort: tx.mechanisms.find_all(
            PageRequest(), sort=sort, scope=READER
        )
        for sort in MechanismSort
    },
    "deep for a reader": lambda tx: tx.mechanisms.find_all(DEEP, scope=READER),
    "deep by number for a reader": lambda tx: tx.mechanisms.find_all(PageRequest(page=2000), scope=READER),
    "public of a user": lambda tx: tx.mechanisms.find_all(PageRequest(), OF_USER),
    "of a user for a reader": lambda tx: tx.mechanisms.find_all(PageRequest(), OF_USER, scope=READER),
    "private mechanisms of categories": lambda tx: tx.categories.count_restricted(UserId(USER)),
    "internal mechanisms of categories": lambda tx: tx.categories.count_restricted(),
    "access": lambda tx: tx.shares.find_access(UserId(USER), [MechanismId(MECHANISM)]),
    "shares": lambda tx: tx.shares.find_all([MechanismId(MECHANISM)]),
    "groups of a user": lambda tx: tx.memberships.find_of_user(UserId(USER)),
    "deep by number": lambda tx: tx.mechanisms.find_all(PageRequest(page=2000)),
    "deep in a category": lambda tx: tx.mechanisms.find_all(DEEP, OF_CATEGORY),
    "deep in categories": lambda tx: tx.mechanisms.find_all(DEEP, OF_CATEGORIES),
    "of categories": lambda tx: tx.mechanisms.find_all(PageRequest(), OF_CATEGORIES),
    "of a category": lambda tx: tx.mechanisms.find_all(PageRequest(), OF_CATEGORY),
    "words": lambda tx: tx.mechanisms.find_all(PageRequest(), words=["linkage", "ab"], among=2_000),
    "of a user": lambda tx: tx.mechanisms.find_all(PageRequest(), OF_USER, scope=EVERYTHING),
    "all of a user": lambda tx: tx.mechanism_bulk.find(user_id=UserId(USER), limit=1_000),
    "all of a category": lambda tx: tx.mechanism_bulk.find(category_id=CategoryId("category-7"), limit=1_000),
    "new versions": lambda tx: tx.mechanism_bulk.renew([MechanismId(MECHANISM)]),
    "file": lambda tx: tx.blob_references.find_by_key("originals/777"),
    "files": lambda tx: tx.blob_references.find_referenced([f"originals/{n}" for n in range(500)]),
    "unmeasured files": lambda tx: tx.blob_references.find_unmeasured(limit=100, after="originals/5"),
    "measured file": lambda tx: tx.blob_references.set_facts(
        BlobFacts(key="originals/1000", size=1, sha256="x")
    ),
    "files to verify": lambda tx: tx.blob_verifications.find_unverified(NOW, limit=20),
    "damaged files": lambda tx: tx.blob_verifications.find_damaged(limit=100),
    "verified file": lambda tx: tx.blob_verifications.set_verified("originals/1001", NOW, None),
    "files of a mechanism": lambda tx: tx.blob_references.delete_of(OwnerKind.MECHANISM, [MECHANISM]),
    "user": lambda tx: tx.users.find_by_id(UserId(USER)),
    "sign-in": lambda tx: tx.users.find_by_login("user77@example.com"),
    "session": lambda tx: tx.sessions.find_by_id(SessionId(SESSION)),
    "sessions of a user": lambda tx: tx.sessions.find_of_user(UserId(USER), live_at=NOW),
    "refresh": lambda tx: tx.sessions.consume_token("hash77", NOW),
    "failed sign-ins of a name": lambda tx: tx.audit.failed_sign_ins(NOW, NOW, subject="user50"),
    "failed sign-ins from an address": lambda tx: tx.audit.failed_sign_ins(NOW, NOW, address="10.0.0.7"),
    "receipt": lambda tx: tx.idempotency_records.find("scope7", "key"),
    "claim": lambda tx: tx.ledger.claim(timedelta(seconds=15)),
    "claim some of a kind": lambda tx: tx.job_batches.claim(
        JobKind.INDEX_MECHANISM, timedelta(seconds=15), limit=100
    ),
    "end some": lambda tx: tx.job_batches.finish([(JobId(JOB), 1)]),
    "expired leases": lambda tx: tx.ledger.find_expired(100),
    "latest job": lambda tx: tx.jobs.find_latest(JobKind.INDEX_MECHANISM, MECHANISM),
    "latest jobs of many": lambda tx: tx.jobs.find_latest(JobKind.INDEX_MECHANISM, MECHANISM, "other"),
    "undone jobs": lambda tx: tx.undone_jobs.find_subjects(JobKind.INDEX_MECHANISM, 1_001),
    "failed jobs of a kind": lambda tx: tx.undone_jobs.revive(JobKind.INDEX_MECHANISM),
    "cancel": lambda tx: tx.jobs.cancel(JobKind.INDEX_MECHANISM, MECHANISM),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled() -> AsyncIterator[str]:
    """The URL of a filled database. All tests share it: filling one takes half a minute on a busy machine."""
    async with postgresql_database() as url:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(FILL)
            await connection.execute("VACUUM ANALYZE")
        yield url


@pytest.fixture
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Records the executed statements with their parameters."""
    statements: list[tuple[str, Any]] = []

    def remember(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        statements.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", remember)
    yield statements
    event.remove(Engine, "before_cursor_execute", remember)


async def _plan(connection: psycopg.AsyncConnection[Any], statement: str, parameters: Any) -> str:
    found = await connection.execute("EXPLAIN (FORMAT JSON) " + statement, parameters)
    return json.dumps(await found.fetchone())


async def test_no_frequent_query_scans_a_whole_table(filled: str, statements: list[tuple[str, Any]]) -> None:
    database = SqlDatabase(filled, timeout=SERVER_TIMEOUT)
    at_fault: dict[str, Any] = {}
    try:
        async with await psycopg.AsyncConnection.connect(filled, autocommit=True) as connection:
            for name, step in HOT.items():
                statements.clear()
                async with database.begin() as tx:
                    found = await step(tx)
                if isinstance(found, Page) and len(statements) > 1:
                    at_fault[name] = f"{len(statements)} statements for a page"
                for statement, parameters in [
                    one for one in statements if one[0].startswith(("SELECT", "UPDATE", "WITH"))
                ]:
                    plan = await _plan(connection, statement, parameters)
                    if re.search(rf'"Seq Scan"[^{{}}]*"Relation Name": "({LARGE})"', plan):
                        at_fault[name] = statement
    finally:
        await database.close()
    assert at_fault == {}


async def test_pages_use_a_generic_plan(filled: str, statements: list[tuple[str, Any]]) -> None:
    known = {"counted": ROWS}
    pages = (
        PageRequest(**known),
        PageRequest(page=9, **known),
        replace(DEEP, **known),
    )
    database = SqlDatabase(filled, timeout=SERVER_TIMEOUT)
    async with database.read() as tx:
        for page in pages:
            await tx.mechanisms.find_all(page)
            await tx.mechanisms.find_all(page, OF_CATEGORY)
            await tx.mechanisms.find_all(page, OF_CATEGORIES)
    await database.close()
    async with await psycopg.AsyncConnection.connect(filled, autocommit=True) as connection:
        for statement, parameters in statements[-3 * len(pages) :]:
            for _ in range(20):
                await connection.execute(statement, parameters, prepare=True)
        found = await connection.execute("SELECT custom_plans FROM pg_prepared_statements")
        # PostgreSQL makes five custom plans before it chooses the generic one.
        assert await found.fetchall() == [(5,)] * 3 * len(pages)


async def test_the_public_list_of_a_user_reads_no_drafts(
    filled: str, statements: list[tuple[str, Any]]
) -> None:
    database = SqlDatabase(filled, timeout=SERVER_TIMEOUT)
    async with database.read() as tx:
        await tx.mechanisms.find_all(PageRequest(), OF_USER)
    await database.close()
    statement, parameters = statements[-1]
    async with await psycopg.AsyncConnection.connect(filled, autocommit=True) as connection:
        plan = await _plan(connection, statement, parameters)
    indexes = re.findall(r'"Index Name": "(ix_mechanisms_\w+)"', plan)
    without_drafts = {"ix_mechanisms_public_of_user", "ix_mechanisms_published_of_user"}
    assert indexes
    assert set(indexes) <= without_drafts


async def test_a_digest_is_found_among_any_number_of_unread_notifications(
    filled: str, statements: list[tuple[str, Any]]
) -> None:
    user, like, follow = UserId(USER), NotificationKind.LIKE, NotificationKind.FOLLOW
    digest = Notification(
        id=NotificationId(f"01900000-0000-7008-8000-{1:012x}"),
        user_id=user,
        kind=like,
        mechanism_id=MechanismId(MECHANISM),
        actor_id=None,
        subject="",
        created_at=NOW,
    )
    database = SqlDatabase(filled, timeout=SERVER_TIMEOUT)
    async with database.begin() as tx:
        await tx.notifications.add(digest)
        await tx.notifications.add(replace(digest, kind=follow, mechanism_id=None))
        await tx.notifications.delete_empty(user, like, MechanismId(MECHANISM))
        await tx.notifications.delete_empty(user, follow)
    await database.close()
    async with await psycopg.AsyncConnection.connect(filled, autocommit=True) as connection:
        about = [one for one in statements if re.match("(INSERT INTO|DELETE FROM) notifications", one[0])]
        plans = [await _plan(connection, *one) for one in about]
    used = [re.findall(r'"Index Name": "(ix_notifications_\w+)"', plan) for plan in plans]
    assert used == [[name] for name in ["ix_notifications_about", "ix_notifications_unread_follows"] * 2]

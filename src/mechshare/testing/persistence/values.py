"""Test data that the contract suites of databases share."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from mechshare.domain.audit import AuditAction, AuditEntry
from mechshare.domain.categories import Category
from mechshare.domain.idempotency import IdempotencyRecord
from mechshare.domain.ids import CategoryId, JobId, MechanismId, SessionId, UserId
from mechshare.domain.jobs import Job, JobKind, new_job
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.processing import READY
from mechshare.domain.sessions import Session
from mechshare.domain.users import User
from mechshare.ports.persistence.database import Database

NOW = datetime(2026, 3, 4, 5, 6, 7, 123457, tzinfo=UTC)
LEASE = timedelta(minutes=1)
_numbers = count(1)


def new_id() -> str:
    return f"01900000-0000-7000-8000-{next(_numbers):012x}"


def a_user(name: str = "", **changes: object) -> User:
    id = new_id()
    name = name or f"u{id[-8:]}"
    entity = User(
        id=UserId(id),
        username=name,
        email=f"{name}@example.com",
        display_name="佐倉",
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(entity, **changes)  # type: ignore[arg-type]


def a_session(user: User, **changes: object) -> Session:
    entity = Session(
        id=SessionId(new_id()),
        user_id=user.id,
        created_at=NOW,
        last_used_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )
    return replace(entity, **changes)  # type: ignore[arg-type]


def a_category(id: str, **changes: object) -> Category:
    entity = Category(id=CategoryId(id), name_en=id, name_ja=id, created_at=NOW, updated_at=NOW)
    return replace(entity, **changes)  # type: ignore[arg-type]


def a_mechanism(user: User, **changes: object) -> Mechanism:
    entity = Mechanism(
        id=MechanismId(new_id()),
        title="歯車",
        description="",
        user_id=user.id,
        created_at=NOW,
        updated_at=NOW,
        processing=READY,
        is_published=True,
    )
    return replace(entity, **changes)  # type: ignore[arg-type]


def an_idempotency_record(scope: str = "s", at: datetime = NOW, key: str = "key") -> IdempotencyRecord:
    return IdempotencyRecord(scope=scope, key=key, fingerprint="f", response=b"\x00\xff", created_at=at)


def an_entry(action: AuditAction = AuditAction.DENIED, at: datetime = NOW, **changes: str) -> AuditEntry:
    entity = AuditEntry(id=new_id(), at=at, action=action, actor_id=None, subject="", detail="d")
    return replace(entity, **changes)  # type: ignore[arg-type]


async def save_user(database: Database, name: str = "", **changes: object) -> User:
    async with database.begin() as tx:
        return await tx.users.save(a_user(name, **changes))


async def save_categories(database: Database, *ids: str) -> None:
    async with database.begin() as tx:
        for id in ids:
            await tx.categories.save(a_category(id))


async def save_mechanisms(database: Database, *mechanisms: Mechanism) -> list[Mechanism]:
    async with database.begin() as tx:
        return [(await tx.mechanisms.save(mechanism)).mechanism for mechanism in mechanisms]


async def enqueue(database: Database, number: int = 1, subject: str = "m") -> list[Job]:
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

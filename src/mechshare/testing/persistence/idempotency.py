"""What every database promises of receipts and the audit log."""

import asyncio
from datetime import datetime, timedelta

import pytest

from mechshare.domain.audit import AuditAction, AuditEntry
from mechshare.domain.errors import IdempotencyKeyReused
from mechshare.domain.pagination import EXACT_TOTAL, PageRequest
from mechshare.ports.persistence.database import Database
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import NOW, an_entry, an_idempotency_record, new_id


async def test_a_receipt_is_kept_once(database: Database) -> None:
    async with database.begin() as tx:
        await tx.idempotency_records.add(an_idempotency_record())
        assert await tx.idempotency_records.find("s", "key") == an_idempotency_record()
        assert await tx.idempotency_records.find("other", "key") is None
    with pytest.raises(IdempotencyKeyReused):
        async with database.begin() as tx:
            await tx.idempotency_records.add(an_idempotency_record())


async def test_old_receipts_go(database: Database) -> None:
    async with database.begin() as tx:
        await tx.idempotency_records.add(an_idempotency_record("old", NOW - timedelta(days=2)))
        await tx.idempotency_records.add(an_idempotency_record("new"))
        assert await tx.idempotency_records.delete_older(NOW - timedelta(days=1), limit=9) == 1
        assert await tx.idempotency_records.find("old", "key") is None
        assert await tx.idempotency_records.find("new", "key") is not None


async def test_no_more_receipts_are_deleted_at_a_time_than_are_asked_for(database: Database) -> None:
    names = [(scope, key) for scope in ("one", "other") for key in ("a", "b")]
    async with database.begin() as tx:
        for scope, key in names:
            await tx.idempotency_records.add(an_idempotency_record(scope, key=key))
    async with database.begin() as tx:
        assert await tx.idempotency_records.delete_older(NOW + timedelta(days=1), limit=3) == 3
        assert len([name for name in names if await tx.idempotency_records.find(*name)]) == 1
        assert await tx.idempotency_records.delete_older(NOW + timedelta(days=1), limit=3) == 1
        assert await tx.idempotency_records.delete_older(NOW + timedelta(days=1), limit=3) == 0


async def test_one_old_receipt_can_go_alone_and_its_key_is_free_again(database: Database) -> None:
    async with database.begin() as tx:
        await tx.idempotency_records.add(an_idempotency_record())
        await tx.idempotency_records.add(an_idempotency_record(key="another"))
        assert not await tx.idempotency_records.delete_expired("s", "key", older=NOW)
        assert await tx.idempotency_records.delete_expired("s", "key", older=NOW + timedelta(days=1))
        assert not await tx.idempotency_records.delete_expired("s", "key", older=NOW + timedelta(days=1))
        await tx.idempotency_records.add(an_idempotency_record())
        assert await tx.idempotency_records.find("s", "another") is not None


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


async def test_of_many_who_bring_one_key_one_leaves_a_receipt(database: Database) -> None:
    async def bring() -> bool:
        try:
            async with database.begin() as tx:
                await tx.idempotency_records.add(an_idempotency_record())
        except IdempotencyKeyReused:
            return False
        return True

    async with bounded():
        assert sum(await asyncio.gather(*(bring() for _ in range(10)))) == 1


async def test_a_key_counts_within_its_scope(database: Database) -> None:
    async with database.begin() as tx:
        await tx.idempotency_records.add(an_idempotency_record("one"))
        await tx.idempotency_records.add(an_idempotency_record("other"))
        await tx.idempotency_records.add(an_idempotency_record("one", key="another"))
        assert await tx.idempotency_records.find("other", "another") is None
        assert await tx.idempotency_records.delete_older(NOW, limit=9) == 0
        assert await tx.idempotency_records.delete_older(NOW + timedelta(microseconds=1), limit=9) == 3


async def test_the_audit_log_is_listed_newest_first_as_it_was_written(database: Database) -> None:
    entries = [
        an_entry(
            list(AuditAction)[number],
            NOW + timedelta(microseconds=number // 3),
            subject="佐倉",
            address="2001:db8::1",
            request_id="r",
            actor_id=new_id(),
        )
        for number in range(8)
    ]
    async with database.begin() as tx:
        for entry in entries:
            await tx.audit.add(entry)
    async with database.read() as tx:
        first = await tx.audit.find_all(PageRequest(limit=5))
        rest = await tx.audit.find_all(PageRequest(limit=5, after=first.next))
    assert [*first.items, *rest.items] == sorted(
        entries, key=lambda entry: (entry.at, entry.id), reverse=True
    )
    assert rest.next is None


async def test_totals_are_exact_up_to_their_bound_and_say_when_they_are_not(database: Database) -> None:
    async with database.begin() as tx:
        for _ in range(EXACT_TOTAL):
            await tx.audit.add(an_entry())
    async with database.read() as tx:
        full = await tx.audit.find_all(PageRequest(limit=1))
    async with database.begin() as tx:
        await tx.audit.add(an_entry())
    async with database.read() as tx:
        over = await tx.audit.find_all(PageRequest(limit=1))
    assert (full.total, full.total_is_exact) == (EXACT_TOTAL, True)
    assert (over.total, over.total_is_exact) == (EXACT_TOTAL, False)

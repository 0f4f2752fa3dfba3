"""The contract suite of databases: the audit log."""

from dataclasses import replace
from datetime import datetime, timedelta

from mechshare.domain.audit import AuditAction, AuditEntry, AuditFilter
from mechshare.domain.ids import UserId
from mechshare.domain.pagination import EXACT_TOTAL, PageRequest
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.values import NOW, an_entry, new_id


async def test_failed_sign_ins_since_a_time_are_counted_by_name_and_by_address(database: Database) -> None:
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
        assert await tx.audit.failed_sign_ins(NOW, NOW, subject="a") == 1
        assert await tx.audit.failed_sign_ins(NOW, NOW, address="1.1.1.1") == 2
        assert await tx.audit.failed_sign_ins(NOW - timedelta(days=1), NOW, subject="a") == 2
        assert (
            await tx.audit.failed_sign_ins(NOW - timedelta(days=1), NOW - timedelta(minutes=1), subject="a")
            == 1
        )
        assert (await tx.audit.find_all(PageRequest(limit=2))).total == 4


async def test_the_names_and_addresses_of_a_person_are_erased_and_nothing_else(database: Database) -> None:
    mika, other = UserId(new_id()), UserId(new_id())

    def entry(actor_id: UserId | None, subject: str) -> AuditEntry:
        return AuditEntry(
            id=new_id(),
            at=NOW,
            action=AuditAction.SIGN_IN_FAILED,
            actor_id=actor_id,
            subject=subject,
            address="192.0.2.1",
            detail="d",
        )

    signed_in, edited = entry(mika, "mika"), entry(mika, "a mechanism")
    guessed, of_other, by_admin = entry(None, "m@example.com"), entry(None, "ren"), entry(other, mika)
    written = (signed_in, edited, guessed, of_other, by_admin)
    async with database.begin() as tx:
        for one in written:
            await tx.audit.add(one)
        await tx.audit.erase_person(mika, ("mika", "m@example.com"))
    async with database.read() as tx:
        stored = {one.id: one for one in (await tx.audit.find_all(PageRequest(limit=100))).items}
    assert [stored[one.id] for one in written] == [
        replace(signed_in, subject=mika, address=""),
        replace(edited, address=""),
        replace(guessed, subject=mika, address=""),
        of_other,
        by_admin,
    ]


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


async def test_entries_are_found_by_every_condition_and_their_combination(database: Database) -> None:
    actor = new_id()
    first = an_entry(AuditAction.DENIED, NOW, subject="s", address="a", actor_id=actor)
    second = an_entry(AuditAction.DENIED, NOW + timedelta(hours=1), subject="t", address="b")
    third = an_entry(AuditAction.SIGNED_IN, NOW + timedelta(hours=2), subject="s", address="b")
    async with database.begin() as tx:
        for entry in (first, second, third):
            await tx.audit.add(entry)
    cases = {
        AuditFilter(): [third, second, first],
        AuditFilter(action=AuditAction.DENIED): [second, first],
        AuditFilter(actor_id=UserId(actor)): [first],
        AuditFilter(subject="s"): [third, first],
        AuditFilter(address="b", action=AuditAction.DENIED): [second],
        AuditFilter(since=second.at): [third, second],
        AuditFilter(until=second.at): [first],
        AuditFilter(subject="s", until=NOW): [],
    }
    async with database.read() as tx:
        for conditions, expected in cases.items():
            assert list((await tx.audit.find_all(PageRequest(), conditions)).items) == expected


async def test_old_entries_are_deleted_in_batches_the_oldest_first(database: Database) -> None:
    entries = [an_entry(AuditAction.DENIED, NOW + timedelta(hours=number)) for number in range(4)]
    async with database.begin() as tx:
        for entry in reversed(entries):
            await tx.audit.add(entry)
        assert await tx.audit.delete_older(entries[3].at, limit=2) == 2
    async with database.read() as tx:
        assert list((await tx.audit.find_all(PageRequest())).items) == [entries[3], entries[2]]
    async with database.begin() as tx:
        assert await tx.audit.delete_older(entries[3].at, limit=2) == 1
        assert await tx.audit.delete_older(entries[3].at, limit=2) == 0


async def test_totals_are_exact_up_to_a_bound_and_marked_inexact_beyond(database: Database) -> None:
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

"""The contract suite of databases: users and credentials."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from mechshare.domain.errors import NameTaken, StaleVersion, UserNotFound
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import JobKind, JobState, new_job
from mechshare.domain.pagination import PageRequest
from mechshare.domain.sessions import RefreshToken
from mechshare.domain.users import Role
from mechshare.ports.persistence.database import Database
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import (
    NOW,
    a_mechanism,
    a_session,
    a_user,
    an_idempotency_record,
    new_id,
    save_mechanisms,
    save_user,
)


async def test_users_are_found_by_name_and_by_email(database: Database) -> None:
    user = await save_user(database, "sakura")
    async with database.read() as tx:
        assert await tx.users.find_by_login("sakura") == user
        assert await tx.users.find_by_login("sakura@example.com") == user
        assert await tx.users.find_by_login("other") is None


async def test_a_user_name_of_64_characters_of_any_script_is_found(database: Database) -> None:
    user = await save_user(database, "山田.太郎_" + "𠮷" * 58, email="taro@example.com")
    async with database.read() as tx:
        assert await tx.users.find_by_login(user.username) == user


async def test_accounts_that_await_approval_are_listed_oldest_first(database: Database) -> None:
    newer = await save_user(database, created_at=NOW + timedelta(seconds=1), awaits_approval=True)
    older = await save_user(database, awaits_approval=True)
    await save_user(database)
    async with database.begin() as tx:
        first = await tx.users.find_awaiting_approval(PageRequest(limit=1))
        assert (first.items, first.total) == ((older,), 2)
        rest = await tx.users.find_awaiting_approval(PageRequest(limit=1, after=first.next))
        assert (rest.items, rest.next) == ((newer,), None)
        await tx.users.save(older.approved(NOW))
        assert (await tx.users.find_awaiting_approval(PageRequest(limit=9))).items == (newer,)


@pytest.mark.parametrize("field", ["username", "email"])
async def test_names_and_emails_are_unique(database: Database, field: str) -> None:
    user = await save_user(database)
    other = replace(a_user(), **{field: getattr(user, field)})
    with pytest.raises(NameTaken) as taken:
        async with database.begin() as tx:
            await tx.users.save(other)
    assert taken.value.facts == {"field": field, "value": getattr(user, field)}


async def test_one_of_many_concurrent_changes_of_a_version_succeeds(database: Database) -> None:
    user = await save_user(database)

    async def change(number: int) -> bool:
        try:
            async with database.begin() as tx:
                await tx.users.save(replace(user, bio=str(number)))
        except StaleVersion:
            return False
        return True

    async with bounded():
        assert sum(await asyncio.gather(*(change(number) for number in range(10)))) == 1


async def test_a_new_user_with_an_existing_id_is_refused(database: Database) -> None:
    user = await save_user(database)
    with pytest.raises((StaleVersion, NameTaken)):
        async with database.begin() as tx:
            await tx.users.save(replace(user, version=0))


async def test_deleting_a_user_deletes_everything_of_theirs(database: Database) -> None:
    user = await save_user(database)
    session = a_session(user)
    async with database.begin() as tx:
        await tx.credentials.save(user.id, "hash")
        await tx.sessions.save(session)
        await tx.sessions.add_token(RefreshToken(hash="h", session_id=session.id, issued_at=NOW))
        await tx.idempotency_records.add(an_idempotency_record(f"{user.id} POST /x"))
        await tx.users.delete(user.id)
    async with database.begin() as tx:
        assert await tx.users.find_by_id(user.id) is None
        assert await tx.credentials.find(user.id) is None
        assert await tx.sessions.find_by_id(session.id) is None
        assert await tx.sessions.consume_token("h", NOW) is None
        assert await tx.idempotency_records.find(f"{user.id} POST /x", "key") is None


async def test_credentials_are_replaced(database: Database) -> None:
    user = await save_user(database)
    for hash in ("first", "second"):
        async with database.begin() as tx:
            await tx.credentials.save(user.id, hash)
    async with database.read() as tx:
        assert await tx.credentials.find(user.id) == "second"


async def test_a_user_is_read_as_it_was_saved(database: Database) -> None:
    full = a_user(
        display_name="佐倉 がらくた 🦾",
        bio="一行\n二行\t終わり",
        role=Role.MODERATOR,
        suspended_at=NOW + timedelta(microseconds=1),
        created_at=datetime(1, 1, 1, tzinfo=UTC),
        updated_at=datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    )
    async with database.begin() as tx:
        saved = await tx.users.save(full)
        assert await tx.users.find_by_id(full.id) == saved == replace(full, version=1)
        reinstated = await tx.users.save(replace(saved, suspended_at=None))
        found = await tx.users.find_by_id(full.id)
    assert found == reinstated
    assert found is not None
    assert found.created_at.tzinfo is UTC


async def test_times_of_other_zones_are_read_as_the_same_instants(database: Database) -> None:
    tokyo = timezone(timedelta(hours=9))
    user = a_user(created_at=NOW.astimezone(tokyo))
    async with database.begin() as tx:
        await tx.users.save(user)
    async with database.read() as tx:
        found = await tx.users.find_by_id(user.id)
    assert found is not None
    assert found.created_at == NOW


async def test_if_both_are_taken_the_error_names_the_user_name(database: Database) -> None:
    one, other = await save_user(database), await save_user(database)
    with pytest.raises(NameTaken) as taken:
        async with database.begin() as tx:
            await tx.users.save(a_user(username=other.username, email=one.email))
    assert taken.value.facts["field"] == "username"


async def test_a_user_cannot_take_anothers_name_but_can_keep_their_own(database: Database) -> None:
    one, other = await save_user(database), await save_user(database)
    with pytest.raises(NameTaken):
        async with database.begin() as tx:
            await tx.users.save(replace(one, email=other.email))
    async with database.begin() as tx:
        assert await tx.users.save(replace(one, bio="same name")) == replace(one, bio="same name", version=2)


async def test_jobs_of_a_deleted_user_have_no_owner_and_stay_as_they_were(database: Database) -> None:
    user, other = await save_user(database), await save_user(database)
    owners = (user.id, user.id, other.id, "")
    jobs = [
        new_job(JobId(new_id()), JobKind.PROCESS_MECHANISM_FILE, "m", now=NOW, owner=owner)
        for owner in owners
    ]
    async with database.begin() as tx:
        await tx.ledger.add(*jobs)
        claimed = await tx.ledger.claim(timedelta(minutes=1))
        assert claimed is not None
        await tx.ledger.finish(claimed.id, claimed.fence, JobState.DONE)
        before = [await tx.jobs.find_by_id(job.id) for job in jobs]
        await tx.users.delete(user.id)
        after = [await tx.jobs.find_by_id(job.id) for job in jobs]
    assert [job and job.owner for job in after] == ["", "", other.id, ""]
    assert [job and replace(job, owner="") for job in before] == [
        job and replace(job, owner="") for job in after
    ]


async def test_a_deleted_user_is_stale_and_their_name_is_free(database: Database) -> None:
    user = await save_user(database)
    async with database.begin() as tx:
        await tx.users.delete(user.id)
        await tx.users.delete(user.id)
    with pytest.raises(StaleVersion):
        async with database.begin() as tx:
            await tx.users.save(user)
    assert (await save_user(database, user.username)).username == user.username


async def test_a_user_with_mechanisms_is_not_deleted(database: Database) -> None:
    user = await save_user(database)
    (mechanism,) = await save_mechanisms(database, a_mechanism(user))
    with pytest.raises(RuntimeError):
        async with database.begin() as tx:
            await tx.users.delete(user.id)
    async with database.begin() as tx:
        assert await tx.users.find_by_id(user.id) == user
        await tx.mechanisms.delete(mechanism.id, mechanism.version)
        await tx.users.delete(user.id)
        assert await tx.users.find_by_id(user.id) is None


async def test_deleting_a_user_keeps_the_idempotency_records_and_sessions_of_others(
    database: Database,
) -> None:
    user, other = await save_user(database), await save_user(database)
    session = a_session(other)
    async with database.begin() as tx:
        await tx.credentials.save(other.id, "hash")
        await tx.sessions.save(session)
        await tx.idempotency_records.add(an_idempotency_record(f"{other.id} POST /x"))
        await tx.users.delete(user.id)
    async with database.read() as tx:
        assert await tx.credentials.find(other.id) == "hash"
        assert await tx.sessions.find_by_id(session.id) == session
        assert await tx.idempotency_records.find(f"{other.id} POST /x", "key") is not None


async def test_a_row_that_refers_to_no_user_is_refused(database: Database) -> None:
    nobody = a_user()
    with pytest.raises(UserNotFound):
        async with database.begin() as tx:
            await tx.credentials.save(nobody.id, "hash")
    with pytest.raises(UserNotFound):
        async with database.begin() as tx:
            await tx.sessions.save(a_session(nobody))
    with pytest.raises(UserNotFound):
        await save_mechanisms(database, a_mechanism(nobody))


async def test_users_are_listed_once_each_newest_first(database: Database) -> None:
    users = [a_user(created_at=NOW + timedelta(microseconds=number // 3)) for number in range(8)]
    async with database.begin() as tx:
        assert await tx.users.find_first_created_at() is None
        saved = [await tx.users.save(user) for user in users]
    expected = sorted(saved, key=lambda user: (user.created_at, user.id), reverse=True)
    async with database.read() as tx:
        assert await tx.users.find_first_created_at() == NOW
        first = await tx.users.find_all(PageRequest(limit=3))
        second = await tx.users.find_all(PageRequest(page=2, limit=3))
        rest = await tx.users.find_all(PageRequest(limit=100, after=first.next))
        beyond = await tx.users.find_all(PageRequest(page=4, limit=3))
    assert [*first.items, *rest.items] == expected
    assert second.items == tuple(expected[3:6])
    assert (beyond.items, beyond.total, beyond.next) == ((), 8, None)
    assert rest.next is None

"""The contract suite of databases: sessions and refresh tokens."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.errors import SessionNotFound
from mechshare.domain.sessions import SESSION_LIFETIME, RefreshToken, TokenUse
from mechshare.ports.persistence.database import Database
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import NOW, a_session, a_user, save_user


async def test_stored_sessions_are_found_also_after_they_ended(database: Database) -> None:
    user, other = await save_user(database), await save_user(database)
    ended, live = a_session(user), a_session(user, last_used_at=NOW + timedelta(seconds=1))
    async with database.begin() as tx:
        await tx.sessions.save(ended)
        await tx.sessions.revoke(user.id, NOW)
        await tx.sessions.save(live)
        await tx.sessions.save(a_session(other))
    async with database.read() as tx:
        stored = await tx.sessions.find_of_user(user.id)
        assert await tx.sessions.find_of_user(user.id, live_at=NOW) == (live,)
    assert [session.id for session in stored] == [live.id, ended.id]


async def test_one_of_many_concurrent_callers_consumes_a_refresh_token(database: Database) -> None:
    user = await save_user(database)
    session = a_session(user)
    async with database.begin() as tx:
        await tx.sessions.save(session)
        await tx.sessions.add_token(RefreshToken(hash="h", session_id=session.id, issued_at=NOW))

    async def consume() -> bool:
        async with database.begin() as tx:
            consumed = await tx.sessions.consume_token("h", NOW)
        assert consumed is not None
        return consumed.is_first

    async with bounded():
        assert sum(await asyncio.gather(*(consume() for _ in range(20)))) == 1


async def test_live_sessions_exclude_revoked_and_expired_ones_and_come_latest_used_first(
    database: Database,
) -> None:
    user = await save_user(database)
    older = a_session(user)
    newer = a_session(user, last_used_at=NOW + timedelta(hours=1))
    expired = a_session(user, expires_at=NOW)
    async with database.begin() as tx:
        for session in (older, newer, expired):
            await tx.sessions.save(session)
    async with database.begin() as tx:
        assert await tx.sessions.find_of_user(user.id, live_at=NOW) == (newer, older)
        assert await tx.sessions.revoke(user.id, NOW, only=older.id) == 1
        assert await tx.sessions.find_of_user(user.id, live_at=NOW) == (newer,)
        assert await tx.sessions.revoke(user.id, NOW) == 1
        assert await tx.sessions.revoke(user.id, NOW) == 0


async def test_a_session_is_read_as_it_was_saved_and_only_its_last_use_changes(database: Database) -> None:
    user, other = await save_user(database), await save_user(database)
    session = a_session(user, user_agent="試験 🦾", address="2001:db8::1")
    later = NOW + timedelta(hours=1)
    altered = replace(
        session, last_used_at=later, expires_at=later, user_agent="x", address="", revoked_at=later
    )
    async with database.begin() as tx:
        await tx.sessions.save(session)
        assert await tx.sessions.find_by_id(session.id) == session
        await tx.sessions.save(altered)
        found = await tx.sessions.find_by_id(session.id)
        assert found == replace(session, last_used_at=later, expires_at=later)
        assert await tx.sessions.revoke(other.id, NOW, only=session.id) == 0


async def test_a_consumed_token_has_the_time_of_its_first_use(database: Database) -> None:
    user = await save_user(database)
    session = a_session(user)
    token = RefreshToken(hash="h", session_id=session.id, issued_at=NOW)
    later = NOW + timedelta(seconds=1)
    async with database.begin() as tx:
        await tx.sessions.save(session)
        await tx.sessions.add_token(token)
        assert await tx.sessions.consume_token("h", NOW) == TokenUse(
            replace(token, consumed_at=NOW), is_first=True
        )
        repeated = await tx.sessions.consume_token("h", later)
        assert repeated == TokenUse(replace(token, consumed_at=NOW), is_first=False)
        assert await tx.sessions.consume_token("unknown", NOW) is None


async def test_a_session_used_for_years_keeps_only_the_tokens_of_the_last_lifetime(
    database: Database,
) -> None:
    user = await save_user(database)
    used, other = a_session(user), a_session(user)
    now = NOW + SESSION_LIFETIME
    async with database.begin() as tx:
        for hash, session, at in (
            ("old", used, NOW - timedelta(seconds=1)),
            ("remembered", used, NOW),
            ("another's", other, NOW - timedelta(days=900)),
            ("new", used, now),
        ):
            await tx.sessions.save(session)
            await tx.sessions.add_token(RefreshToken(hash=hash, session_id=session.id, issued_at=at))
    async with database.begin() as tx:
        assert await tx.sessions.consume_token("old", now) is None
        for hash in ("remembered", "another's", "new"):
            assert await tx.sessions.consume_token(hash, now) is not None


async def test_a_reused_token_returns_the_newest_unconsumed_token_of_its_session(
    database: Database,
) -> None:
    user = await save_user(database)
    session, other = a_session(user), a_session(user)
    tokens = {
        hash: RefreshToken(hash=hash, session_id=of.id, issued_at=NOW + timedelta(seconds=seconds))
        for hash, of, seconds in (
            ("h", session, 0),
            ("old", session, 1),
            ("new", session, 2),
            ("x", other, 3),
        )
    }
    async with database.begin() as tx:
        await tx.sessions.save(session)
        await tx.sessions.save(other)
        for token in tokens.values():
            await tx.sessions.add_token(token)
    consumed = replace(tokens["h"], consumed_at=NOW)
    async with database.begin() as tx:
        assert await tx.sessions.consume_token("h", NOW) == TokenUse(consumed, is_first=True)
        for hash in ("new", "old"):
            expected = TokenUse(consumed, is_first=False, current=tokens[hash])
            assert await tx.sessions.consume_token("h", NOW) == expected
            await tx.sessions.consume_token(hash, NOW)
        assert await tx.sessions.consume_token("h", NOW) == TokenUse(consumed, is_first=False)


async def test_a_token_without_a_session_is_refused(database: Database) -> None:
    nowhere = a_session(a_user())
    with pytest.raises(SessionNotFound):
        async with database.begin() as tx:
            await tx.sessions.add_token(RefreshToken(hash="h", session_id=nowhere.id, issued_at=NOW))


async def test_rolling_back_undoes_the_consumption_of_a_token(database: Database) -> None:
    session = a_session(await save_user(database))
    async with database.begin() as tx:
        await tx.sessions.save(session)
        await tx.sessions.add_token(RefreshToken(hash="h", session_id=session.id, issued_at=NOW))

    async def consume_and_fail() -> None:
        async with database.begin() as tx:
            await tx.sessions.consume_token("h", NOW)
            raise LookupError

    with pytest.raises(LookupError):
        await consume_and_fail()
    async with database.begin() as tx:
        consumed = await tx.sessions.consume_token("h", NOW)
    assert consumed is not None
    assert consumed.is_first


async def test_long_expired_sessions_are_deleted_with_their_tokens(database: Database) -> None:
    user = await save_user(database)
    over = a_session(user, expires_at=NOW - timedelta(days=2))
    recent = a_session(user, expires_at=NOW - timedelta(hours=1))
    async with database.begin() as tx:
        for hash, session in (("over", over), ("recent", recent)):
            await tx.sessions.save(session)
            await tx.sessions.add_token(RefreshToken(hash=hash, session_id=session.id, issued_at=NOW))
    async with database.begin() as tx:
        assert await tx.sessions.delete_older(NOW - timedelta(days=1), limit=9) == 1
        assert await tx.sessions.delete_older(NOW - timedelta(days=1), limit=9) == 0
        assert await tx.sessions.find_by_id(over.id) is None
        assert await tx.sessions.consume_token("over", NOW) is None
        assert await tx.sessions.find_by_id(recent.id) == recent
        assert await tx.sessions.consume_token("recent", NOW) is not None


async def test_at_most_limit_sessions_are_deleted_per_call(database: Database) -> None:
    user = await save_user(database)
    over = [a_session(user, expires_at=NOW - timedelta(days=days)) for days in (2, 3, 4)]
    async with database.begin() as tx:
        for session in over:
            await tx.sessions.save(session)
            await tx.sessions.add_token(RefreshToken(hash=session.id, session_id=session.id, issued_at=NOW))
    async with database.begin() as tx:
        assert await tx.sessions.delete_older(NOW, limit=2) == 2
        (left,) = [session for session in over if await tx.sessions.find_by_id(session.id)]
        assert [session for session in over if await tx.sessions.consume_token(session.id, NOW)] == [left]
        assert await tx.sessions.delete_older(NOW, limit=2) == 1
        assert await tx.sessions.delete_older(NOW, limit=2) == 0


async def test_a_session_renewed_during_the_deletion_of_old_ones_stays(database: Database) -> None:
    session = a_session(await save_user(database), expires_at=NOW)
    async with database.begin() as tx:
        await tx.sessions.save(session)

    async def delete() -> int:
        async with database.begin() as tx:
            return await tx.sessions.delete_older(NOW + timedelta(hours=1), limit=9)

    async with database.begin() as tx:
        await tx.sessions.save(replace(session, expires_at=NOW + timedelta(days=30)))
        deleting = asyncio.create_task(delete())
        await asyncio.sleep(0.2)  # time in which an adapter without row locks would read the old row
    async with bounded():
        assert await deleting == 0
    async with database.read() as tx:
        assert await tx.sessions.find_by_id(session.id) is not None

"""The contract suite of databases: personal access tokens."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import TokenId, UserId
from mechshare.domain.personal_access_tokens import PersonalAccessToken, Scope
from mechshare.domain.users import User
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.values import NOW, new_id, save_user

_LATER = NOW + timedelta(hours=1)


def a_token(user: User, **changes: object) -> PersonalAccessToken:
    id = new_id()
    entity = PersonalAccessToken(
        id=TokenId(id),
        user_id=user.id,
        name="測定室 🦾",
        scopes=(Scope.READ, Scope.UPLOAD),
        hash=f"hash of {id}",
        created_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )
    return replace(entity, **changes)  # type: ignore[arg-type]


async def add_tokens(database: Database, *tokens: PersonalAccessToken) -> None:
    async with database.begin() as tx:
        for token in tokens:
            await tx.personal_access_tokens.add(token)


async def test_tokens_are_found_by_id_by_hash_and_by_user_newest_first(database: Database) -> None:
    user, other = await save_user(database), await save_user(database)
    older, newer = a_token(user), a_token(user, created_at=_LATER, last_used_at=_LATER)
    await add_tokens(database, older, newer, a_token(other))
    async with database.read() as tx:
        assert await tx.personal_access_tokens.find_of_user(user.id) == (newer, older)
        assert await tx.personal_access_tokens.find_by_hash(newer.hash) == newer
        assert await tx.personal_access_tokens.find_by_id(older.id) == older
        assert await tx.personal_access_tokens.find_by_hash("unknown") is None
        assert await tx.personal_access_tokens.find_by_id(TokenId("unknown")) is None


async def test_a_token_needs_its_user_and_ends_with_it(database: Database) -> None:
    user = await save_user(database)
    token = a_token(user)
    with pytest.raises(UserNotFound):
        await add_tokens(database, replace(token, user_id=UserId(new_id())))
    await add_tokens(database, token)
    async with database.begin() as tx:
        await tx.users.delete(user.id)
    async with database.read() as tx:
        assert await tx.personal_access_tokens.find_by_hash(token.hash) is None


async def test_one_token_or_all_of_a_user_are_deleted(database: Database) -> None:
    user, other = await save_user(database), await save_user(database)
    first, second, third, foreign = a_token(user), a_token(user), a_token(user), a_token(other)
    await add_tokens(database, first, second, third, foreign)
    async with database.begin() as tx:
        assert await tx.personal_access_tokens.delete(user.id, only=foreign.id) == 0
        assert await tx.personal_access_tokens.delete(user.id, only=first.id) == 1
        assert await tx.personal_access_tokens.delete(user.id, only=first.id) == 0
        assert await tx.personal_access_tokens.delete(user.id) == 2
        assert await tx.personal_access_tokens.find_of_user(other.id) == (foreign,)


async def test_uses_of_tokens_are_noted_and_never_go_back(database: Database) -> None:
    user = await save_user(database)
    first, second = a_token(user), a_token(user)
    await add_tokens(database, first, second)
    async with database.begin() as tx:
        await tx.personal_access_tokens.note_uses({first.id: _LATER, TokenId(new_id()): NOW})
    async with database.begin() as tx:
        await tx.personal_access_tokens.note_uses({first.id: NOW, second.id: NOW})
        assert await tx.personal_access_tokens.find_by_id(first.id) == replace(first, last_used_at=_LATER)
        assert await tx.personal_access_tokens.find_by_id(second.id) == replace(second, last_used_at=NOW)


async def test_expired_tokens_are_deleted_some_at_a_time(database: Database) -> None:
    user = await save_user(database)
    live, *expired = a_token(user), a_token(user, expires_at=NOW), a_token(user, expires_at=NOW)
    await add_tokens(database, live, *expired)
    async with database.begin() as tx:
        assert await tx.personal_access_tokens.delete_expired(NOW, limit=9) == 0
        assert await tx.personal_access_tokens.delete_expired(_LATER, limit=1) == 1
        assert await tx.personal_access_tokens.delete_expired(_LATER, limit=9) == 1
        assert await tx.personal_access_tokens.find_of_user(user.id) == (live,)

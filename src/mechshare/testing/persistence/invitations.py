"""The contract suite of databases: invitations."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import InvitationId, UserId
from mechshare.domain.invitations import Invitation
from mechshare.ports.persistence.database import Database
from mechshare.testing.bounds import bounded
from mechshare.testing.persistence.values import NOW, new_id, save_user

_LATER = NOW + timedelta(days=1)


def an_invitation(**changes: object) -> Invitation:
    id = new_id()
    entity = Invitation(
        id=InvitationId(id),
        hash=f"hash of {id}",
        note="設計課 🦾",
        created_by=None,
        created_at=NOW,
        expires_at=_LATER,
        max_uses=2,
    )
    return replace(entity, **changes)  # type: ignore[arg-type]


async def add_invitations(database: Database, *invitations: Invitation) -> None:
    async with database.begin() as tx:
        for invitation in invitations:
            await tx.invitations.add(invitation)


async def test_invitations_are_listed_newest_first_until_they_are_deleted(database: Database) -> None:
    user = await save_user(database)
    older, newer = an_invitation(), an_invitation(created_by=user.id, created_at=NOW + timedelta(seconds=1))
    await add_invitations(database, older, newer)
    async with database.begin() as tx:
        assert [one for one in await tx.invitations.find_all() if one in (older, newer)] == [newer, older]
        assert await tx.invitations.find_by_hash(newer.hash) == newer
        assert await tx.invitations.delete(older.id)
        assert not await tx.invitations.delete(older.id)
        assert await tx.invitations.find_by_hash(older.hash) is None


async def test_an_invitation_needs_the_user_who_invites_and_ends_with_the_account(database: Database) -> None:
    user = await save_user(database)
    invitation = an_invitation(created_by=user.id)
    with pytest.raises(UserNotFound):
        await add_invitations(database, replace(invitation, created_by=UserId(new_id())))
    await add_invitations(database, invitation)
    async with database.begin() as tx:
        await tx.users.delete(user.id)
    async with database.read() as tx:
        assert await tx.invitations.find_by_hash(invitation.hash) is None


async def test_no_more_concurrent_uses_succeed_than_an_invitation_admits(database: Database) -> None:
    invitation = an_invitation(max_uses=3)
    await add_invitations(database, invitation)

    async def use() -> bool:
        async with database.begin() as tx:
            return await tx.invitations.use(invitation.hash, NOW) is not None

    async with bounded():
        assert sum(await asyncio.gather(*(use() for _ in range(10)))) == 3
    async with database.read() as tx:
        assert await tx.invitations.find_by_hash(invitation.hash) == replace(invitation, uses=3)


async def test_an_expired_or_unknown_invitation_is_not_used(database: Database) -> None:
    invitation = an_invitation()
    await add_invitations(database, invitation)
    async with database.begin() as tx:
        assert await tx.invitations.use(invitation.hash, _LATER) is None
        assert await tx.invitations.use("unknown", NOW) is None
        before = _LATER - timedelta(seconds=1)
        assert await tx.invitations.use(invitation.hash, before) == replace(invitation, uses=1)


async def test_expired_invitations_are_deleted_some_at_a_time(database: Database) -> None:
    await add_invitations(database, *(an_invitation(expires_at=NOW) for _ in range(2)))
    async with database.begin() as tx:
        assert await tx.invitations.delete_expired(NOW, limit=9) == 0
        assert await tx.invitations.delete_expired(_LATER, limit=1) == 1
        assert await tx.invitations.delete_expired(_LATER, limit=9) == 1

"""Groups of users and who belongs to them."""

from collections.abc import Collection

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.errors import UserNotFound
from mechshare.domain.groups import (
    MAX_GROUPS,
    MAX_MEMBERS,
    Group,
    GroupRole,
    LastMaintainer,
    Member,
    MemberNotFound,
    Membership,
    OwnGroup,
    TooManyGroups,
    TooManyMembers,
    clean_group_name,
)
from mechshare.domain.ids import GroupId, UserId
from mechshare.domain.policy import require_maintainer, require_member, require_permission
from mechshare.domain.shares import group_recipient
from mechshare.domain.sharing_events import GroupDeleted, GroupQuotaChanged, MemberAdded, MemberRemoved
from mechshare.domain.storage_quotas import QuotaOverride
from mechshare.domain.users import Actor, Permission
from mechshare.domain.versions import require_version
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.services.support.idempotency import IdempotentRequest, run_once
from mechshare.services.transactions import Transaction, Transactions


class GroupService:
    """Members see a group and who belongs to it; maintainers change both. To everybody else but admins it looks
    absent."""

    def __init__(self, transactions: Transactions, clock: Clock, ids: IdSource) -> None:
        self._transactions = transactions
        self._clock = clock
        self._ids = ids

    async def create(
        self, actor: Actor, name: str, idempotency: IdempotentRequest[OwnGroup] | None = None
    ) -> OwnGroup:
        """Creates a group whose first maintainer is the actor. Raises InvalidField, TooManyGroups, and as `run_once`
        does."""
        now = self._clock.now()
        new = Group(
            id=GroupId(self._ids.new_id()), name=clean_group_name(name), created_at=now, updated_at=now
        )
        async with self._transactions.begin() as tx:
            return await run_once(tx, self._clock, idempotency, lambda: _add(tx, actor, new))

    async def find_own(self, actor: Actor) -> tuple[OwnGroup, ...]:
        """Returns the groups of the actor, ordered by name."""
        async with self._transactions.read() as tx:
            roles = {one.group_id: one.role for one in await tx.memberships.find_of_user(actor.id)}
            groups = await tx.groups.find_by_ids(list(roles))
        return tuple(OwnGroup(group=group, role=roles[group.id]) for group in groups)

    async def get(self, actor: Actor, group_id: GroupId) -> OwnGroup:
        """Raises GroupNotFound."""
        async with self._transactions.read() as tx:
            membership = await tx.memberships.find(group_id, actor.id)
            group = require_member(actor, await tx.groups.find_by_id(group_id), membership)
        return OwnGroup(group=group, role=membership.role if membership else None)

    async def rename(
        self, actor: Actor, group_id: GroupId, name: str, versions: Collection[int] | None = None
    ) -> OwnGroup:
        """Raises GroupNotFound, UnauthorizedOperation, InvalidField, StaleVersion."""
        async with self._transactions.begin() as tx:
            group = await _maintained(tx, actor, group_id)
            require_version(group.version, versions)
            await tx.groups.save(group.renamed(name, self._clock.now()))
        return await self.get(actor, group_id)

    async def set_member_quota(
        self,
        actor: Actor,
        group_id: GroupId,
        quota: QuotaOverride,
        request_metadata: RequestMetadata,
        versions: Collection[int] | None = None,
    ) -> OwnGroup:
        """Changes how much each member may store at least, for admins; None in `quota` leaves it to their own quotas.

        Raises UnauthorizedOperation, GroupNotFound, InvalidField, StaleVersion.
        """
        require_permission(actor, Permission.MANAGE_USERS)
        async with self._transactions.begin() as tx:
            group = await _maintained(tx, actor, group_id)
            require_version(group.version, versions)
            saved = await tx.groups.save(group.with_member_quota(quota.size, self._clock.now()))
            await tx.record(GroupQuotaChanged(saved, actor.id, request_metadata))
        return await self.get(actor, group_id)

    async def delete(
        self,
        actor: Actor,
        group_id: GroupId,
        request_metadata: RequestMetadata,
        versions: Collection[int] | None = None,
    ) -> None:
        """Deletes the group, and with it every share. Raises GroupNotFound, UnauthorizedOperation, StaleVersion."""
        async with self._transactions.begin() as tx:
            group = await _maintained(tx, actor, group_id)
            require_version(group.version, versions)
            await tx.shares.delete_for(group_recipient(group_id))
            await tx.groups.delete(group_id)
            await tx.record(GroupDeleted(group_id, actor.id, request_metadata))

    async def find_members(self, actor: Actor, group_id: GroupId) -> tuple[Member, ...]:
        """Returns the members, ordered by user name. Raises GroupNotFound."""
        async with self._transactions.read() as tx:
            membership = await tx.memberships.find(group_id, actor.id)
            require_member(actor, await tx.groups.find_by_id(group_id), membership)
            return tuple(await tx.memberships.find_members(group_id))

    async def put_member(
        self,
        actor: Actor,
        group_id: GroupId,
        user_id: UserId,
        role: GroupRole,
        request_metadata: RequestMetadata,
    ) -> Member:
        """Makes the user a member with this role; no-op if the user is one already.

        Raises GroupNotFound, UnauthorizedOperation, UserNotFound, TooManyMembers, TooManyGroups, LastMaintainer.
        """
        async with self._transactions.begin() as tx:
            await _maintained(tx, actor, group_id)
            user = await tx.users.find_by_id(user_id)
            if user is None:
                raise UserNotFound()
            before = await tx.memberships.find(group_id, user_id)
            if before is None:
                await _require_room(tx, group_id, user_id)
            elif role is not GroupRole.MAINTAINER:
                await _require_other_maintainer(tx, before)
            joined_at = before.joined_at if before else self._clock.now()
            after = Membership(group_id=group_id, user_id=user_id, role=role, joined_at=joined_at)
            if after != before:
                await tx.memberships.put(after)
                await tx.record(MemberAdded(after, actor.id, request_metadata))
        return Member(membership=after, username=user.username, display_name=user.display_name)

    async def remove_member(
        self, actor: Actor, group_id: GroupId, user_id: UserId, request_metadata: RequestMetadata
    ) -> None:
        """Removes the user from the group; members may leave it themselves.

        Raises GroupNotFound, UnauthorizedOperation, MemberNotFound, LastMaintainer.
        """
        async with self._transactions.begin() as tx:
            if user_id == actor.id:
                own = await tx.memberships.find(group_id, actor.id)
                require_member(actor, await tx.groups.find_by_id(group_id), own)
            else:
                await _maintained(tx, actor, group_id)
            membership = await tx.memberships.find(group_id, user_id)
            if membership is None:
                raise MemberNotFound()
            await _require_other_maintainer(tx, membership)
            await tx.memberships.delete(group_id, user_id)
            await tx.record(MemberRemoved(membership, actor.id, request_metadata))


async def _maintained(tx: Transaction, actor: Actor, group_id: GroupId) -> Group:
    """Returns the group, locked until the transaction ends, so that a limit on its members holds."""
    group = await tx.groups.find_by_id(group_id)
    return require_maintainer(actor, group, await tx.memberships.find(group_id, actor.id))


async def _require_room(tx: Transaction, group_id: GroupId, user_id: UserId) -> None:
    if len(await tx.memberships.find_members(group_id)) >= MAX_MEMBERS:
        raise TooManyMembers(limit=MAX_MEMBERS)
    await _require_room_for_group(tx, user_id)


async def _add(tx: Transaction, actor: Actor, new: Group) -> OwnGroup:
    await _require_room_for_group(tx, actor.id)
    group, role = await tx.groups.save(new), GroupRole.MAINTAINER
    membership = Membership(group_id=group.id, user_id=actor.id, role=role, joined_at=group.created_at)
    await tx.memberships.put(membership)
    return OwnGroup(group=group, role=role)


async def _require_room_for_group(tx: Transaction, user_id: UserId) -> None:
    if len(await tx.memberships.find_of_user(user_id)) >= MAX_GROUPS:
        raise TooManyGroups(limit=MAX_GROUPS)


async def _require_other_maintainer(tx: Transaction, leaving: Membership) -> None:
    """Raises LastMaintainer if the group has no maintainer but `leaving`."""
    if not leaving.is_maintainer:
        return
    members = await tx.memberships.find_members(leaving.group_id)
    if not any(one.membership.is_maintainer for one in members if one.membership != leaving):
        raise LastMaintainer()

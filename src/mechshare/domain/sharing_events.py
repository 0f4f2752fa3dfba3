"""Domain events of shares and groups."""

from dataclasses import dataclass

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.groups import Group, Membership
from mechshare.domain.ids import GroupId, MechanismId, UserId
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.shares import Recipient, Share


@dataclass(frozen=True, slots=True)
class MechanismShared:
    """`mechanism` is as it is now. A share with the same recipient may have been there before."""

    mechanism: Mechanism
    share: Share
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class ShareRemoved:
    mechanism: Mechanism
    recipient: Recipient
    actor_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class MemberAdded:
    """A user joined a group, or got another role in it."""

    membership: Membership
    actor_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class MemberRemoved:
    membership: Membership
    actor_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class GroupQuotaChanged:
    """An admin changed how much each member of the group may store at least."""

    group: Group
    admin_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class GroupDeleted:
    group_id: GroupId
    actor_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class MechanismEditedByOther:
    """Somebody else than the owner changed the texts or categories: an admin, or somebody with whom it is shared."""

    mechanism_id: MechanismId
    editor_id: UserId
    request_metadata: RequestMetadata

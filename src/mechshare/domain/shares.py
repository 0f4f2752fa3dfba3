"""With whom a mechanism is shared."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mechshare.domain.errors import Conflict, NotFound
from mechshare.domain.ids import GroupId, MechanismId, UserId

MAX_SHARES = 100
"""Users and groups with which a mechanism is shared."""


class ShareNotFound(NotFound):
    code = "SHARE_NOT_FOUND"
    messages = {
        "en": "The mechanism is not shared with this user or group.",
        "ja": "この機構は、指定されたユーザーやグループと共有されていません。",
    }


class TooManyShares(Conflict):
    code = "TOO_MANY_SHARES"
    messages = {
        "en": "A mechanism is shared with at most {limit} users and groups. Share it with a group instead.",
        "ja": "1 つの機構を共有できる相手は {limit} 件までです。グループとの共有をご利用ください。",
    }


class SharedWithOwner(Conflict):
    code = "SHARED_WITH_OWNER"
    messages = {
        "en": "The mechanism belongs to this user, who may do everything with it already.",
        "ja": "このユーザーは機構の所有者であり、すでにすべての操作ができます。",
    }


class Access(StrEnum):
    """What a share allows: to read the mechanism once it is published, or also to edit it, even before."""

    READ = "read"
    EDIT = "edit"


class RecipientKind(StrEnum):
    USER = "user"
    GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A user or a group with which something is shared."""

    kind: RecipientKind
    id: str


def user_recipient(id: UserId) -> Recipient:
    return Recipient(kind=RecipientKind.USER, id=id)


def group_recipient(id: GroupId) -> Recipient:
    return Recipient(kind=RecipientKind.GROUP, id=id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    mechanism_id: MechanismId
    recipient: Recipient
    access: Access
    shared_by: UserId
    shared_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedShare:
    """A share with the name of its recipient; of a user also the user name."""

    share: Share
    name: str
    username: str = ""

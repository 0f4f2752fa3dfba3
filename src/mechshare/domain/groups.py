"""Groups of users, with which mechanisms are shared."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from mechshare.domain.errors import Conflict, NotFound
from mechshare.domain.ids import GroupId, UserId
from mechshare.domain.storage_quotas import clean_quota
from mechshare.domain.text import clean_text

MAX_GROUPS = 100
"""Groups of a user."""
MAX_MEMBERS = 500
"""Members of a group."""


class GroupNotFound(NotFound):
    code = "GROUP_NOT_FOUND"
    messages = {"en": "Group not found.", "ja": "グループが見つかりません。"}


class MemberNotFound(NotFound):
    code = "MEMBER_NOT_FOUND"
    messages = {
        "en": "The group has no such member.",
        "ja": "このグループには、指定されたメンバーがいません。",
    }


class TooManyGroups(Conflict):
    code = "TOO_MANY_GROUPS"
    messages = {
        "en": "A user belongs to at most {limit} groups. The user must leave one first.",
        "ja": "1 人が所属できるグループは {limit} 件までです。先にどれかのグループから抜けてください。",
    }


class TooManyMembers(Conflict):
    code = "TOO_MANY_MEMBERS"
    messages = {
        "en": "A group has at most {limit} members. Remove one first, or create another group.",
        "ja": "1 つのグループのメンバーは {limit} 人までです。先にだれかを外すか、別のグループを作成してください。",
    }


class LastMaintainer(Conflict):
    code = "LAST_MAINTAINER"
    messages = {
        "en": "The group would be without a maintainer. Make another member a maintainer first, or delete the group.",
        "ja": "グループの管理者がいなくなります。先に別のメンバーを管理者にするか、グループを削除してください。",
    }


class GroupRole(StrEnum):
    """Maintainers rename and delete the group, and decide who belongs to it."""

    MEMBER = "member"
    MAINTAINER = "maintainer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """`member_quota_bytes` is how much each member may store at least: 0 for no limit, None if the group decides
    nothing."""

    id: GroupId
    name: str
    created_at: datetime
    updated_at: datetime
    member_quota_bytes: int | None = None
    version: int = 0

    def renamed(self, name: str, now: datetime) -> "Group":
        """Returns the group with another name. Raises InvalidField."""
        return replace(self, name=clean_group_name(name), updated_at=now)

    def with_member_quota(self, size: int | None, now: datetime) -> "Group":
        """Returns the group with another quota for each member. Raises InvalidField."""
        return replace(self, member_quota_bytes=clean_quota(size), updated_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    group_id: GroupId
    user_id: UserId
    role: GroupRole
    joined_at: datetime

    @property
    def is_maintainer(self) -> bool:
        return self.role is GroupRole.MAINTAINER


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A membership with the public names of the user."""

    membership: Membership
    username: str
    display_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnGroup:
    """A group with the role of one user in it; None for an admin who does not belong to it."""

    group: Group
    role: GroupRole | None


def clean_group_name(name: str) -> str:
    return clean_text("name", name, min_length=1, max_length=80)

"""Likes and bookmarks: a user marks a mechanism, for all to count or to find it again."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mechshare.domain.errors import Conflict
from mechshare.domain.ids import MechanismId, UserId

MAX_BOOKMARKS = 10_000
"""Bookmarks of one user."""
MAX_COUNTED = 1_000
"""Likes of a mechanism that are counted for whoever looks: a like costs the same however many there are."""


class TooManyBookmarks(Conflict):
    code = "TOO_MANY_BOOKMARKS"
    messages = {
        "en": "You have {limit} bookmarks, which is the maximum. Remove one first.",
        "ja": "ブックマークが上限の {limit} 件に達しています。先に不要なものを外してください。",
    }


class MarkKind(StrEnum):
    """Likes are counted for everybody; only its user knows of a bookmark."""

    LIKE = "like"
    BOOKMARK = "bookmark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A user has at most one mark of each kind on a mechanism."""

    mechanism_id: MechanismId
    user_id: UserId
    kind: MarkKind
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """How many users like a mechanism, and the marks of the one who looks.

    Where there are more than MAX_COUNTED, `likes` is from the last count (`Counts`).
    """

    likes: int
    own: frozenset[MarkKind] = frozenset()

    def having(self, kind: MarkKind) -> "Marks":
        """Returns these marks with one more of `kind`, of the one who looks."""
        return Marks(likes=self.likes + (kind is MarkKind.LIKE), own=self.own | {kind})

    def without(self, kind: MarkKind) -> "Marks":
        """Returns these marks without that of `kind`, of the one who looks, which the last count may lack."""
        return Marks(likes=max(0, self.likes - (kind is MarkKind.LIKE)), own=self.own - {kind})

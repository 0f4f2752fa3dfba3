"""Who sees a published mechanism, and which mechanisms a list contains."""

from dataclasses import dataclass
from enum import StrEnum

from mechshare.domain.ids import UserId


class Visibility(StrEnum):
    """The audience of a mechanism once it is published.

    PRIVATE: its owner, and the users and groups with which it is shared. INTERNAL: everybody who is signed in.
    UNLISTED: everybody who has its address, while no list, search, count or suggestion contains it. PUBLIC: everybody.
    """

    PRIVATE = "private"
    INTERNAL = "internal"
    UNLISTED = "unlisted"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListScope:
    """What a list, search or count may contain: what is published for everybody; with a `reader`, also what is
    published for that user; or everything. `mechshare.domain.policy` decides on it, never a caller.
    """

    reader: UserId | None = None
    is_everything: bool = False


PUBLIC_SCOPE = ListScope()
EVERYTHING = ListScope(is_everything=True)

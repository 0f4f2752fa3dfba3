"""Who finds a mechanism by searching, and to whom a searching user belongs, in the terms that an index stores."""

from collections.abc import Sequence

from mechshare.domain.ids import GroupId, UserId
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.shares import Recipient, Share, group_recipient, user_recipient
from mechshare.domain.visibility import Visibility

Audience = tuple[str, ...]
"""Who finds a mechanism, or who searches: `public`, `internal`, and a user or group by kind and id."""
_PUBLIC, _INTERNAL = "public", "internal"
PUBLIC_AUDIENCE: Audience = (_PUBLIC,)


def audience_of(mechanism: Mechanism, shares: Sequence[Share]) -> Audience:
    """Returns who finds the mechanism, which has these `shares`; nobody if it is unpublished or unlisted.

    The owner is not included: owners find all their mechanisms in a list of their own.
    """
    if not mechanism.is_published:
        return ()
    match mechanism.visibility:
        case Visibility.PUBLIC:
            return PUBLIC_AUDIENCE
        case Visibility.INTERNAL:
            return (_INTERNAL,)
        case Visibility.UNLISTED:
            return ()
        case Visibility.PRIVATE:
            return (_user(mechanism.user_id), *(_recipient(share.recipient) for share in shares))


def audience_with(reader: UserId, group_ids: Sequence[GroupId]) -> Audience:
    """Returns the audience to which a signed-in user with these groups belongs."""
    groups = (_recipient(group_recipient(id)) for id in group_ids)
    return (_PUBLIC, _INTERNAL, _user(reader), *groups)


def _user(id: UserId) -> str:
    return _recipient(user_recipient(id))


def _recipient(recipient: Recipient) -> str:
    return f"{recipient.kind}:{recipient.id}"

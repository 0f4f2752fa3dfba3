"""The access rules. Lists, search, media, counts and writes all use them; there are no others."""

from mechshare.domain.errors import (
    AuthenticationRequired,
    InvalidField,
    MechanismNotFound,
    UnauthorizedOperation,
)
from mechshare.domain.ids import UserId
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.media import OriginalMetadata
from mechshare.domain.users import Actor, Permission, User

Viewer = Actor | None
"""A caller; None if anonymous."""


def can_see(viewer: Viewer, mechanism: Mechanism) -> bool:
    """Whether `viewer` may see the mechanism.

    Everyone sees published ones; owners and admins see unpublished ones; moderators see those that a moderator
    withdrew.
    """
    if mechanism.is_published:
        return True
    if can_edit(viewer, mechanism):
        return True
    if viewer is None:
        return False
    return mechanism.withdrawn_reason is not None and viewer.has_permission(Permission.WITHDRAW_ANY_MECHANISM)


def is_listed_for(viewer: Viewer, mechanism: Mechanism) -> bool:
    """Whether lists of what everybody and `viewer` share may name the mechanism to `viewer`: it is published or their
    own."""
    return mechanism.is_published or (viewer is not None and mechanism.can_be_edited_by(viewer.id))


def can_follow_link(mechanism: Mechanism, owner: User | None) -> bool:
    """Whether a signed link gives anyone who has it access to the files of the unpublished `mechanism`.

    The suspension of the owner and the deletion of the account (None) end all links. A moderator's withdrawal ends
    those that were signed before it: the signature covers `is_withdrawn` (see `media_links`).
    """
    return owner is not None and owner.id == mechanism.user_id and not owner.is_suspended


def can_edit(viewer: Viewer, mechanism: Mechanism) -> bool:
    """Whether `viewer` is the owner or an admin."""
    if viewer is None:
        return False
    return mechanism.can_be_edited_by(viewer.id) or viewer.has_permission(Permission.MANAGE_ANY_MECHANISM)


def can_download_original(viewer: Viewer, mechanism: Mechanism) -> bool:
    """Whether `viewer` may download the file of the mechanism as it is stored: its owner and admins always, others who
    see the mechanism if the owner offers it, but not before the metadata is removed that the owner wants removed."""
    if mechanism.original is None:
        return False
    if can_edit(viewer, mechanism):
        return True
    is_pending = mechanism.original.metadata is OriginalMetadata.TO_BE_REMOVED
    return mechanism.original_offered and not is_pending and can_see(viewer, mechanism)


def sees_unpublished_of(viewer: Viewer, user_id: UserId | None) -> bool:
    """Whether a list or search of the mechanisms of `user_id` also shows `viewer` unpublished ones.

    If `user_id` is None, the list is the public one, the same for every caller.
    """
    if viewer is None or user_id is None:
        return False
    return viewer.id == user_id or viewer.has_permission(Permission.MANAGE_ANY_MECHANISM)


def reads_drafts_of_others(viewer: Actor) -> bool:
    """Whether `viewer` may see unpublished mechanisms of other users: all, or those that a moderator withdrew."""
    powers = (Permission.MANAGE_ANY_MECHANISM, Permission.WITHDRAW_ANY_MECHANISM)
    return any(viewer.has_permission(power) for power in powers)


def require_visible(viewer: Viewer, mechanism: Mechanism | None) -> Mechanism:
    """Returns `mechanism` if `viewer` may see it. Raises MechanismNotFound if it is absent or hidden."""
    if mechanism is None or not can_see(viewer, mechanism):
        raise MechanismNotFound()
    return mechanism


def require_editor(actor: Actor, mechanism: Mechanism | None) -> Mechanism:
    """Returns `mechanism` if `actor` is its owner or an admin.

    Raises MechanismNotFound if `actor` may not see it, otherwise UnauthorizedOperation.
    """
    visible = require_visible(actor, mechanism)
    if visible.can_be_edited_by(actor.id):
        return visible
    require_permission(actor, Permission.MANAGE_ANY_MECHANISM)
    return visible


def require_downloader(viewer: Viewer, mechanism: Mechanism | None) -> Mechanism:
    """Returns `mechanism` if `viewer` may download its original.

    Raises MechanismNotFound if `viewer` may not see it, otherwise AuthenticationRequired or UnauthorizedOperation, and
    MechanismNotFound if it has no original.
    """
    visible = require_visible(viewer, mechanism)
    if not can_edit(viewer, visible) and not can_download_original(viewer, visible):
        require_permission(viewer, Permission.MANAGE_ANY_MECHANISM)
    if visible.original is None:
        raise MechanismNotFound()
    return visible


def require_withdrawer(actor: Actor, mechanism: Mechanism | None) -> Mechanism:
    """Returns `mechanism` if `actor` is its owner, a moderator or an admin. Raises as `require_editor` does."""
    visible = require_visible(actor, mechanism)
    if not visible.can_be_edited_by(actor.id):
        require_permission(actor, Permission.WITHDRAW_ANY_MECHANISM)
    return visible


def require_poster(actor: Actor) -> None:
    """Raises UnauthorizedOperation for a user who is blocked from making anything public."""
    require_permission(actor, Permission.CREATE_MECHANISMS)


def require_permission(actor: Viewer, permission: Permission) -> Actor:
    """Returns `actor` if they have `permission`. Raises AuthenticationRequired, UnauthorizedOperation."""
    if actor is None:
        raise AuthenticationRequired()
    if not actor.has_permission(permission):
        raise UnauthorizedOperation(permission=permission.value)
    return actor


def required_reason(reason: str | None) -> str:
    """Returns the reason of a moderator. Raises InvalidField if there is none."""
    if reason is None:
        raise InvalidField(
            "reason",
            en="must give the reason for withdrawing the mechanism of another user.",
            ja="他のユーザーの機構を取り下げる理由を入力してください。",
        )
    return reason

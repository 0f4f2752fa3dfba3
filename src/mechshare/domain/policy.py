"""The access rules. Lists, search, media, counts and writes all use them; there are no others."""

from mechshare.domain.errors import (
    AuthenticationRequired,
    InvalidField,
    MechanismNotFound,
    UnauthorizedOperation,
)
from mechshare.domain.groups import Group, GroupNotFound, Membership
from mechshare.domain.ids import UserId
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.originals import OriginalMetadata
from mechshare.domain.shares import Access
from mechshare.domain.users import Actor, Permission, User
from mechshare.domain.visibility import EVERYTHING, PUBLIC_SCOPE, ListScope, Visibility

Viewer = Actor | None
"""A caller; None if anonymous."""


def can_see(viewer: Viewer, mechanism: Mechanism, shared: Access | None = None) -> bool:
    """Whether `viewer` may see the mechanism, which is shared with them for `shared`; None if it is not.

    A published one is seen by the audience of its visibility; editors and admins always see it; moderators see those
    that a moderator withdrew.
    """
    if can_edit(viewer, mechanism, shared):
        return True
    if mechanism.is_published:
        return _is_audience(viewer, mechanism, shared)
    if viewer is None:
        return False
    return mechanism.withdrawn_reason is not None and viewer.has_permission(Permission.WITHDRAW_ANY_MECHANISM)


def can_find(viewer: Viewer, mechanism: Mechanism, shared: Access | None = None) -> bool:
    """Whether `viewer` may see the mechanism where they did not ask for it by its address: an unlisted one only if they
    may edit it."""
    if mechanism.visibility is Visibility.UNLISTED:
        return can_edit(viewer, mechanism, shared)
    return can_see(viewer, mechanism, shared)


def is_listed_for(viewer: Viewer, mechanism: Mechanism, shared: Access | None = None) -> bool:
    """Whether lists of what everybody and `viewer` share may name the mechanism to `viewer`: it is their own, or
    published for them and not unlisted."""
    if viewer is not None and mechanism.is_owned_by(viewer.id):
        return True
    is_unlisted = mechanism.visibility is Visibility.UNLISTED
    return mechanism.is_published and not is_unlisted and _is_audience(viewer, mechanism, shared)


def _is_audience(viewer: Viewer, mechanism: Mechanism, shared: Access | None) -> bool:
    match mechanism.visibility:
        case Visibility.PUBLIC | Visibility.UNLISTED:
            return True
        case Visibility.INTERNAL:
            return viewer is not None
        case Visibility.PRIVATE:
            return shared is not None


def depends_on_shares(viewer: Viewer, mechanism: Mechanism) -> bool:
    """Whether a share may change what `viewer` may do with the mechanism, so that it must be looked up."""
    return viewer is not None and not can_manage(viewer, mechanism)


def can_follow_link(mechanism: Mechanism, owner: User | None) -> bool:
    """Whether a signed link gives anyone who has it access to the files of the `mechanism`, which is not for everybody.

    The suspension of the owner and the deletion of the account (None) end all links. A moderator's withdrawal ends
    those that were signed before it: the signature covers `is_withdrawn` (see `media_links`).
    """
    return owner is not None and owner.id == mechanism.user_id and not owner.is_suspended


def can_manage(viewer: Viewer, mechanism: Mechanism) -> bool:
    """Whether `viewer` is the owner or an admin, who publish, share and delete."""
    if viewer is None:
        return False
    return mechanism.is_owned_by(viewer.id) or viewer.has_permission(Permission.MANAGE_ANY_MECHANISM)


def can_edit(viewer: Viewer, mechanism: Mechanism, shared: Access | None = None) -> bool:
    """Whether `viewer` is the owner, an admin, or somebody with whom it is shared for editing."""
    return can_manage(viewer, mechanism) or (viewer is not None and shared is Access.EDIT)


def can_download_original(viewer: Viewer, mechanism: Mechanism, shared: Access | None = None) -> bool:
    """Whether `viewer` may download the file of the mechanism as it is stored: its owner and admins always, others who
    see the mechanism if the owner offers it, but not before the metadata is removed that the owner wants removed."""
    if mechanism.original is None:
        return False
    if can_manage(viewer, mechanism):
        return True
    is_pending = mechanism.original.metadata is OriginalMetadata.TO_BE_REMOVED
    return mechanism.original_offered and not is_pending and can_see(viewer, mechanism, shared)


def scope_of(viewer: Viewer, user_id: UserId | None) -> ListScope:
    """Returns what a list or search of the mechanisms of `user_id` contains for `viewer`; None means of anybody."""
    if sees_unpublished_of(viewer, user_id):
        return EVERYTHING
    return PUBLIC_SCOPE if viewer is None else ListScope(reader=viewer.id)


def sees_unpublished_of(viewer: Viewer, user_id: UserId | None) -> bool:
    """Whether a list or search of the mechanisms of `user_id` also shows `viewer` unpublished ones."""
    if viewer is None or user_id is None:
        return False
    return viewer.id == user_id or viewer.has_permission(Permission.MANAGE_ANY_MECHANISM)


def sees_by_power(viewer: Viewer, mechanism: Mechanism, shared: Access | None) -> bool:
    """Whether `viewer`, who may see the mechanism, is neither its owner nor of its audience: an admin or moderator,
    whose reading is recorded."""
    if viewer is None or mechanism.is_owned_by(viewer.id) or shared is Access.EDIT:
        return False
    return not (mechanism.is_published and _is_audience(viewer, mechanism, shared))


def reads_drafts_of_others(viewer: Actor) -> bool:
    """Whether `viewer` may see unpublished mechanisms of other users: all, or those that a moderator withdrew."""
    powers = (Permission.MANAGE_ANY_MECHANISM, Permission.WITHDRAW_ANY_MECHANISM)
    return any(viewer.has_permission(power) for power in powers)


def require_visible(viewer: Viewer, mechanism: Mechanism | None, shared: Access | None = None) -> Mechanism:
    """Returns `mechanism` if `viewer` may see it. Raises MechanismNotFound if it is absent or hidden."""
    if mechanism is None or not can_see(viewer, mechanism, shared):
        raise MechanismNotFound()
    return mechanism


def require_editor(actor: Actor, mechanism: Mechanism | None, shared: Access | None = None) -> Mechanism:
    """Returns `mechanism` if `actor` may edit it.

    Raises MechanismNotFound if `actor` may not see it, otherwise UnauthorizedOperation.
    """
    visible = require_visible(actor, mechanism, shared)
    if not can_edit(actor, visible, shared):
        require_permission(actor, Permission.MANAGE_ANY_MECHANISM)
    return visible


def require_manager(actor: Actor, mechanism: Mechanism | None, shared: Access | None = None) -> Mechanism:
    """Returns `mechanism` if `actor` is its owner or an admin. Raises as `require_editor` does."""
    visible = require_visible(actor, mechanism, shared)
    if not can_manage(actor, visible):
        require_permission(actor, Permission.MANAGE_ANY_MECHANISM)
    return visible


def require_downloader(
    viewer: Viewer, mechanism: Mechanism | None, shared: Access | None = None
) -> Mechanism:
    """Returns `mechanism` if `viewer` may download its original.

    Raises MechanismNotFound if `viewer` may not see it, otherwise AuthenticationRequired or UnauthorizedOperation, and
    MechanismNotFound if it has no original.
    """
    visible = require_visible(viewer, mechanism, shared)
    if not can_manage(viewer, visible) and not can_download_original(viewer, visible, shared):
        require_permission(viewer, Permission.MANAGE_ANY_MECHANISM)
    if visible.original is None:
        raise MechanismNotFound()
    return visible


def require_withdrawer(actor: Actor, mechanism: Mechanism | None, shared: Access | None = None) -> Mechanism:
    """Returns `mechanism` if `actor` is its owner, a moderator or an admin. Raises as `require_editor` does."""
    visible = require_visible(actor, mechanism, shared)
    if not visible.is_owned_by(actor.id):
        require_permission(actor, Permission.WITHDRAW_ANY_MECHANISM)
    return visible


def require_member(actor: Actor, group: Group | None, membership: Membership | None) -> Group:
    """Returns the group if `actor` belongs to it or is an admin; to others it looks absent. Raises GroupNotFound."""
    if group is None or (membership is None and not actor.has_permission(Permission.MANAGE_USERS)):
        raise GroupNotFound()
    return group


def require_maintainer(actor: Actor, group: Group | None, membership: Membership | None) -> Group:
    """Returns the group if `actor` maintains it or is an admin. Raises GroupNotFound, UnauthorizedOperation."""
    found = require_member(actor, group, membership)
    if membership is None or not membership.is_maintainer:
        require_permission(actor, Permission.MANAGE_USERS)
    return found


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

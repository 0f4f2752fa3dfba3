"""Who may see and change what. Lists, search, media, counts and every write ask here, and nowhere else."""

from mechshare.domain.errors import AuthenticationRequired, MechanismNotFound, UnauthorizedOperation
from mechshare.domain.ids import UserId
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.users import Actor, Permission

Viewer = Actor | None
"""Who asks; None is an anonymous caller."""


def can_see(viewer: Viewer, mechanism: Mechanism) -> bool:
    """Everyone sees what is published; an unpublished one is seen by its owner and by admins, and, when a moderator
    withdrew it, by moderators."""
    if mechanism.is_published:
        return True
    if can_edit(viewer, mechanism):
        return True
    if viewer is None:
        return False
    return mechanism.withdrawn_reason is not None and viewer.has_permission(Permission.WITHDRAW_ANY_MECHANISM)


def can_edit(viewer: Viewer, mechanism: Mechanism) -> bool:
    """Its owner and admins."""
    if viewer is None:
        return False
    return mechanism.can_be_edited_by(viewer.id) or viewer.has_permission(Permission.MANAGE_ANY_MECHANISM)


def sees_unpublished_of(viewer: Viewer, user_id: UserId | None) -> bool:
    """Whether a list or search narrowed to `user_id` (None: everybody's) also shows `viewer` what is not published.

    Without a user the list is the public one, the same for every caller.
    """
    if viewer is None or user_id is None:
        return False
    return viewer.id == user_id or viewer.has_permission(Permission.MANAGE_ANY_MECHANISM)


def require_visible(viewer: Viewer, mechanism: Mechanism | None) -> Mechanism:
    """`mechanism`, if `viewer` may see it. Raises MechanismNotFound alike for an absent one and a hidden one."""
    if mechanism is None or not can_see(viewer, mechanism):
        raise MechanismNotFound()
    return mechanism


def require_editor(actor: Actor, mechanism: Mechanism | None) -> Mechanism:
    """`mechanism`, if `actor` is its owner or an admin.

    Raises MechanismNotFound when `actor` may not even see it, else UnauthorizedOperation.
    """
    visible = require_visible(actor, mechanism)
    if visible.can_be_edited_by(actor.id):
        return visible
    require_permission(actor, Permission.MANAGE_ANY_MECHANISM)
    return visible


def require_withdrawer(actor: Actor, mechanism: Mechanism | None) -> Mechanism:
    """`mechanism`, if `actor` is its owner, a moderator or an admin. Raises as `require_editor` does."""
    visible = require_visible(actor, mechanism)
    if not visible.can_be_edited_by(actor.id):
        require_permission(actor, Permission.WITHDRAW_ANY_MECHANISM)
    return visible


def require_permission(actor: Viewer, permission: Permission) -> Actor:
    """`actor`, if signed in and granted `permission`. Raises AuthenticationRequired, UnauthorizedOperation."""
    if actor is None:
        raise AuthenticationRequired()
    if not actor.has_permission(permission):
        raise UnauthorizedOperation(permission=permission.value)
    return actor

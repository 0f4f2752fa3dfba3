"""Finds mechanisms as far as the policy lets the caller have them, and looks up the shares that it needs for this."""

from collections.abc import Callable, Sequence

from mechshare.domain.ids import MechanismId
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.domain.policy import (
    Viewer,
    can_find,
    can_see,
    depends_on_shares,
    is_listed_for,
    require_editor,
    require_manager,
    require_poster,
    require_visible,
)
from mechshare.domain.shares import Access
from mechshare.domain.users import Actor
from mechshare.ports.persistence.database import UnitOfWork


async def find_visible(tx: UnitOfWork, viewer: Viewer, id: MechanismId) -> Mechanism:
    """Raises MechanismNotFound if there is no such mechanism, or if `viewer` may not see it."""
    found = await tx.mechanisms.find_by_id(id)
    if found and can_see(viewer, found, None):
        return found
    return require_visible(viewer, found, await shared_access(tx, viewer, found))


async def find_editable(tx: UnitOfWork, actor: Actor, id: MechanismId) -> Mechanism:
    """Raises MechanismNotFound as `find_visible` does, and UnauthorizedOperation if `actor` may not edit it."""
    found = await tx.mechanisms.find_by_id(id)
    return require_editor(actor, found, await shared_access(tx, actor, found))


async def find_changeable(tx: UnitOfWork, actor: Actor, id: MechanismId) -> Mechanism:
    """Raises what `find_editable` raises, and for a published mechanism UnauthorizedOperation if `actor` is blocked
    from making anything public."""
    mechanism = await find_editable(tx, actor, id)
    if mechanism.is_published:
        require_poster(actor)
    return mechanism


async def find_managed(tx: UnitOfWork, actor: Actor, id: MechanismId) -> Mechanism:
    """Raises MechanismNotFound as `find_visible` does, and UnauthorizedOperation for others than owner and admins."""
    found = await tx.mechanisms.find_by_id(id)
    return require_manager(actor, found, await shared_access(tx, actor, found))


async def shared_access(tx: UnitOfWork, viewer: Viewer, mechanism: Mechanism | None) -> Access | None:
    """Returns what shares allow `viewer` to do with the mechanism; None for what no share can change."""
    if viewer is None or mechanism is None or not depends_on_shares(viewer, mechanism):
        return None
    return (await tx.shares.find_access(viewer.id, [mechanism.id])).get(mechanism.id)


async def visible_among(
    tx: UnitOfWork, viewer: Viewer, items: Sequence[AuthoredMechanism]
) -> tuple[AuthoredMechanism, ...]:
    """Returns those of `items`, at most 1,000, that `viewer` may see who has their addresses, in their order."""
    return await _allowed(tx, viewer, items, can_see)


async def found_among(
    tx: UnitOfWork, viewer: Viewer, items: Sequence[AuthoredMechanism]
) -> tuple[AuthoredMechanism, ...]:
    """Returns those of `items`, at most 1,000, that may be shown to `viewer` unasked, in their order."""
    return await _allowed(tx, viewer, items, can_find)


async def listed_among(
    tx: UnitOfWork, viewer: Viewer, items: Sequence[AuthoredMechanism]
) -> tuple[AuthoredMechanism, ...]:
    """Returns those of `items`, at most 1,000, that lists name to `viewer`, in their order."""
    return await _allowed(tx, viewer, items, is_listed_for)


async def _allowed(
    tx: UnitOfWork,
    viewer: Viewer,
    items: Sequence[AuthoredMechanism],
    rule: Callable[[Viewer, Mechanism, Access | None], bool],
) -> tuple[AuthoredMechanism, ...]:
    unsure = [item.mechanism.id for item in items if not rule(viewer, item.mechanism, None)]
    shared = await tx.shares.find_access(viewer.id, unsure) if viewer and unsure else {}
    return tuple(item for item in items if rule(viewer, item.mechanism, shared.get(item.mechanism.id)))

"""Counts what the deletion of an account would delete."""

from datetime import datetime

from mechshare.domain.audit import AuditFilter
from mechshare.domain.errors import UserNotFound
from mechshare.domain.marks import MarkKind
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import AccountDeletion, Actor
from mechshare.domain.visibility import EVERYTHING
from mechshare.ports.persistence.database import UnitOfWork

_MAX_REPORTS = 10_000
"""Reports are counted up to this number."""


async def deletion_of(tx: UnitOfWork, actor: Actor, now: datetime) -> AccountDeletion:
    """Raises UserNotFound."""
    account = await tx.storage_quotas.find_by_user(actor.id, now)
    if account is None:
        raise UserNotFound()
    one = PageRequest(limit=1)
    entries = await tx.audit.find_all(one, AuditFilter(actor_id=actor.id))
    notifications = await tx.notifications.find_of_user(actor.id, one)
    interests = await tx.follows.find_interests(actor.id)
    return AccountDeletion(
        mechanisms=await tx.mechanisms.count(MechanismFilter(user_id=actor.id), scope=EVERYTHING),
        bytes_used=account.bytes_used,
        claims=len(await tx.writings.find_claims(actor.id)),
        comments=len(await tx.writings.find_comments(actor.id)),
        likes=await tx.marks.count_of_user(actor.id, MarkKind.LIKE),
        bookmarks=await tx.marks.count_of_user(actor.id, MarkKind.BOOKMARK),
        collections=await tx.collections.count_of_user(actor.id),
        follows=len(interests.user_ids) + len(interests.category_ids),
        notifications=notifications.total,
        memberships=len(await tx.memberships.find_of_user(actor.id)),
        reports=len(await tx.reports.find_of_reporter(actor.id, limit=_MAX_REPORTS)),
        tokens=len(await tx.personal_access_tokens.find_of_user(actor.id)),
        webhooks=len(await tx.webhooks.find_of_user(actor.id)),
        sessions=len(await tx.sessions.find_of_user(actor.id, live_at=now)),
        audit_entries=entries.total,
    )

"""Counts what the deletion of an account would delete."""

from datetime import datetime

from mechshare.domain.audit import AuditFilter
from mechshare.domain.errors import UserNotFound
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import AccountDeletion, Actor
from mechshare.domain.visibility import EVERYTHING
from mechshare.ports.persistence.database import UnitOfWork


async def deletion_of(tx: UnitOfWork, actor: Actor, now: datetime) -> AccountDeletion:
    """Raises UserNotFound."""
    account = await tx.storage_quotas.find_by_user(actor.id, now)
    if account is None:
        raise UserNotFound()
    entries = await tx.audit.find_all(PageRequest(limit=1), AuditFilter(actor_id=actor.id))
    return AccountDeletion(
        mechanisms=await tx.mechanisms.count(MechanismFilter(user_id=actor.id), scope=EVERYTHING),
        bytes_used=account.bytes_used,
        claims=len(await tx.writings.find_claims(actor.id)),
        comments=len(await tx.writings.find_comments(actor.id)),
        memberships=len(await tx.memberships.find_of_user(actor.id)),
        tokens=len(await tx.personal_access_tokens.find_of_user(actor.id)),
        sessions=len(await tx.sessions.find_of_user(actor.id, live_at=now)),
        audit_entries=entries.total,
    )

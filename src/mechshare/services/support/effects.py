"""The kinds of effects that follow from a domain event; `services/effects.py` says which follow from which."""

from collections.abc import Sequence
from dataclasses import dataclass

from mechshare.domain.attachment_events import AttachmentAdded
from mechshare.domain.audit import AuditAction, RequestMetadata
from mechshare.domain.blobs import mechanism_of
from mechshare.domain.ids import UserId
from mechshare.domain.jobs import JobKind
from mechshare.domain.notifications import Notice
from mechshare.domain.shares import Recipient
from mechshare.domain.users import User
from mechshare.domain.webhook_events import DeliveryDue
from mechshare.domain.webhooks import delivery_subject
from mechshare.services.support.invalidation import mechanism_tag


@dataclass(frozen=True, slots=True)
class Work:
    """A job to enqueue. With `unless_pending` it is skipped if a job of its kind and subject has not ended.

    `owner` is the user whose file is processed, or whose webhook is called.
    """

    kind: JobKind
    subject: str
    request_id: str = ""
    unless_pending: bool = False
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Audited:
    action: AuditAction
    actor_id: UserId | None
    subject: str
    request_metadata: RequestMetadata
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What follows from an event. Jobs, audit entries and notifications are written in the same transaction. After the
    commit `tags` are invalidated, `refreshed` tags are refreshed, and the doorbell rings for the jobs; whatever jobs
    these are if feeds wait for the event (`is_awaited`).

    What must no longer be shown is invalidated. What is new is refreshed: within STALENESS everybody sees it.
    """

    jobs: Sequence[Work] = ()
    tags: Sequence[str] = ()
    refreshed: Sequence[str] = ()
    audit: Sequence[Audited] = ()
    notices: Sequence[Notice] = ()
    is_awaited: bool = False


def blob_deleted(key: str, request_id: str, why: str, *, tags: Sequence[str] = ()) -> Effects:
    """Returns the effects of a decision of the program to delete a file; `why` stands in the audit log."""
    audited = Audited(AuditAction.BLOB_DELETED, None, key, RequestMetadata(request_id=request_id), why)
    return Effects(jobs=[Work(JobKind.DELETE_BLOBS, key, unless_pending=True)], tags=tags, audit=[audited])


def drawing_of(added: AttachmentAdded) -> list[Work]:
    """Returns the job that draws the thumbnail of the attachment; none for a file that is no 3-D model."""
    if added.attachment.model_format is None:
        return []
    return [Work(JobKind.DRAW_MODEL, added.attachment.id, added.request_id, owner=added.owner_id)]


def file_deleted(key: str, request_id: str) -> Effects:
    """Returns the effects of the removal of a file that nothing shows any more."""
    id = mechanism_of(key)
    tags = [mechanism_tag(id)] if id else []
    return Effects(jobs=[Work(JobKind.DELETE_BLOBS, key, request_id)], tags=tags)


def named(recipient: Recipient) -> str:
    return f"{recipient.kind} {recipient.id}"


def status_actions(before: User, after: User) -> list[AuditAction]:
    """Returns what the audit log calls the changes of an account's role, quota and suspension."""
    decisions = []
    if after.role is not before.role:
        decisions.append(AuditAction.ROLE_CHANGED)
    if after.quota_bytes != before.quota_bytes:
        decisions.append(AuditAction.QUOTA_CHANGED)
    if after.is_suspended and not before.is_suspended:
        decisions.append(AuditAction.SUSPENDED)
    if before.is_suspended and not after.is_suspended:
        decisions.append(AuditAction.REINSTATED)
    return decisions


def delivery_of(due: DeliveryDue) -> Work:
    """Returns the job that delivers to a webhook; of a test there is one at a time."""
    return Work(
        JobKind.DELIVER_WEBHOOK,
        delivery_subject(due.webhook.id, due.notification_id),
        due.request_id,
        unless_pending=due.notification_id is None,
        owner=due.webhook.user_id,
    )

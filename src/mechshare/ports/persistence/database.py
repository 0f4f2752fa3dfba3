"""The database, the source of truth; indexes and caches are copies of it.

Adapters raise the documented errors, and Unavailable if the database does not respond. Times are aware, in UTC, to the
microsecond; text is stored unchanged.
"""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from mechshare.ports.persistence.account_exports import AccountExportRepository, WritingRepository
from mechshare.ports.persistence.attachments import AttachmentRepository
from mechshare.ports.persistence.audit import AuditLog
from mechshare.ports.persistence.blob_references import BlobReferenceRepository, BlobVerifications
from mechshare.ports.persistence.categories import CategoryRedirectRepository, CategoryRepository
from mechshare.ports.persistence.collections import CollectionEntryRepository, CollectionRepository
from mechshare.ports.persistence.comments import (
    CommentLockRepository,
    CommentReplyRepository,
    CommentRepository,
)
from mechshare.ports.persistence.evidence import ClaimRepository
from mechshare.ports.persistence.follows import FollowRepository
from mechshare.ports.persistence.groups import GroupRepository, MembershipRepository
from mechshare.ports.persistence.idempotency import IdempotencyRepository
from mechshare.ports.persistence.invitations import InvitationRepository
from mechshare.ports.persistence.job_batches import JobBatches
from mechshare.ports.persistence.jobs import JobLedger, JobRepository, UndoneJobs
from mechshare.ports.persistence.lineage import LineageRepository
from mechshare.ports.persistence.marks import MarkRepository
from mechshare.ports.persistence.mechanisms import (
    MechanismBulkRepository,
    MechanismFiles,
    MechanismRepository,
)
from mechshare.ports.persistence.motion_searches import MotionSearchRepository
from mechshare.ports.persistence.motions import MotionRepository
from mechshare.ports.persistence.notifications import (
    NotificationMuteRepository,
    NotificationRepository,
    UnreadNotificationRepository,
)
from mechshare.ports.persistence.pages import PageRepository
from mechshare.ports.persistence.personal_access_tokens import PersonalAccessTokenRepository
from mechshare.ports.persistence.reliability import ReliabilityHistory
from mechshare.ports.persistence.reports import ReportRepository
from mechshare.ports.persistence.revisions import RevisionRepository
from mechshare.ports.persistence.sessions import SessionRepository
from mechshare.ports.persistence.shares import ShareRepository
from mechshare.ports.persistence.statistics import CountRepository, TrafficRepository
from mechshare.ports.persistence.storage_quotas import StorageQuotaRepository
from mechshare.ports.persistence.uploads import UploadRepository
from mechshare.ports.persistence.users import CredentialRepository, UserRepository
from mechshare.ports.persistence.webhooks import WebhookDeliveryRepository, WebhookRepository


class UnitOfWork(Protocol):
    """The repositories of one transaction."""

    @property
    def users(self) -> UserRepository: ...

    @property
    def credentials(self) -> CredentialRepository: ...

    @property
    def sessions(self) -> SessionRepository: ...

    @property
    def reports(self) -> ReportRepository: ...

    @property
    def invitations(self) -> InvitationRepository: ...

    @property
    def personal_access_tokens(self) -> PersonalAccessTokenRepository: ...

    @property
    def account_exports(self) -> AccountExportRepository: ...

    @property
    def writings(self) -> WritingRepository: ...

    @property
    def categories(self) -> CategoryRepository: ...

    @property
    def category_redirects(self) -> CategoryRedirectRepository: ...

    @property
    def mechanisms(self) -> MechanismRepository: ...

    @property
    def mechanism_bulk(self) -> MechanismBulkRepository: ...

    @property
    def mechanism_files(self) -> MechanismFiles: ...

    @property
    def shares(self) -> ShareRepository: ...

    @property
    def groups(self) -> GroupRepository: ...

    @property
    def memberships(self) -> MembershipRepository: ...

    @property
    def reliability_history(self) -> ReliabilityHistory: ...

    @property
    def claims(self) -> ClaimRepository: ...

    @property
    def comments(self) -> CommentRepository: ...

    @property
    def comment_replies(self) -> CommentReplyRepository: ...

    @property
    def comment_locks(self) -> CommentLockRepository: ...

    @property
    def notifications(self) -> NotificationRepository: ...

    @property
    def unread_notifications(self) -> UnreadNotificationRepository: ...

    @property
    def notification_mutes(self) -> NotificationMuteRepository: ...

    @property
    def webhooks(self) -> WebhookRepository: ...

    @property
    def webhook_deliveries(self) -> WebhookDeliveryRepository: ...

    @property
    def lineage(self) -> LineageRepository: ...

    @property
    def marks(self) -> MarkRepository: ...

    @property
    def collections(self) -> CollectionRepository: ...

    @property
    def collection_entries(self) -> CollectionEntryRepository: ...

    @property
    def follows(self) -> FollowRepository: ...

    @property
    def traffic(self) -> TrafficRepository: ...

    @property
    def counts(self) -> CountRepository: ...

    @property
    def attachments(self) -> AttachmentRepository: ...

    @property
    def revisions(self) -> RevisionRepository: ...

    @property
    def motions(self) -> MotionRepository: ...

    @property
    def motion_searches(self) -> MotionSearchRepository: ...

    @property
    def pages(self) -> PageRepository: ...

    @property
    def blob_references(self) -> BlobReferenceRepository: ...

    @property
    def blob_verifications(self) -> BlobVerifications: ...

    @property
    def storage_quotas(self) -> StorageQuotaRepository: ...

    @property
    def uploads(self) -> UploadRepository: ...

    @property
    def ledger(self) -> JobLedger: ...

    @property
    def job_batches(self) -> JobBatches: ...

    @property
    def jobs(self) -> JobRepository: ...

    @property
    def undone_jobs(self) -> UndoneJobs: ...

    @property
    def idempotency_records(self) -> IdempotencyRepository: ...

    @property
    def audit(self) -> AuditLog: ...


class Database(Protocol):
    @property
    def reads_at_a_time(self) -> int:
        """How many concurrent reads of one process are worthwhile; further reads are better batched with the next
        one."""

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begins a transaction: committed durably on a clean exit, rolled back on an exception. Its writes are
        serialisable.

        Do no network, blob or media work inside it.
        """

    def read(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Opens a reader without a transaction: each statement sees what is committed. Writing raises RuntimeError."""

    async def migrate(self) -> None:
        """Brings the schema up to date; no-op if it is. Safe to call from many processes at once."""

    async def check(self) -> str:
        """Returns one line with the server and its version. Raises Unavailable, also if the schema is not up to
        date."""

    async def verify(self) -> str:
        """Reads the whole database if it can be checked, for at most a minute; returns one line about it.

        Raises Unavailable, also for damage, which its cause names.
        """

    async def now(self) -> datetime:
        """Returns the time of the database's own clock, by which leases expire. Raises Unavailable."""

    async def close(self) -> None: ...

"""All use cases of mechshare, one field per service."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mechshare.services.account_exports import AccountExportService
from mechshare.services.attachments import AttachmentService
from mechshare.services.audit import AuditService
from mechshare.services.authentication import AuthenticationService
from mechshare.services.categories import CategoryService
from mechshare.services.collections import CollectionService
from mechshare.services.comments import CommentService
from mechshare.services.evidence import EvidenceService
from mechshare.services.follows import FollowService
from mechshare.services.groups import GroupService
from mechshare.services.invitations import InvitationService
from mechshare.services.job_administration import JobService
from mechshare.services.jobs import JobRunner
from mechshare.services.lineage import LineageService
from mechshare.services.main_files import MainFileService
from mechshare.services.maintenance.doctor import DoctorService
from mechshare.services.maintenance.file_scrubbing import VerificationService
from mechshare.services.maintenance.garbage_collection import Scheduler
from mechshare.services.maintenance.health import HealthService
from mechshare.services.maintenance.installation import InstallationService
from mechshare.services.marks import MarkService
from mechshare.services.mechanisms import MechanismService
from mechshare.services.media import MediaService
from mechshare.services.model_thumbnails import ModelThumbnailService
from mechshare.services.motion_searches import MotionSearchService
from mechshare.services.motions import AnalysisService, MotionService
from mechshare.services.notification_feed import NotificationFeed
from mechshare.services.notifications import NotificationService
from mechshare.services.personal_access_tokens import PersonalAccessTokenService
from mechshare.services.processing import ProcessingService
from mechshare.services.processing_feed import ProcessingFeed
from mechshare.services.rate_limits import RateLimitService
from mechshare.services.registrations import RegistrationService
from mechshare.services.reliability import ReliabilityService
from mechshare.services.reports import ReportService
from mechshare.services.response_cache import ResponseCache
from mechshare.services.resumable_uploads import ResumableUploadService
from mechshare.services.revisions import RevisionService
from mechshare.services.search import SearchService
from mechshare.services.sessions import SessionService
from mechshare.services.shares import ShareService
from mechshare.services.statistics import StatisticsService
from mechshare.services.storage_quotas import StorageQuotaService
from mechshare.services.thumbnails import ThumbnailService
from mechshare.services.uploads import UploadService
from mechshare.services.users import UserService
from mechshare.services.webhooks import WebhookService
from mechshare.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The use cases. While `keep_ready` runs, uploads are ready sooner; it runs until it is cancelled. `close` releases
    the resources of the adapters."""

    settings: Settings

    authentication: AuthenticationService
    users: UserService
    account_exports: AccountExportService
    registrations: RegistrationService
    invitations: InvitationService
    reports: ReportService
    sessions: SessionService
    personal_access_tokens: PersonalAccessTokenService
    categories: CategoryService
    mechanisms: MechanismService
    shares: ShareService
    groups: GroupService
    reliability: ReliabilityService
    evidence: EvidenceService
    comments: CommentService
    notifications: NotificationService
    webhooks: WebhookService
    lineage: LineageService
    marks: MarkService
    statistics: StatisticsService
    collections: CollectionService
    follows: FollowService
    attachments: AttachmentService
    revisions: RevisionService
    main_files: MainFileService
    model_thumbnails: ModelThumbnailService
    uploads: UploadService
    resumable_uploads: ResumableUploadService
    storage_quotas: StorageQuotaService
    processing: ProcessingService
    processing_feed: ProcessingFeed
    notification_feed: NotificationFeed
    motions: MotionService
    motion_searches: MotionSearchService
    analyses: AnalysisService
    thumbnails: ThumbnailService
    media: MediaService
    search: SearchService
    jobs: JobService
    audit: AuditService
    rate_limits: RateLimitService
    responses: ResponseCache

    runner: JobRunner
    scheduler: Scheduler
    installation: InstallationService
    verification: VerificationService
    health: HealthService
    doctor: DoctorService

    keep_ready: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]

"""The composition root: adapters -> services -> Application."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from mechshare.adapters.blobs.files import FileBlobStore
from mechshare.adapters.scratch.local import LocalScratch
from mechshare.adapters.search.measured import MeasuredSearchIndex
from mechshare.adapters.search.text.database_words import DatabaseWords
from mechshare.adapters.search.widened import WidenedSearchIndex
from mechshare.adapters.store_marker import INCOMING
from mechshare.adapters.tokens.jwt import JwtTokenIssuer
from mechshare.application import Application
from mechshare.bootstrap.adapters import Adapters, choose_adapters, choose_media, choose_thesaurus
from mechshare.bootstrap.data_folder import data_folder
from mechshare.bootstrap.secrets import derived_key, signing_keys, stored_secrets
from mechshare.domain.evidence import EvidenceRule
from mechshare.domain.external_hosts import ExternalHosts
from mechshare.domain.invitations import RegistrationMode
from mechshare.domain.jobs import JobKind
from mechshare.domain.media_links import LinkSigner
from mechshare.domain.rate_limits import Quota
from mechshare.domain.role_seals import RoleSeal
from mechshare.domain.storage_quotas import RoleQuotas
from mechshare.domain.tickets import TicketSigner
from mechshare.domain.uploads import UploadLimits
from mechshare.ports.clock import Clock
from mechshare.ports.scratch import Scratch
from mechshare.ports.search import SearchIndex
from mechshare.ports.tokens import TokenIssuer
from mechshare.services.account_exports import AccountExportService, ExportAccount
from mechshare.services.attachments import AttachmentService
from mechshare.services.audit import AuditService
from mechshare.services.authentication import AuthenticationService
from mechshare.services.categories import CategoryService
from mechshare.services.collections import CollectionService
from mechshare.services.comments import CommentService
from mechshare.services.derivation import Derivation, ScratchDerivation
from mechshare.services.evidence import EvidenceService
from mechshare.services.follows import FollowService
from mechshare.services.groups import GroupService
from mechshare.services.indexing import IndexMechanism, RebuildIndex
from mechshare.services.invitations import InvitationService
from mechshare.services.job_administration import JobService
from mechshare.services.jobs import JobHandler, JobObserver, JobRunner
from mechshare.services.lineage import LineageService
from mechshare.services.main_files import MainFileService
from mechshare.services.maintenance.blob_measurement import MeasureBlobs
from mechshare.services.maintenance.doctor import DoctorService
from mechshare.services.maintenance.failed_originals import FailedOriginalObserver, FailedOriginals
from mechshare.services.maintenance.file_scrubbing import VerificationService, VerifyFiles
from mechshare.services.maintenance.garbage_collection import GarbageCollection, Scheduler
from mechshare.services.maintenance.health import HealthService
from mechshare.services.maintenance.installation import InstallationService
from mechshare.services.maintenance.upload_expiry import DeleteExpiredUploads
from mechshare.services.marks import MarkService
from mechshare.services.mechanisms import MechanismService
from mechshare.services.media import MediaService
from mechshare.services.model_thumbnails import DrawModel, ModelThumbnailService
from mechshare.services.motion_files import FileMotions
from mechshare.services.motion_searches import MotionSearchService, SearchByMotion
from mechshare.services.motions import AnalyseMotion, AnalysisService, MotionService
from mechshare.services.notification_feed import NotificationFeed
from mechshare.services.notifications import NotificationService
from mechshare.services.personal_access_tokens import PersonalAccessTokenService
from mechshare.services.processing import DeleteBlobs, ProcessingService, ProcessMechanismFile
from mechshare.services.processing_feed import ProcessingFeed
from mechshare.services.rate_limits import CostlyOperation, RateLimitService
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
from mechshare.services.support.admissions import Admissions
from mechshare.services.support.category_names import CategoryNames
from mechshare.services.support.clip_limit import ClipLimit
from mechshare.services.support.content_rules import ContentRules
from mechshare.services.support.file_verification import FileObserver, FileVerification
from mechshare.services.support.personal_data import PersonalData
from mechshare.services.support.refused_tokens import RefusedTokens
from mechshare.services.support.reservations import Reservations
from mechshare.services.support.similar_motions import SimilarMotions
from mechshare.services.support.stored_files import StoredFiles
from mechshare.services.support.token_pairs import TokenPairs
from mechshare.services.support.token_uses import TokenUses
from mechshare.services.thumbnails import DrawThumbnail, ThumbnailService
from mechshare.services.transactions import Transactions
from mechshare.services.uploads import UploadService
from mechshare.services.users import UserService
from mechshare.services.webhooks import DeliverWebhook, WebhookService
from mechshare.settings import Settings
from mechshare.urls import path_of, scheme_of


class Observer(JobObserver, FileObserver, FailedOriginalObserver, Protocol):
    """Receives what happens in the background, for logs and metrics."""


def build(
    settings: Settings,
    observer: Observer,
    adapters: Adapters | None = None,
    derivation: Derivation | None = None,
) -> Application:
    """Builds the application that `settings` describe, without contacting anything. Raises SettingsError.

    If `adapters` is None, the settings choose them. Closing the application closes the adapters. Clips are processed
    in the folder `scratch` of the data folder unless `derivation` is given.
    """
    adapters = adapters or choose_adapters(settings)
    scratch = LocalScratch(settings.data / "scratch", _incoming_folders(settings))
    derivation = derivation or _scratch_derivation(settings, adapters, scratch)
    secrets = settings.secret or stored_secrets(data_folder(settings.data) / "secret.key")
    database, blobs = adapters.database, adapters.blobs
    thesaurus = choose_thesaurus(settings)
    index = MeasuredSearchIndex(WidenedSearchIndex(adapters.index, thesaurus))
    doorbell, cache, limiter, disks = adapters.doorbell, adapters.cache, adapters.limiter, adapters.disks
    clock, ids, media, passwords = adapters.clock, adapters.ids, adapters.media, adapters.passwords
    tokens = _token_issuer(settings.token_algorithm, [derived_key(one, "tokens") for one in secrets], clock)
    pairs = TokenPairs(tokens, signing_keys(secrets, "refresh tokens"))
    tickets = TicketSigner(signing_keys(secrets, "tickets"))
    roles = RoleSeal(signing_keys(secrets, "roles"))
    links = LinkSigner(signing_keys(secrets, "links"))
    transactions = Transactions(database, cache, doorbell, clock, ids)
    refused_tokens, token_uses = RefusedTokens(), TokenUses()
    evidence_rule = EvidenceRule(
        level_3=settings.level_3_supporters,
        level_4=settings.level_4_supporters,
        is_enforced=settings.evidence == "required",
    )
    rules = ContentRules(
        ExternalHosts(settings.external_media_hosts),
        evidence_rule,
        CategoryNames(clock, may_be_added=settings.categories == "authors"),
    )
    similar = SimilarMotions(adapters.motions)
    clip_limit = ClipLimit(settings.unfinished_clips_per_user)
    audit_retention = _retention(settings.audit_retention_days)
    failed_retention = _retention(settings.failed_originals_days)
    failed_originals = FailedOriginals(transactions, clock, observer, failed_retention)
    local_files = blobs if isinstance(blobs, FileBlobStore) else None
    verification = FileVerification(transactions, blobs, clock, observer)
    sweep = GarbageCollection(database, transactions, blobs, clock, failed_originals, audit_retention)
    handlers = _job_handlers(
        adapters, index, transactions, derivation, verification, sweep, settings.former_files
    )
    quotas = RoleQuotas(
        user=settings.user_quota_bytes,
        moderator=settings.moderator_quota_bytes,
        admin=settings.admin_quota_bytes,
    )
    upload_limits = UploadLimits(
        max_bytes=settings.max_upload_bytes,
        unfinished_per_user=settings.unfinished_uploads_per_user,
        quotas=quotas,
    )
    reservations = Reservations(transactions, clock, quotas)
    admissions = Admissions(transactions, clock, RegistrationMode(settings.registration))
    optional = {"jobs": doorbell.check, "cache": cache.check, "limits": limiter.check}
    return Application(
        settings=settings,
        authentication=AuthenticationService(
            database, tokens, tickets, roles, cache, clock, refused_tokens, token_uses
        ),
        users=UserService(transactions, passwords, clock, ids, admissions),
        account_exports=AccountExportService(transactions, PersonalData(database, blobs), clock, ids),
        registrations=RegistrationService(transactions, clock),
        invitations=InvitationService(transactions, clock, ids),
        reports=ReportService(transactions, clock, ids),
        sessions=SessionService(transactions, passwords, pairs, clock, ids, refused_tokens),
        personal_access_tokens=PersonalAccessTokenService(transactions, clock, ids, token_uses),
        categories=CategoryService(transactions, clock),
        mechanisms=MechanismService(
            transactions,
            clock,
            ids,
            clip_limit,
            rules,
            derivation,
        ),
        reliability=ReliabilityService(database),
        evidence=EvidenceService(transactions, clock, ids, evidence_rule),
        comments=CommentService(transactions, clock, ids),
        notifications=NotificationService(transactions, clock),
        webhooks=WebhookService(
            transactions, clock, ids, allows_private=settings.webhook_private_addresses == "allowed"
        ),
        lineage=LineageService(transactions, clock),
        marks=MarkService(transactions, clock),
        statistics=StatisticsService(transactions, adapters.recent_views, clock),
        collections=CollectionService(transactions, clock, ids),
        follows=FollowService(transactions, clock),
        shares=ShareService(transactions, clock),
        groups=GroupService(transactions, clock, ids),
        attachments=AttachmentService(transactions, clock, ids),
        revisions=RevisionService(transactions),
        main_files=MainFileService(transactions, clock, clip_limit),
        model_thumbnails=ModelThumbnailService(transactions),
        uploads=UploadService(blobs, disks, ids, reservations, settings.max_upload_bytes),
        resumable_uploads=ResumableUploadService(
            transactions, adapters.uploads, disks, clock, ids, upload_limits
        ),
        storage_quotas=StorageQuotaService(database, clock, quotas),
        processing=ProcessingService(transactions, clock, clip_limit, failed_retention),
        processing_feed=ProcessingFeed(transactions, doorbell, failed_retention),
        notification_feed=NotificationFeed(transactions),
        motions=MotionService(transactions, similar),
        motion_searches=MotionSearchService(transactions, similar, clock),
        analyses=AnalysisService(transactions),
        thumbnails=ThumbnailService(transactions, clock),
        media=MediaService(database, StoredFiles(blobs, verification, local_files), links, cache, clock),
        search=SearchService(
            transactions,
            index,
            words=DatabaseWords(thesaurus).find_words,
            scans_at_a_time=database.reads_at_a_time,
        ),
        jobs=JobService(transactions, handlers),
        audit=AuditService(transactions, refused_tokens, clock),
        rate_limits=RateLimitService(limiter, settings.requests_per_minute, _costly_quotas(settings)),
        responses=ResponseCache(cache, clock, database.reads_at_a_time),
        installation=InstallationService(database, blobs, scratch),
        health=HealthService(database, blobs, adapters.index, disks, optional),
        verification=VerificationService(database, verification),
        doctor=DoctorService(database, blobs, adapters.index, media, disks, optional, clock, ids),
        runner=JobRunner(transactions, handlers, doorbell, clock, observer),
        scheduler=Scheduler(transactions, index, clock),
        keep_ready=derivation.keep_ready,
        close=adapters.close,
    )


def file_motions() -> FileMotions:
    """Returns the analysis of clips in files, which needs no installation."""
    return FileMotions(choose_media())


def _incoming_folders(settings: Settings) -> Sequence[Path]:
    """Returns the folders, except the scratch folder, in which killed processes leave unfinished files."""
    is_file_store = scheme_of(settings.blobs_url) == "file"
    return [path_of(settings.blobs_url) / INCOMING] if is_file_store else []


def _scratch_derivation(settings: Settings, adapters: Adapters, scratch: Scratch) -> Derivation:
    data_folder(settings.data / "scratch")
    return ScratchDerivation(adapters.blobs, adapters.media, adapters.disks, scratch)


def _job_handlers(
    adapters: Adapters,
    index: SearchIndex,
    transactions: Transactions,
    derivation: Derivation,
    verification: FileVerification,
    sweep: GarbageCollection,
    former_files: int,
) -> dict[JobKind, JobHandler]:
    database, blobs, clock = adapters.database, adapters.blobs, adapters.clock
    indexing = IndexMechanism(transactions, index)
    return {
        JobKind.PROCESS_MECHANISM_FILE: ProcessMechanismFile(
            transactions, derivation, clock, former_files=former_files
        ),
        JobKind.DRAW_THUMBNAIL: DrawThumbnail(transactions, derivation, clock),
        JobKind.DRAW_MODEL: DrawModel(transactions, derivation, clock),
        JobKind.ANALYSE_MOTION: AnalyseMotion(transactions, derivation, clock),
        JobKind.SEARCH_BY_MOTION: SearchByMotion(transactions, derivation, clock),
        JobKind.INDEX_MECHANISM: indexing,
        JobKind.INDEX_DRAFT: indexing,
        JobKind.EXPORT_ACCOUNT: ExportAccount(transactions, PersonalData(database, blobs), blobs),
        JobKind.DELIVER_WEBHOOK: DeliverWebhook(transactions, adapters.webhooks, clock),
        JobKind.DELETE_BLOBS: DeleteBlobs(database, blobs),
        JobKind.REBUILD_INDEX: RebuildIndex(transactions, index),
        JobKind.MEASURE_BLOBS: MeasureBlobs(database, blobs),
        JobKind.VERIFY_FILES: VerifyFiles(database, verification, clock),
        JobKind.DELETE_EXPIRED_UPLOADS: DeleteExpiredUploads(database, adapters.uploads, clock),
        JobKind.SWEEP: sweep,
    }


def _retention(days: int) -> timedelta | None:
    return timedelta(days=days) if days else None


def _costly_quotas(settings: Settings) -> dict[CostlyOperation, Quota]:
    limits = {
        CostlyOperation.REGISTRATIONS: (settings.registrations_per_hour, 3600),
        CostlyOperation.UPLOADS: (settings.uploads_per_hour, 3600),
        CostlyOperation.SEARCHES: (settings.searches_per_minute, 60),
        CostlyOperation.RETRIES: (settings.retries_per_hour, 3600),
    }
    return {
        kind: Quota(name=kind.value, amount=amount, seconds=seconds)
        for kind, (amount, seconds) in limits.items()
    }


def _token_issuer(algorithm: str, keys: Sequence[bytes], clock: Clock) -> TokenIssuer:
    first, *older = keys
    if algorithm == "EdDSA":
        return JwtTokenIssuer.from_ed25519_seed(first, clock, older=older)
    return JwtTokenIssuer.from_secret(first, clock, older=older)

"""Domain events, recorded by use cases. `mechshare.services.effects` lists the effects of each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mechshare.domain.account_export_events import AccountExportEvent
from mechshare.domain.attachment_events import AttachmentEvent
from mechshare.domain.audit import RequestMetadata
from mechshare.domain.blobs import BlobReference
from mechshare.domain.category_events import CategoryEvent
from mechshare.domain.comment_events import CommentEvent
from mechshare.domain.evidence_events import EvidenceEvent
from mechshare.domain.follow_events import UserFollowed
from mechshare.domain.ids import CategoryId, MechanismId, UploadId, UserId
from mechshare.domain.jobs import Job, JobKind
from mechshare.domain.mark_events import MechanismLiked
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.motion_events import AnalysisRequested, MotionSearchBegun, MotionSearchEnded
from mechshare.domain.registration_events import (
    InvitationCreated,
    InvitationRevoked,
    RegistrationApproved,
    RegistrationRejected,
    UserRegistered,
)
from mechshare.domain.report_events import ReportJudged, ReportMade
from mechshare.domain.session_events import SessionEvent
from mechshare.domain.sharing_events import (
    GroupDeleted,
    GroupQuotaChanged,
    MechanismEditedByOther,
    MechanismShared,
    MemberAdded,
    MemberRemoved,
    ShareRemoved,
)
from mechshare.domain.users import User
from mechshare.domain.webhook_events import WebhookEvent


@dataclass(frozen=True, slots=True, eq=False)
class MechanismCreated:
    """Compared by identity: two equal requests create two mechanisms. `upload_id` is the upload that becomes its
    file."""

    mechanism: Mechanism
    request_id: str
    upload_id: UploadId | None = None


@dataclass(frozen=True, slots=True)
class MechanismChanged:
    """`actor_id` is the user who changed it; None for a job."""

    before: Mechanism
    after: Mechanism
    request_id: str = ""
    actor_id: UserId | None = None


@dataclass(frozen=True, slots=True)
class FailedOriginalDeleted:
    """The file under `key` is deleted, because its processing failed long ago."""

    mechanism_id: MechanismId
    key: str
    request_id: str


@dataclass(frozen=True, slots=True)
class FileReplaced:
    """Another file took the place of the one under `key`, to which nothing refers any more."""

    key: str
    request_id: str


@dataclass(frozen=True, slots=True)
class MechanismWithdrawnByModerator:
    mechanism: Mechanism
    moderator_id: UserId
    reason: str
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class DraftRead:
    """Somebody else than the owner read what is not public: a mechanism, its original, or the list of a user's."""

    subject: str
    reader_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class AccountsListed:
    admin_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class TokensRefused:
    """`count` requests with a bad token of this `kind` were refused since the process recorded the last ones."""

    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class MechanismsWithdrawn:
    """An admin hid published mechanisms of a suspended account. `were_public`: everybody saw them."""

    mechanism_ids: Sequence[MechanismId]
    admin_id: UserId
    reason: str
    request_metadata: RequestMetadata
    were_public: bool = True


@dataclass(frozen=True, slots=True)
class MechanismsReinstated:
    """An admin published again what the suspension of an account had hidden. `are_public`: everybody sees them."""

    mechanism_ids: Sequence[MechanismId]
    admin_id: UserId
    request_metadata: RequestMetadata
    are_public: bool = True


@dataclass(frozen=True, slots=True)
class MechanismDeleted:
    mechanism_id: MechanismId
    actor_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class MechanismsRemoved:
    """A few hundred mechanisms were deleted. `blobs` are their stored files: keys, and prefixes that end with `/`."""

    mechanism_ids: Sequence[MechanismId]
    blobs: Sequence[str]
    were_public: bool
    request_id: str


@dataclass(frozen=True, slots=True)
class MechanismsRenamed:
    """`actor_id` changed the name of the mechanisms' author or category. `are_public`: at least one is public."""

    mechanism_ids: Sequence[MechanismId]
    are_public: bool
    actor_id: UserId | None = None


@dataclass(frozen=True, slots=True)
class MechanismIndexed:
    """The search index now has this state of the mechanism. `was_public`: it was public before, or is now."""

    mechanism: Mechanism
    was_public: bool


@dataclass(frozen=True, slots=True)
class DeletionIndexed:
    """The search index no longer has the deleted mechanism. `was_public`: it may have been public."""

    mechanism_id: MechanismId
    was_public: bool


@dataclass(frozen=True, slots=True)
class CountsChanged:
    """The likes, views and other numbers of these mechanisms were counted again."""

    ids: Sequence[MechanismId]


@dataclass(frozen=True, slots=True)
class ListCountsChanged:
    """The public lists of these categories and users show mechanisms that were counted again."""

    categories: Collection[CategoryId]
    users: Collection[UserId]


@dataclass(frozen=True, slots=True)
class IndexRebuilt:
    pass


@dataclass(frozen=True, slots=True)
class ProcessingRequested:
    mechanism: Mechanism


@dataclass(frozen=True, slots=True)
class MainFileSent:
    """`actor_id` sent or restored a file that is to take the place of the main file."""

    mechanism_id: MechanismId
    actor_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class FormerFileDeleted:
    """`actor_id` deleted the former file of the revision `number`."""

    mechanism_id: MechanismId
    actor_id: UserId
    number: int
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class ThumbnailChosen:
    mechanism: Mechanism
    request_id: str


@dataclass(frozen=True, slots=True)
class ProcessingChanged:
    """Only the processing state of the mechanism changed, to pending or processing."""

    mechanism: Mechanism


@dataclass(frozen=True, slots=True)
class DerivativesOrphaned:
    """Files were stored for a mechanism that no longer exists."""

    mechanism_id: MechanismId
    request_id: str


@dataclass(frozen=True, slots=True)
class BlobOrphaned:
    """No row refers to a stored file any more."""

    key: str
    request_id: str


@dataclass(frozen=True, slots=True)
class UserDeleted:
    user_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class AccountStatusChanged:
    """An admin changed the role or the suspension of another user."""

    before: User
    after: User
    admin_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class AccessDenied:
    """An authenticated caller was refused the operation `attempted` with the error `code`."""

    actor_id: UserId
    attempted: str
    code: str
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class JobRetried:
    """An operator retries `job`, which failed or was cancelled."""

    job: Job


@dataclass(frozen=True, slots=True)
class FileVerified:
    """A verification found a stored file damaged, or whole again. `reference` is the one before."""

    reference: BlobReference


@dataclass(frozen=True, slots=True)
class MaintenanceDue:
    """A job about the whole installation is due."""

    kind: JobKind


Event = (
    MechanismCreated
    | CommentEvent
    | MechanismChanged
    | MechanismWithdrawnByModerator
    | EvidenceEvent
    | WebhookEvent
    | MechanismLiked
    | UserFollowed
    | MechanismEditedByOther
    | MechanismShared
    | ShareRemoved
    | MemberAdded
    | MemberRemoved
    | GroupQuotaChanged
    | GroupDeleted
    | DraftRead
    | AccountsListed
    | TokensRefused
    | MechanismsWithdrawn
    | MechanismsReinstated
    | MechanismDeleted
    | MechanismsRemoved
    | MechanismsRenamed
    | MechanismIndexed
    | DeletionIndexed
    | CountsChanged
    | ListCountsChanged
    | IndexRebuilt
    | ProcessingRequested
    | MainFileSent
    | FormerFileDeleted
    | ThumbnailChosen
    | AnalysisRequested
    | MotionSearchBegun
    | MotionSearchEnded
    | ProcessingChanged
    | DerivativesOrphaned
    | BlobOrphaned
    | AttachmentEvent
    | FileReplaced
    | FailedOriginalDeleted
    | UserRegistered
    | RegistrationApproved
    | RegistrationRejected
    | InvitationCreated
    | InvitationRevoked
    | UserDeleted
    | ReportMade
    | ReportJudged
    | AccountStatusChanged
    | CategoryEvent
    | AccountExportEvent
    | SessionEvent
    | AccessDenied
    | JobRetried
    | FileVerified
    | MaintenanceDue
)

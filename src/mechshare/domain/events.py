"""What happened, as use cases record it. What follows from each event is said in `mechshare.services.effects`."""

from collections.abc import Sequence
from dataclasses import dataclass

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.ids import CategoryId, MechanismId, SessionId, UserId
from mechshare.domain.jobs import Job, JobKind
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.users import User


@dataclass(frozen=True, slots=True, eq=False)
class MechanismCreated:
    """Each is one of its own: two equal requests create two mechanisms."""

    mechanism: Mechanism
    request_id: str


@dataclass(frozen=True, slots=True)
class MechanismChanged:
    before: Mechanism
    after: Mechanism
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class MechanismWithdrawnByModerator:
    mechanism_id: MechanismId
    moderator_id: UserId
    reason: str
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class MechanismDeleted:
    mechanism_id: MechanismId
    actor_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class MechanismsRemoved:
    """A few hundred rows are gone. `blobs` are the stored files of theirs: keys, and prefixes that end with `/`."""

    mechanism_ids: Sequence[MechanismId]
    blobs: Sequence[str]
    were_public: bool
    request_id: str


@dataclass(frozen=True, slots=True)
class MechanismsRenamed:
    """These are shown and found under another name of their author or category. `are_public`: some of them."""

    mechanism_ids: Sequence[MechanismId]
    are_public: bool


@dataclass(frozen=True, slots=True)
class MechanismIndexed:
    """The search index says of it what the database says. `was_public`: before, or now."""

    mechanism_id: MechanismId
    was_public: bool


@dataclass(frozen=True, slots=True)
class IndexRebuilt:
    pass


@dataclass(frozen=True, slots=True)
class ProcessingRequested:
    mechanism: Mechanism


@dataclass(frozen=True, slots=True)
class ProcessingChanged:
    """It is shown as waiting or as being processed; all else about it is as it was."""

    mechanism: Mechanism


@dataclass(frozen=True, slots=True)
class DerivativesOrphaned:
    """Files were stored for a mechanism that is gone."""

    mechanism_id: MechanismId
    request_id: str


@dataclass(frozen=True, slots=True)
class BlobOrphaned:
    """Nothing refers to a stored file any more."""

    key: str
    request_id: str


@dataclass(frozen=True, slots=True)
class UserRegistered:
    user: User
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class UserDeleted:
    user_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class AccountStatusChanged:
    """An admin decided about another's role or suspension."""

    before: User
    after: User
    admin_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class CategoryCreated:
    category_id: CategoryId


@dataclass(frozen=True, slots=True)
class CategoryRenamed:
    category_id: CategoryId


@dataclass(frozen=True, slots=True)
class CategoryDeleted:
    category_id: CategoryId


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """`account` is the user name."""

    user_id: UserId
    account: str
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class SignInFailed:
    """A wrong password, or none that helps. `account` is what guesses are counted under."""

    user_id: UserId | None
    account: str
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class SignInThrottled:
    account: str
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class SessionEnded:
    user_id: UserId
    session_id: SessionId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class RefreshDenied:
    """A refresh token was not taken. Its user and session are None where it belongs to none."""

    user_id: UserId | None
    session_id: SessionId | None
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class RefreshTokenReused:
    """A refresh token was presented twice, which ended its session."""

    user_id: UserId
    session_id: SessionId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    user_id: UserId
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class PasswordReset:
    """The operator set a new password for a user who forgot theirs."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class AccessDenied:
    """A known caller was refused `attempted`, with the error of this code."""

    actor_id: UserId
    attempted: str
    code: str
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class JobRetried:
    """An operator wants the work of `job`, which failed or was cancelled, done once more."""

    job: Job


@dataclass(frozen=True, slots=True)
class MaintenanceDue:
    """It is time for a job that is about the whole installation."""

    kind: JobKind


Event = (
    MechanismCreated
    | MechanismChanged
    | MechanismWithdrawnByModerator
    | MechanismDeleted
    | MechanismsRemoved
    | MechanismsRenamed
    | MechanismIndexed
    | IndexRebuilt
    | ProcessingRequested
    | ProcessingChanged
    | DerivativesOrphaned
    | BlobOrphaned
    | UserRegistered
    | UserDeleted
    | AccountStatusChanged
    | CategoryCreated
    | CategoryRenamed
    | CategoryDeleted
    | SessionOpened
    | SignInFailed
    | SignInThrottled
    | SessionEnded
    | RefreshDenied
    | RefreshTokenReused
    | PasswordChanged
    | PasswordReset
    | AccessDenied
    | JobRetried
    | MaintenanceDue
)

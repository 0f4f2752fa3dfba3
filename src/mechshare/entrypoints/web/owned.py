"""What the pages of an owner show of their mechanisms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mechshare.application import Application
from mechshare.domain.failed_originals import is_original_deleted
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.processing import ProcessingState
from mechshare.entrypoints.web.cards import Card


class OwnerState(StrEnum):
    """The one thing that an owner wants to know about a mechanism first."""

    PROCESSING = "processing"
    FAILED = "failed"
    DRAFT = "draft"
    PUBLIC = "public"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedFile:
    """Why the processing of a file failed, and whether the file was deleted since, or when it is due to be; None if it
    never is."""

    reason: str
    is_deleted: bool
    deletion_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedMechanism:
    """A mechanism as its owner sees it. `reason` says why its processing failed or why a moderator withdrew it; `alike`
    are listed mechanisms that move much as a draft does."""

    card: Card
    state: OwnerState
    reason: str
    failed: FailedFile | None = None
    alike: Sequence[Mechanism] = ()


def state_of(mechanism: Mechanism) -> OwnerState:
    if mechanism.withdrawn_reason is not None:
        return OwnerState.WITHDRAWN
    if mechanism.is_published:
        return OwnerState.PUBLIC
    if mechanism.processing.state is ProcessingState.FAILED:
        return OwnerState.FAILED
    return OwnerState.DRAFT if mechanism.processing.has_ended else OwnerState.PROCESSING


def failed_file(application: Application, mechanism: Mechanism, language: str) -> FailedFile | None:
    """Returns what an editor reads about a file whose processing failed, in `language`; None if it did not fail."""
    failure = mechanism.processing.failure
    if failure is None:
        return None
    return FailedFile(
        reason=failure.message(language),
        is_deleted=is_original_deleted(mechanism),
        deletion_due_at=application.processing.deletion_due_at(mechanism),
    )


def owned(card: Card, failed: FailedFile | None, alike: Sequence[Mechanism] = ()) -> OwnedMechanism:
    """Returns the mechanism of `card`, whose file `failed` or did not, with its state and the reason for it."""
    mechanism = card.mechanism
    return OwnedMechanism(
        card=card,
        state=state_of(mechanism),
        reason=mechanism.withdrawn_reason or (failed.reason if failed else ""),
        failed=failed,
        alike=alike,
    )

"""What the pages of an owner show of their mechanisms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mechshare.domain.failed_originals import is_original_deleted
from mechshare.domain.mechanisms import Mechanism, ProcessingState
from mechshare.entrypoints.web.cards import Card


class OwnerState(StrEnum):
    """The one thing that an owner wants to know about a mechanism first."""

    PROCESSING = "processing"
    FAILED = "failed"
    DRAFT = "draft"
    PUBLIC = "public"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedMechanism:
    """A mechanism as its owner sees it. `reason` says why its processing failed or why a moderator withdrew it; `alike`
    are listed mechanisms that move much as a draft does. `deletion_due_at` is when a file whose processing failed is
    due to be deleted."""

    card: Card
    state: OwnerState
    reason: str
    deletion_due_at: datetime | None = None
    is_original_deleted: bool = False
    alike: Sequence[Mechanism] = ()


def state_of(mechanism: Mechanism) -> OwnerState:
    if mechanism.withdrawn_reason is not None:
        return OwnerState.WITHDRAWN
    if mechanism.is_published:
        return OwnerState.PUBLIC
    if mechanism.processing.state is ProcessingState.FAILED:
        return OwnerState.FAILED
    return OwnerState.DRAFT if mechanism.processing.has_ended else OwnerState.PROCESSING


def owned(
    card: Card, language: str, alike: Sequence[Mechanism] = (), deletion_due_at: datetime | None = None
) -> OwnedMechanism:
    """Returns the mechanism of `card` with its state and the reason for it in `language`."""
    mechanism = card.mechanism
    failure = mechanism.processing.failure
    reason = mechanism.withdrawn_reason or (failure.message(language) if failure else "")
    return OwnedMechanism(
        card=card,
        state=state_of(mechanism),
        reason=reason,
        deletion_due_at=deletion_due_at,
        is_original_deleted=is_original_deleted(mechanism),
        alike=alike,
    )

"""Domain events of claims: a part of the union `mechshare.domain.events.Event`."""

from dataclasses import dataclass

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.evidence import Claim
from mechshare.domain.ids import UserId


@dataclass(frozen=True, slots=True)
class ClaimMade:
    """`owner_id` is the owner of the mechanism."""

    claim: Claim
    owner_id: UserId


@dataclass(frozen=True, slots=True)
class ClaimReplied:
    """`actor_id` wrote the reply that the claim has now."""

    claim: Claim
    actor_id: UserId


@dataclass(frozen=True, slots=True)
class ClaimWithdrawnByModerator:
    claim: Claim
    moderator_id: UserId
    request_metadata: RequestMetadata


EvidenceEvent = ClaimMade | ClaimReplied | ClaimWithdrawnByModerator

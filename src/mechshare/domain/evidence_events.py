"""Domain events of claims: a part of the union `mechshare.domain.events.Event`."""

from dataclasses import dataclass

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.ids import MechanismId, UserId


@dataclass(frozen=True, slots=True)
class ClaimWithdrawnByModerator:
    mechanism_id: MechanismId
    claim_id: str
    moderator_id: UserId
    request_metadata: RequestMetadata


EvidenceEvent = ClaimWithdrawnByModerator

"""Claims about mechanisms in memory."""

from collections.abc import Sequence

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.pagination import paged
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table
from mechshare.adapters.persistence.memory.tables import KEY, MECHANISMS, USERS
from mechshare.domain.attachments import ReceivedFile
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.evidence import AuthoredClaim, Claim, ClaimId, ClaimKind
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanisms import author_of
from mechshare.domain.pagination import Page, PageRequest
from mechshare.ports.persistence.evidence import ClaimRepository

CLAIMS = Table(
    "claims",
    Claim,
    id=KEY,
    mechanism_id=Column(refers_to=MECHANISMS, cascades=True),
    user_id=Column(refers_to=USERS, cascades=True),
)


class MemoryClaimRepository(ClaimRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_claim(self, id: ClaimId) -> Claim | None:
        return self._access.read(CLAIMS).find(id)

    async def save(self, claim: Claim) -> Claim:
        try:
            return self._access.write(CLAIMS).save(claim)
        except ReferenceViolated as problem:
            raise MechanismNotFound() from problem

    async def find_of_mechanism(self, mechanism_id: MechanismId, request: PageRequest) -> Page[AuthoredClaim]:
        own = [self._authored(claim) for claim in self._of(mechanism_id)]
        return paged(own, request, key=lambda item: (item.claim.created_at, item.claim.id), descending=True)

    async def count_of_user(self, mechanism_id: MechanismId, user_id: UserId) -> int:
        return sum(claim.user_id == user_id for claim in self._of(mechanism_id))

    async def find_stances(self, mechanism_id: MechanismId) -> Sequence[tuple[UserId, ClaimKind]]:
        stances = {(claim.user_id, claim.kind) for claim in self._of(mechanism_id) if not claim.is_withdrawn}
        return sorted(stances)

    async def find_files_of_user(self, user_id: UserId) -> Sequence[tuple[MechanismId, ReceivedFile]]:
        own = (claim for claim in self._access.read(CLAIMS) if claim.user_id == user_id)
        return [(one.mechanism_id, one.file) for one in sorted(own, key=lambda one: one.id) if one.file]

    def _of(self, mechanism_id: MechanismId) -> list[Claim]:
        return [claim for claim in self._access.read(CLAIMS) if claim.mechanism_id == mechanism_id]

    def _authored(self, claim: Claim) -> AuthoredClaim:
        user = self._access.read(USERS).get(claim.user_id)
        return AuthoredClaim(claim=claim, author=author_of(user))

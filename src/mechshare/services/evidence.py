"""Claims about mechanisms, and what they say about the stated level."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mechshare.domain.attachments import sent_reference
from mechshare.domain.audit import RequestMetadata
from mechshare.domain.evidence import (
    MAX_CLAIMS_PER_USER,
    AuthoredClaim,
    Claim,
    ClaimId,
    ClaimKind,
    ClaimNotFound,
    EvidenceRule,
    NewClaim,
    Support,
    TooManyClaims,
    clean_claim,
    support_of,
)
from mechshare.domain.evidence_events import ClaimMade, ClaimReplied, ClaimWithdrawnByModerator
from mechshare.domain.ids import MechanismId, UploadId, UserId
from mechshare.domain.mechanisms import Author, Mechanism, author_of
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.policy import Viewer, require_poster
from mechshare.domain.reliability import MAX_CHANGES, AuthoredChange
from mechshare.domain.revisions import revision_at
from mechshare.domain.uploads import UploadNotFound
from mechshare.domain.users import Actor
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.services.support.access import find_managed, find_visible
from mechshare.services.support.idempotency import IdempotentRequest, require_first, run_once
from mechshare.services.transactions import Transaction, Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSummary:
    """The support of a mechanism by other people than its author, `needed` for its level. `is_carried`: it suffices."""

    level: int | None
    support: Support
    needed: int
    is_carried: bool


class EvidenceService:
    def __init__(self, transactions: Transactions, clock: Clock, ids: IdSource, rule: EvidenceRule) -> None:
        self._transactions = transactions
        self._clock = clock
        self._ids = ids
        self._rule = rule

    async def summarise(self, viewer: Viewer, mechanism_id: MechanismId) -> EvidenceSummary:
        """Returns what the evidence says about the stated level. Raises MechanismNotFound."""
        async with self._transactions.read() as tx:
            mechanism = await find_visible(tx, viewer, mechanism_id)
            return self._summary(mechanism, await tx.claims.find_stances(mechanism_id))

    async def find_trust(
        self, viewer: Viewer, mechanism_id: MechanismId
    ) -> tuple[EvidenceSummary, tuple[AuthoredChange, ...]]:
        """Returns what `summarise` returns, and the latest changes of the level. Raises MechanismNotFound."""
        async with self._transactions.read() as tx:
            mechanism = await find_visible(tx, viewer, mechanism_id)
            summary = self._summary(mechanism, await tx.claims.find_stances(mechanism_id))
            return summary, await tx.reliability_history.find_of(mechanism_id, limit=MAX_CHANGES)

    def _summary(self, mechanism: Mechanism, stances: Sequence[tuple[UserId, ClaimKind]]) -> EvidenceSummary:
        level, support = mechanism.reliability_level, support_of(mechanism, stances)
        return EvidenceSummary(
            level=level,
            support=support,
            needed=self._rule.needed(level),
            is_carried=self._rule.is_carried(level, support),
        )

    async def find_claims(
        self, viewer: Viewer, mechanism_id: MechanismId, request: PageRequest
    ) -> Page[AuthoredClaim]:
        """Returns a page of the claims, newest first, withdrawn ones included. Raises MechanismNotFound."""
        async with self._transactions.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
            page = await tx.claims.find_of_mechanism(mechanism_id, request)
            former = await tx.revisions.find_last_versions(mechanism_id)
        return replace(page, items=tuple(_revised(item, former) for item in page.items))

    async def require_room(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        idempotency: IdempotentRequest[AuthoredClaim] | None = None,
    ) -> None:
        """Raises what `add_claim` would raise before it looks at the claim, so that a caller need not receive a file
        first."""
        async with self._transactions.read() as tx:
            await _claimable(tx, actor, mechanism_id)
            await require_first(tx, self._clock, idempotency)
            await _require_room(tx, actor, mechanism_id)

    async def add_claim(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        new: NewClaim,
        upload_id: UploadId | None = None,
        idempotency: IdempotentRequest[AuthoredClaim] | None = None,
    ) -> AuthoredClaim:
        """Adds a claim about the mechanism as it is now; the upload in several requests that brought its file, if any,
        ends.

        The file counts against the quota of the actor. Raises MechanismNotFound, InvalidField, UnauthorizedOperation,
        TooManyClaims, UploadNotFound, and as `run_once` does.
        """
        cleaned = clean_claim(new)
        # In the transaction this would lock the account, for which notifications of others may wait.
        async with self._transactions.read() as reading:
            author = await _author(reading, actor.id)
        async with self._transactions.begin() as tx:
            mechanism = await _claimable(tx, actor, mechanism_id)

            async def add() -> AuthoredClaim:
                await _require_room(tx, actor, mechanism_id)
                if upload_id is not None and not await tx.uploads.delete(upload_id):
                    raise UploadNotFound()
                claim = await self._add(tx, actor, mechanism, cleaned)
                return await _authored(tx, claim, author)

            return await run_once(tx, self._clock, idempotency, add)

    async def withdraw_claim(
        self, actor: Actor, mechanism_id: MechanismId, claim_id: ClaimId, request_metadata: RequestMetadata
    ) -> AuthoredClaim:
        """Withdraws a claim of the actor's, or as a moderator anybody's; no-op if it is withdrawn.

        Raises MechanismNotFound, ClaimNotFound, UnauthorizedOperation.
        """
        async with self._transactions.begin() as tx:
            await find_visible(tx, actor, mechanism_id)
            claim = await _claim_of(tx, mechanism_id, claim_id)
            withdrawn = claim.withdraw(actor, self._clock.now())
            if withdrawn != claim:
                withdrawn = await tx.claims.save(withdrawn)
                await tx.counts.mark_stale(mechanism_id)
                if withdrawn.is_hidden:
                    await tx.record(ClaimWithdrawnByModerator(claim, actor.id, request_metadata))
            return await _authored(tx, withdrawn)

    async def reply_to_claim(
        self, actor: Actor, mechanism_id: MechanismId, claim_id: ClaimId, text: str
    ) -> AuthoredClaim:
        """Adds the reply of the mechanism's author, once.

        Raises MechanismNotFound, ClaimNotFound, UnauthorizedOperation, InvalidField, ClaimClosed.
        """
        async with self._transactions.begin() as tx:
            await find_managed(tx, actor, mechanism_id)
            require_poster(actor)
            claim = await _claim_of(tx, mechanism_id, claim_id)
            replied = await tx.claims.save(claim.replied(text, self._clock.now()))
            await tx.record(ClaimReplied(replied, actor.id))
            return await _authored(tx, replied)

    async def _add(self, tx: Transaction, actor: Actor, mechanism: Mechanism, new: NewClaim) -> Claim:
        if new.file is not None:
            now = self._clock.now()
            await tx.blob_references.add([sent_reference(mechanism, new.file, actor.id, now)])
            await tx.storage_quotas.release([new.file.key])
        claim = await tx.claims.save(self._claim(actor, mechanism, new))
        await tx.counts.mark_stale(mechanism.id)
        await tx.record(ClaimMade(claim, mechanism.user_id))
        return claim

    def _claim(self, actor: Actor, mechanism: Mechanism, new: NewClaim) -> Claim:
        return Claim(
            id=ClaimId(self._ids.new_id()),
            mechanism_id=mechanism.id,
            mechanism_version=mechanism.version,
            user_id=actor.id,
            kind=new.kind,
            text=new.text,
            link=new.link,
            doi=new.doi,
            conditions=new.conditions,
            file=new.file,
            created_at=self._clock.now(),
        )


async def _claimable(tx: UnitOfWork, actor: Actor, mechanism_id: MechanismId) -> Mechanism:
    mechanism = await find_visible(tx, actor, mechanism_id)
    require_poster(actor)
    return mechanism


async def _require_room(tx: UnitOfWork, actor: Actor, mechanism_id: MechanismId) -> None:
    if await tx.claims.count_of_user(mechanism_id, actor.id) >= MAX_CLAIMS_PER_USER:
        raise TooManyClaims(limit=MAX_CLAIMS_PER_USER)


async def _claim_of(tx: Transaction, mechanism_id: MechanismId, claim_id: ClaimId) -> Claim:
    claim = await tx.claims.find_claim(claim_id)
    if claim is None or claim.mechanism_id != mechanism_id:
        raise ClaimNotFound()
    return claim


async def _author(tx: UnitOfWork, user_id: UserId) -> Author:
    user = await tx.users.find_by_id(user_id)
    if user is None:
        raise ClaimNotFound()
    return author_of(user)


async def _authored(tx: UnitOfWork, claim: Claim, author: Author | None = None) -> AuthoredClaim:
    made_by = author or await _author(tx, claim.user_id)
    former = await tx.revisions.find_last_versions(claim.mechanism_id)
    return _revised(AuthoredClaim(claim=claim, author=made_by), former)


def _revised(item: AuthoredClaim, former: Sequence[tuple[int, int]]) -> AuthoredClaim:
    return replace(item, revision=revision_at(item.claim.mechanism_version, former))

"""Claims about mechanisms."""

from collections.abc import Sequence
from typing import Protocol

from mechshare.domain.attachments import ReceivedFile
from mechshare.domain.evidence import AuthoredClaim, Claim, ClaimId, ClaimKind
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.pagination import Page, PageRequest


class ClaimRepository(Protocol):
    """Claims are deleted with their mechanism, and with the account of the person who made them."""

    async def find_claim(self, id: ClaimId) -> Claim | None:
        """Returns the claim; in a transaction, it stays as it is until the end."""

    async def save(self, claim: Claim) -> Claim:
        """Stores `claim` and returns it with its new version; version 0 marks a new one.

        Raises StaleVersion if the stored version is not `claim.version`, and MechanismNotFound if the mechanism or the
        user does not exist.
        """

    async def find_of_mechanism(self, mechanism_id: MechanismId, request: PageRequest) -> Page[AuthoredClaim]:
        """Returns a page, newest first; positions are (created_at, id)."""

    async def count_of_user(self, mechanism_id: MechanismId, user_id: UserId) -> int:
        """Counts the claims of a user about a mechanism.

        In a transaction, other transactions that count the same wait until it ends, so that a limit holds for all of
        them together.
        """

    async def find_stances(self, mechanism_id: MechanismId) -> Sequence[tuple[UserId, ClaimKind]]:
        """Returns who made a claim of which kind and has not withdrawn it; each pair once."""

    async def find_files_of_user(self, user_id: UserId) -> Sequence[tuple[MechanismId, ReceivedFile]]:
        """Returns the files that a user sent with claims, and the mechanisms that the claims are about."""

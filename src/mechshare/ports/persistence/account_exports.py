"""Exports of accounts, and what they contain of what a user has written about mechanisms."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from mechshare.domain.account_exports import AccountExport
from mechshare.domain.comments import Comment
from mechshare.domain.evidence import Claim
from mechshare.domain.ids import AccountExportId, UserId


class AccountExportRepository(Protocol):
    """At most one export for each user, with whom it is deleted."""

    async def put(self, export: AccountExport) -> None:
        """Stores an export in place of the one that its user had. Raises UserNotFound."""

    async def find_by_id(self, id: AccountExportId) -> AccountExport | None: ...

    async def find_of_user(self, user_id: UserId) -> AccountExport | None:
        """Returns the user's export. In a transaction, other transactions that call this for the same user wait."""

    async def delete_expired(self, now: datetime, *, limit: int) -> int:
        """Deletes up to `limit` exports that expired before `now`; returns how many."""


class WritingRepository(Protocol):
    """What users have written about mechanisms, also of others."""

    async def find_claims(self, user_id: UserId) -> Sequence[Claim]:
        """Returns all claims of the user, oldest first, withdrawn ones too."""

    async def find_comments(self, user_id: UserId) -> Sequence[Comment]:
        """Returns all comments of the user, oldest first, except deleted ones."""

"""Stores personal access tokens."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from mechshare.domain.ids import TokenId, UserId
from mechshare.domain.personal_access_tokens import PersonalAccessToken


class PersonalAccessTokenRepository(Protocol):
    async def add(self, token: PersonalAccessToken) -> None:
        """Stores a new token. Raises UserNotFound."""

    async def find_by_id(self, id: TokenId) -> PersonalAccessToken | None: ...

    async def find_by_hash(self, hash: str) -> PersonalAccessToken | None: ...

    async def find_of_user(self, user_id: UserId) -> tuple[PersonalAccessToken, ...]:
        """Returns all tokens of the user, newest first, expired ones too."""

    async def delete(self, user_id: UserId, *, only: TokenId | None = None) -> int:
        """Deletes the tokens of the user, or only one of them; returns how many it deleted."""

    async def note_uses(self, uses: Mapping[TokenId, datetime]) -> None:
        """Sets the last use of each token that still exists. A time before the stored one changes nothing."""

    async def delete_expired(self, before: datetime, *, limit: int) -> int:
        """Deletes at most `limit` tokens that expired before that time; returns how many."""

"""Personal access tokens in memory."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table
from mechshare.adapters.persistence.memory.tables import KEY, USERS
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import TokenId, UserId
from mechshare.domain.personal_access_tokens import PersonalAccessToken
from mechshare.ports.persistence.personal_access_tokens import PersonalAccessTokenRepository

PERSONAL_ACCESS_TOKENS = Table(
    "personal_access_tokens",
    PersonalAccessToken,
    id=KEY,
    user_id=Column(refers_to=USERS, cascades=True),
    hash=Column(unique=True),
)


class MemoryPersonalAccessTokenRepository(PersonalAccessTokenRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, token: PersonalAccessToken) -> None:
        try:
            self._access.write(PERSONAL_ACCESS_TOKENS).insert(token)
        except ReferenceViolated as problem:
            raise UserNotFound() from problem

    async def find_by_id(self, id: TokenId) -> PersonalAccessToken | None:
        return self._access.read(PERSONAL_ACCESS_TOKENS).find(id)

    async def find_by_hash(self, hash: str) -> PersonalAccessToken | None:
        tokens = self._access.read(PERSONAL_ACCESS_TOKENS)
        return next((token for token in tokens if token.hash == hash), None)

    async def find_of_user(self, user_id: UserId) -> tuple[PersonalAccessToken, ...]:
        own = [token for token in self._access.read(PERSONAL_ACCESS_TOKENS) if token.user_id == user_id]
        return tuple(sorted(own, key=lambda token: (token.created_at, token.id), reverse=True))

    async def delete(self, user_id: UserId, *, only: TokenId | None = None) -> int:
        found = [token for token in await self.find_of_user(user_id) if only in (None, token.id)]
        return self._delete(found)

    async def note_uses(self, uses: Mapping[TokenId, datetime]) -> None:
        tokens = self._access.write(PERSONAL_ACCESS_TOKENS)
        for id, at in uses.items():
            token = tokens.find(id)
            if token and (token.last_used_at is None or token.last_used_at < at):
                tokens.put(replace(token, last_used_at=at))

    async def delete_expired(self, before: datetime, *, limit: int) -> int:
        tokens = self._access.read(PERSONAL_ACCESS_TOKENS)
        return self._delete([token for token in tokens if token.expires_at < before][:limit])

    def _delete(self, found: list[PersonalAccessToken]) -> int:
        for token in found:
            self._access.write(PERSONAL_ACCESS_TOKENS).delete(token.id)
        return len(found)

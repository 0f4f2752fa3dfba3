"""Creates, lists and revokes the personal access tokens of a user, and writes when they were used."""

from collections.abc import Collection
from dataclasses import dataclass

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import TokenId, UserId
from mechshare.domain.personal_access_tokens import (
    DEFAULT_LIFETIME_DAYS,
    MAX_TOKENS_OF_USER,
    PersonalAccessToken,
    Scope,
    TokenNotFound,
    TooManyTokens,
    clean_scopes,
    clean_token_name,
    expiry_after,
    token_text,
)
from mechshare.domain.session_events import TokenCreated, TokenRevoked
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.services.support.token_pairs import hash_of
from mechshare.services.support.token_uses import TokenUses
from mechshare.services.transactions import Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    name: str
    scopes: Collection[Scope]
    expires_in_days: int = DEFAULT_LIFETIME_DAYS


class PersonalAccessTokenService:
    def __init__(self, transactions: Transactions, clock: Clock, ids: IdSource, uses: TokenUses) -> None:
        self._transactions = transactions
        self._clock = clock
        self._ids = ids
        self._uses = uses

    async def create(
        self, user_id: UserId, new: NewToken, request_metadata: RequestMetadata
    ) -> tuple[PersonalAccessToken, str]:
        """Returns a new token of the user and its text, which is stored nowhere.

        Raises InvalidField, UserNotFound, TooManyTokens.
        """
        now, text = self._clock.now(), token_text(self._ids.new_secret())
        async with self._transactions.begin() as tx:
            user = await tx.users.find_by_id(user_id)
            if user is None:
                raise UserNotFound()
            token = PersonalAccessToken(
                id=TokenId(self._ids.new_id()),
                user_id=user_id,
                name=clean_token_name(new.name),
                scopes=clean_scopes(new.scopes, user.role),
                hash=hash_of(text),
                created_at=now,
                expires_at=expiry_after(new.expires_in_days, now),
            )
            if len(await tx.personal_access_tokens.find_of_user(user_id)) >= MAX_TOKENS_OF_USER:
                raise TooManyTokens(limit=MAX_TOKENS_OF_USER)
            await tx.personal_access_tokens.add(token)
            await tx.record(TokenCreated(user_id, token.id, token.name, request_metadata))
        return token, text

    async def find_of_user(self, user_id: UserId) -> tuple[PersonalAccessToken, ...]:
        """Returns the tokens of the user, newest first; expired ones for a month after their expiry."""
        async with self._transactions.read() as tx:
            return await tx.personal_access_tokens.find_of_user(user_id)

    async def revoke(self, user_id: UserId, token_id: TokenId, request_metadata: RequestMetadata) -> None:
        """Ends one token of the user at once. Raises TokenNotFound."""
        async with self._transactions.begin() as tx:
            if not await tx.personal_access_tokens.delete(user_id, only=token_id):
                raise TokenNotFound()
            await tx.record(TokenRevoked(user_id, token_id, request_metadata))

    async def record_uses(self) -> None:
        """Writes when this process last saw each token, to be called every USE_INTERVAL. Raises Unavailable; the uses
        then wait for the next call."""
        noted = self._uses.noted()
        if not noted:
            return
        async with self._transactions.begin() as tx:
            await tx.personal_access_tokens.note_uses(noted)
        self._uses.drop(noted)

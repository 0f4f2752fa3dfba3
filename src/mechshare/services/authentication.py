"""Identifies the caller of a request by its access token."""

from collections import OrderedDict
from datetime import datetime, timedelta
from functools import partial

from mechshare.domain.errors import InvalidToken
from mechshare.domain.sessions import Claims, SignedIn
from mechshare.domain.users import Actor, Role
from mechshare.ports.cache import Cache
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import Database
from mechshare.ports.tokens import TokenIssuer
from mechshare.services.support.invalidation import access_tag

MAX_TOKENS = 10_000
ACCOUNT_STATUS_LIFETIME = timedelta(seconds=30)
"""How long a cached account status is used at most if an invalidation is lost."""


class AuthenticationService:
    """Caches verified tokens until they expire: checking a signature costs more than the rest of the request.

    The account status (role, suspension, session) is cached separately; every change to it invalidates that entry.
    """

    def __init__(self, database: Database, tokens: TokenIssuer, cache: Cache, clock: Clock) -> None:
        self._database = database
        self._tokens = tokens
        self._cache = cache
        self._clock = clock
        self._verified: OrderedDict[str, Claims] = OrderedDict()

    async def authenticate(self, access_token: str) -> SignedIn:
        """Returns the caller. Raises InvalidToken for a bad or expired token, an ended session, a suspended or deleted
        user."""
        claims = self._claims_of(access_token, self._clock.now())
        load = partial(self._account_status, claims)
        account_status = await self._cache.get_or_load(
            access_tag(claims.user_id), claims.session_id, load, ACCOUNT_STATUS_LIFETIME
        )
        if not account_status:
            raise InvalidToken()
        return SignedIn(
            actor=Actor(id=claims.user_id, role=Role(account_status.decode())), session_id=claims.session_id
        )

    def public_keys(self) -> list[dict[str, str]]:
        """Returns the keys that verify tokens, as JWK (RFC 7517); empty if the key is secret."""
        return [dict(key) for key in self._tokens.public_keys()]

    def _claims_of(self, token: str, now: datetime) -> Claims:
        claims = self._verified.get(token)
        if claims is None:
            claims = self._tokens.verify(token)
            self._verified[token] = claims
            if len(self._verified) > MAX_TOKENS:
                self._verified.popitem(last=False)
        elif now >= claims.expires_at:
            del self._verified[token]
            raise InvalidToken()
        return claims

    async def _account_status(self, claims: Claims) -> bytes:
        """Returns the name of the caller's role; empty if the caller must be refused."""
        async with self._database.read() as tx:
            user = await tx.users.find_by_id(claims.user_id)
            session = await tx.sessions.find_by_id(claims.session_id)
        if user is None or user.is_suspended or session is None or not session.is_live(self._clock.now()):
            return b""
        return user.role.value.encode()

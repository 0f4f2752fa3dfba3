"""Identifies the caller of a request by an access token, a personal access token or a ticket."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from mechshare.domain.errors import InvalidToken
from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.personal_access_tokens import (
    PREFIX,
    Caller,
    PersonalAccessToken,
    TokenGrant,
    is_token_text,
    restricted,
)
from mechshare.domain.role_seals import BrokenSeal, Credential, RoleSeal
from mechshare.domain.sessions import Claims, SignedIn
from mechshare.domain.tickets import TicketHolder, TicketPurpose, TicketSigner
from mechshare.domain.users import Actor, Role
from mechshare.ports.cache import Cache
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import Database
from mechshare.ports.tokens import TokenIssuer
from mechshare.services.support.invalidation import access_tag
from mechshare.services.support.refused_tokens import ACCESS_TOKEN, RefusedTokens
from mechshare.services.support.token_pairs import hash_of
from mechshare.services.support.token_uses import TokenUses

MAX_TOKENS = 10_000
ACCOUNT_STATUS_LIFETIME = timedelta(seconds=30)
"""How long a cached account status is used at most if an invalidation is lost."""


class AuthenticationService:
    """Caches verified tokens until they expire: checking a signature costs more than the rest of the request.

    The account status (role, suspension, session or personal access token) is cached separately; every change to it
    invalidates that entry.
    """

    def __init__(
        self,
        database: Database,
        tokens: TokenIssuer,
        tickets: TicketSigner,
        roles: RoleSeal,
        cache: Cache,
        clock: Clock,
        refused_tokens: RefusedTokens,
        token_uses: TokenUses,
    ) -> None:
        self._database = database
        self._tokens = tokens
        self._tickets = tickets
        self._roles = roles
        self._cache = cache
        self._clock = clock
        self._refused_tokens = refused_tokens
        self._token_uses = token_uses
        self._verified: OrderedDict[str, Claims] = OrderedDict()
        self._known: OrderedDict[str, PersonalAccessToken] = OrderedDict()

    async def authenticate(self, access_token: str) -> Caller:
        """Returns the caller by an access token or a personal access token.

        Raises InvalidToken for a bad, expired or revoked token, an ended session, a suspended or deleted user.
        """
        try:
            if access_token.startswith(PREFIX):
                return await self._find_grant(access_token)
            claims = self._claims_of(access_token, self._clock.now())
            return await self.find_caller(claims.user_id, claims.session_id)
        except InvalidToken:
            self._refused_tokens.count(ACCESS_TOKEN)
            raise

    def issue_ticket(self, caller: SignedIn, purpose: TicketPurpose, subject: str) -> str:
        """Returns a ticket for the caller's session. It is valid for TICKET_LIFETIME, `purpose` and `subject`."""
        holder = TicketHolder(caller.actor.id, caller.session_id)
        return self._tickets.issue(holder, purpose, subject, self._clock.now())

    async def admit(self, ticket: str, purpose: TicketPurpose, subject: str) -> SignedIn:
        """Returns the caller to whom `ticket` was issued. Raises InvalidToken for a bad or expired ticket, for
        one of another purpose or subject, and for a caller that `find_caller` refuses."""
        holder = self._tickets.verify(ticket, purpose, subject, self._clock.now())
        return await self.find_caller(holder.user_id, holder.session_id)

    async def find_caller(self, user_id: UserId, session_id: SessionId) -> SignedIn:
        """Returns the caller with the role as of now. Raises InvalidToken for an ended session, a suspended or deleted
        user."""
        role = await self._current_role(
            user_id, session_id, partial(self._role_in_session, user_id, session_id)
        )
        return SignedIn(actor=Actor(id=user_id, role=role), session_id=session_id)

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

    async def _find_grant(self, text: str) -> TokenGrant:
        """Returns the caller by a personal access token, and notes the use in memory. Raises InvalidToken."""
        token, now = await self._token_of(text), self._clock.now()
        if not token.is_live(now):
            raise InvalidToken()
        role = await self._current_role(token.user_id, token.id, partial(self._role_by_token, token))
        self._token_uses.note(token.id, now)
        actor = restricted(Actor(id=token.user_id, role=role), token.scopes)
        return TokenGrant(actor=actor, token_id=token.id, scopes=token.scopes)

    async def _token_of(self, text: str) -> PersonalAccessToken:
        """Returns the token with this text, which may be revoked. Raises InvalidToken."""
        if not is_token_text(text):
            raise InvalidToken()
        hash = hash_of(text)
        token = self._known.get(hash)
        if token is None:
            async with self._database.read() as tx:
                token = await tx.personal_access_tokens.find_by_hash(hash)
            if token is None:
                raise InvalidToken()
            self._known[hash] = token
            if len(self._known) > MAX_TOKENS:
                self._known.popitem(last=False)
        return token

    async def _current_role(
        self, user_id: UserId, credential: Credential, find_role: Callable[[], Awaitable[Role | None]]
    ) -> Role:
        """Returns the role of the caller from the cache, which `find_role` fills. Raises InvalidToken."""
        load = partial(self._sealed_role, user_id, credential, find_role)
        sealed = await self._cache.get_or_load(access_tag(user_id), credential, load, ACCOUNT_STATUS_LIFETIME)
        try:
            role = self._roles.open(sealed, user_id, credential, self._clock.now())
        except BrokenSeal:
            # Somebody else wrote the entry, or it outlived an invalidation: only the database knows the role.
            role = await find_role()
        if role is None:
            raise InvalidToken()
        return role

    async def _sealed_role(
        self, user_id: UserId, credential: Credential, find_role: Callable[[], Awaitable[Role | None]]
    ) -> bytes:
        return self._roles.seal(await find_role(), user_id, credential, self._clock.now())

    async def _role_by_token(self, token: PersonalAccessToken) -> Role | None:
        """Returns the role of the token's user; None if the caller must be refused."""
        async with self._database.read() as tx:
            user = await tx.users.find_by_id(token.user_id)
            stored = await tx.personal_access_tokens.find_by_id(token.id)
        return user.role if user and user.may_sign_in and stored else None

    async def _role_in_session(self, user_id: UserId, session_id: SessionId) -> Role | None:
        """Returns the role of the caller; None if the caller must be refused."""
        async with self._database.read() as tx:
            user = await tx.users.find_by_id(user_id)
            session = await tx.sessions.find_by_id(session_id)
        if user is None or not user.may_sign_in or session is None or not session.is_live(self._clock.now()):
            return None
        return user.role

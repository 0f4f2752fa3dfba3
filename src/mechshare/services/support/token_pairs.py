"""The pair of tokens that signing in and refreshing return."""

from collections import deque
from datetime import datetime
from hashlib import sha256

from mechshare.domain.sessions import ACCESS_TOKEN_LIFETIME, Claims, RefreshToken, Session, Tokens
from mechshare.domain.signing_keys import SigningKeys
from mechshare.ports.tokens import TokenIssuer

MAX_SUCCESSORS = 1_000
"""How many refresh tokens `find_secret` derives successors of: with one key, more generations than the default rate
limit admits in REPLAY_GRACE."""


class TokenPairs:
    """Derives each refresh token from the one that it replaces (HMAC-SHA-256, RFC 2104), and issues access tokens.

    A refresh token that is replaced twice therefore has the same successor both times, although the database stores
    only hashes; and the access token of that pair is the same too.
    """

    def __init__(self, tokens: TokenIssuer, keys: SigningKeys) -> None:
        self._tokens = tokens
        self._keys = keys

    def successor_of(self, secret: str) -> str:
        """Returns the refresh token that replaces `secret`: 64 characters."""
        return self._keys.sign(_derivation("successor", secret))

    def find_secret(self, token: RefreshToken, replaced: str) -> str | None:
        """Returns the text of `token` if it descends from the refresh token `replaced`, else None.

        While keys are rotated, processes may have derived the descendants by different keys.
        """
        ancestors = deque([replaced])
        for _ in range(MAX_SUCCESSORS):
            for secret in self._keys.sign_by_each(_derivation("successor", ancestors.popleft())):
                if hash_of(secret) == token.hash:
                    return secret
                ancestors.append(secret)
        return None

    def pair(self, session: Session, secret: str, issued_at: datetime, now: datetime) -> Tokens:
        """Returns the refresh token `secret`, which was issued at `issued_at`, with its access token.

        The access token's lifetime counts from `issued_at`, so a repeated response prolongs nothing.
        """
        claims = Claims(
            user_id=session.user_id,
            session_id=session.id,
            token_id=self._keys.sign(_derivation("access token", secret))[:32],
            issued_at=issued_at,
            expires_at=issued_at + ACCESS_TOKEN_LIFETIME,
        )
        return Tokens(
            access_token=self._tokens.issue(claims),
            refresh_token=secret,
            expires_in=max(0, int((claims.expires_at - now).total_seconds())),
            session_id=session.id,
        )


def _derivation(purpose: str, secret: str) -> str:
    return f"{purpose}\n{secret}"


def hash_of(secret: str) -> str:
    """Returns the SHA-256 by which a refresh token is stored."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()

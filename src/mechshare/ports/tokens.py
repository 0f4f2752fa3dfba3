"""Access tokens: statements that only this installation can make."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from mechshare.domain.sessions import Claims


class TokenIssuer(Protocol):
    def issue(self, claims: Claims) -> str:
        """A token that `verify` turns back into `claims` until it expires; times are kept in whole seconds."""

    def verify(self, token: str) -> Claims:
        """What the token says. Raises InvalidToken for anything not issued here, altered, expired or malformed."""

    def public_keys(self) -> Sequence[Mapping[str, str]]:
        """The keys with which others can verify, as JWK (RFC 7517); empty where the key must stay secret."""

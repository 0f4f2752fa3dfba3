"""Access tokens, which only this installation can issue."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from mechshare.domain.sessions import Claims


class TokenIssuer(Protocol):
    def issue(self, claims: Claims) -> str:
        """Returns a token from which `verify` restores `claims` until it expires; times are truncated to whole
        seconds."""

    def verify(self, token: str) -> Claims:
        """Returns the claims. Raises InvalidToken for a token that is not issued here, altered, expired or
        malformed, and for one issued more than 30 s in the future: the clocks of two machines differ a little."""

    def public_keys(self) -> Sequence[Mapping[str, str]]:
        """Returns the keys that verify tokens, as JWK (RFC 7517); empty if the key is secret."""

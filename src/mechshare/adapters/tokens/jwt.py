"""Access tokens as JSON Web Tokens (RFC 7519, RFC 9068), checked as RFC 8725 asks."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.exceptions import PyJWTError

from mechshare.domain.errors import InvalidToken
from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.sessions import Claims
from mechshare.ports.clock import Clock

TYPE = "at+jwt"
_LONGEST = 4096
_SHORTEST_SECRET = 32
_HEADER = {"alg", "kid", "typ"}
_TEXTS = ("sub", "aud", "iss", "jti", "sid")
_TIMES = ("exp", "iat")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253_402_300_799  # the end of the year 9999, beyond which there is no datetime


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key with its name. `verifier` equals `signer` where the algorithm has one secret for both."""

    id: str
    signer: Any = field(repr=False)
    verifier: Any = field(repr=False)
    public: Mapping[str, str] | None = None


class JwtTokenIssuer:
    """Signs with the first of its keys and verifies with all of them, so that keys can be rotated.

    One algorithm, chosen here and never by the token.
    """

    def __init__(
        self,
        algorithm: str,
        keys: Sequence[SigningKey],
        clock: Clock,
        *,
        issuer: str = "mechshare",
        audience: str = "mechshare",
    ) -> None:
        if not keys:
            raise ValueError("a token issuer needs a key")
        self._algorithm = algorithm
        self._keys = {key.id: key for key in keys}
        self._first = keys[0]
        self._clock = clock
        self._issuer = issuer
        self._audience = audience

    @classmethod
    def from_secret(cls, secret: bytes, clock: Clock, *, older: Sequence[bytes] = ()) -> "JwtTokenIssuer":
        """HS256. Raises ValueError for a secret shorter than 32 bytes (RFC 7518, 3.2)."""
        return cls("HS256", [_secret_key(one) for one in (secret, *older)], clock)

    @classmethod
    def from_ed25519_seed(cls, seed: bytes, clock: Clock, *, older: Sequence[bytes] = ()) -> "JwtTokenIssuer":
        """EdDSA over Ed25519 (RFC 8037). Raises ValueError unless the seed is 32 bytes long."""
        return cls("EdDSA", [_ed25519_key(one) for one in (seed, *older)], clock)

    def issue(self, claims: Claims) -> str:
        payload = {
            "sub": claims.user_id,
            "sid": claims.session_id,
            "jti": claims.token_id,
            "iat": _seconds(claims.issued_at),
            "exp": _seconds(claims.expires_at),
            "iss": self._issuer,
            "aud": self._audience,
        }
        headers = {"typ": TYPE, "kid": self._first.id}
        return jwt.encode(payload, self._first.signer, algorithm=self._algorithm, headers=headers)

    def verify(self, token: str) -> Claims:
        payload = self._payload(token)
        if any(type(payload.get(name)) is not str for name in _TEXTS):
            raise InvalidToken()
        if any(type(payload.get(name)) is not int or not 0 <= payload[name] <= _LAST for name in _TIMES):
            raise InvalidToken()
        if payload["iss"] != self._issuer or payload["aud"] != self._audience:
            raise InvalidToken()
        now = _seconds(self._clock.now())
        if not payload["iat"] <= now < payload["exp"]:
            raise InvalidToken()
        return Claims(
            user_id=UserId(payload["sub"]),
            session_id=SessionId(payload["sid"]),
            token_id=payload["jti"],
            issued_at=datetime.fromtimestamp(payload["iat"], UTC),
            expires_at=datetime.fromtimestamp(payload["exp"], UTC),
        )

    def public_keys(self) -> Sequence[Mapping[str, str]]:
        return tuple(key.public for key in self._keys.values() if key.public is not None)

    def _payload(self, token: str) -> dict[str, Any]:
        """The claims behind a signature of ours; what they say is still to be judged."""
        if len(token) > _LONGEST or not token.isascii():
            raise InvalidToken()
        header = _strict_json(token.partition(".")[0])
        if set(header) != _HEADER or header["typ"] != TYPE or header["alg"] != self._algorithm:
            raise InvalidToken()
        key = self._keys.get(header["kid"]) if isinstance(header["kid"], str) else None
        if key is None or token.count(".") != 2:
            raise InvalidToken()
        try:
            # Only the signature is the library's to judge: of claims it takes what RFC 8725 wants refused.
            jwt.PyJWS().decode(token, key.verifier, algorithms=[self._algorithm])
        except (PyJWTError, ValueError) as problem:
            raise InvalidToken() from problem
        return _strict_json(token.split(".")[1])


def _strict_json(part: str) -> dict[str, Any]:
    """A part of a token as an object: canonical base64url, no name twice. Raises InvalidToken."""
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        found = json.loads(raw, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as problem:
        raise InvalidToken() from problem
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part or not isinstance(found, dict):
        raise InvalidToken()
    return found


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _secret_key(secret: bytes) -> SigningKey:
    if len(secret) < _SHORTEST_SECRET:
        raise ValueError("a secret that signs tokens must be at least 32 bytes long")
    name = hashlib.blake2b(secret, digest_size=8, person=b"mechshare kid").hexdigest()
    return SigningKey(name, secret, secret)


def _ed25519_key(seed: bytes) -> SigningKey:
    if len(seed) != _SHORTEST_SECRET:
        raise ValueError("an Ed25519 seed is 32 bytes long")
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public: Ed25519PublicKey = private.public_key()
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}
    thumbprint = hashlib.sha256(json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()).digest()
    name = base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode()
    return SigningKey(name, private, public, {**jwk, "alg": "EdDSA", "use": "sig", "kid": name})


def _seconds(instant: datetime) -> int:
    return int((instant - _EPOCH).total_seconds())

"""Access tokens as JSON Web Tokens (RFC 7519, RFC 9068), verified as RFC 8725 recommends."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import get_algorithm_by_name
from jwt.exceptions import InvalidKeyError

from mechshare.domain.errors import InvalidToken
from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.sessions import Claims
from mechshare.ports.clock import Clock

TYPE = "at+jwt"
ISSUED_AT_LEEWAY = 30
"""Seconds by which the clock of the machine that issued a token may be ahead (RFC 7519, 4.1.4)."""
_MAX_TOKEN_LENGTH = 4096
_MIN_SECRET_BYTES = 32
_HEADER = {"alg", "kid", "typ"}
_TEXTS = ("sub", "aud", "iss", "jti", "sid")
_TIMES = ("exp", "iat")
_CLAIMS = {*_TEXTS, *_TIMES}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253_402_300_799  # the end of the year 9999, the largest datetime


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key with its id. `verifier` equals `signer` for an algorithm with a shared secret."""

    id: str
    signer: Any = field(repr=False)
    verifier: Any = field(repr=False)
    public: Mapping[str, str] | None = None


class JwtTokenIssuer:
    """Signs with the first of its keys and verifies with all of them, so that keys can be rotated.

    It accepts one algorithm, which the token cannot choose. It uses the library for the signature only, because the
    library accepts more headers and claims than RFC 8725 recommends.
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
        self._signatures = get_algorithm_by_name(algorithm)
        self._keys = {key.id: key for key in keys}
        self._first = keys[0]
        self._clock = clock
        self._issuer = issuer
        self._audience = audience

    @classmethod
    def from_secret(cls, secret: bytes, clock: Clock, *, older: Sequence[bytes] = ()) -> "JwtTokenIssuer":
        """HS256. Raises ValueError for a secret shorter than 32 bytes (RFC 7518, 3.2) and for a key of another kind."""
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
        header = {"typ": TYPE, "alg": self._algorithm, "kid": self._first.id}
        content = f"{_part(header)}.{_part(payload)}"
        return f"{content}.{_base64(self._signatures.sign(content.encode(), self._first.signer))}"

    def verify(self, token: str) -> Claims:
        payload = self._payload(token)
        if set(payload) != _CLAIMS or any(type(payload[name]) is not str for name in _TEXTS):
            raise InvalidToken()
        if any(type(payload[name]) is not int or not 0 <= payload[name] <= _LAST for name in _TIMES):
            raise InvalidToken()
        if payload["iss"] != self._issuer or payload["aud"] != self._audience:
            raise InvalidToken()
        now = _seconds(self._clock.now())
        if not payload["iat"] - ISSUED_AT_LEEWAY <= now < payload["exp"]:
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
        """Verifies the signature and returns the claims, which are not yet validated."""
        parts = token.split(".") if len(token) <= _MAX_TOKEN_LENGTH and token.isascii() else ()
        if len(parts) != 3:
            raise InvalidToken()
        header = _strict_json(parts[0])
        if set(header) != _HEADER or header["typ"] != TYPE or header["alg"] != self._algorithm:
            raise InvalidToken()
        key = self._keys.get(header["kid"]) if isinstance(header["kid"], str) else None
        signed, signature = f"{parts[0]}.{parts[1]}".encode(), _strict_base64(parts[2])
        if key is None or not self._signatures.verify(signed, key.verifier, signature):
            raise InvalidToken()
        return _strict_json(parts[1])


def _part(content: Mapping[str, object]) -> str:
    return _base64(json.dumps(content, separators=(",", ":")).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _strict_base64(part: str) -> bytes:
    """Decodes `part` if it is canonical: no padding, no loose bits. Raises InvalidToken."""
    try:
        content = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError as problem:
        raise InvalidToken() from problem
    if _base64(content) != part:
        raise InvalidToken()
    return content


def _strict_json(part: str) -> dict[str, Any]:
    """Decodes a part of a token as a JSON object in UTF-8 without duplicate names. Raises InvalidToken."""
    try:
        decoded = json.loads(_strict_base64(part).decode(), object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as problem:
        raise InvalidToken() from problem
    if not isinstance(decoded, dict):
        raise InvalidToken()
    return decoded


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    decoded = dict(pairs)
    if len(decoded) != len(pairs):
        raise ValueError("duplicate name in a JSON object")
    return decoded


def _secret_key(secret: bytes) -> SigningKey:
    if len(secret) < _MIN_SECRET_BYTES:
        raise ValueError("a secret that signs tokens must be at least 32 bytes long")
    try:
        get_algorithm_by_name("HS256").prepare_key(secret)
    except InvalidKeyError as problem:  # such as a public key, which anybody may know
        raise ValueError("a secret that signs tokens must not be a key of another kind") from problem
    name = hashlib.blake2b(secret, digest_size=8, person=b"mechshare kid").hexdigest()
    return SigningKey(name, secret, secret)


def _ed25519_key(seed: bytes) -> SigningKey:
    if len(seed) != _MIN_SECRET_BYTES:
        raise ValueError("an Ed25519 seed is 32 bytes long")
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public: Ed25519PublicKey = private.public_key()
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": _base64(raw)}
    # RFC 7638: only the required members of the key
    thumbprint = hashlib.sha256(json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()).digest()
    name = _base64(thumbprint)
    return SigningKey(name, private, public, {**jwk, "alg": "EdDSA", "use": "sig", "kid": name})


def _seconds(instant: datetime) -> int:
    return int((instant - _EPOCH).total_seconds())

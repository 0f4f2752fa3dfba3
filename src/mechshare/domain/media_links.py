"""Signed links to stored files; anyone with a link can read the file until the link expires."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

LINK_LIFETIME = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LinkSigner:
    """Signs blob keys with HMAC-SHA-256 (RFC 2104) under a secret of at least 32 bytes."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < 32:
            raise ValueError("the secret for signing links must be at least 32 bytes long")

    def expiry(self, now: datetime) -> int:
        """Returns the expiry time of a link made now, in Unix seconds: its lifetime, rounded up to the hour.

        Links made within one hour are therefore equal, so that caches can store the files.
        """
        hour = 3600
        end = int((now + LINK_LIFETIME).timestamp())
        return end - end % hour + hour

    def sign(self, key: str, expires: int, *, is_withdrawn: bool = False) -> str:
        """Returns the signature; `is_withdrawn` says whether a moderator has withdrawn the mechanism."""
        # A withdrawal must end the links of before at once, while a moderator can still watch the clip.
        state = "\nwithdrawn" if is_withdrawn else ""
        return hmac.new(self.secret, f"{key}\n{expires}{state}".encode(), sha256).hexdigest()

    def is_valid(
        self, key: str, expires: int, signature: str, now: datetime, *, is_withdrawn: bool = False
    ) -> bool:
        """Whether `signature` is that of `key`, `expires` and `is_withdrawn`, and `expires` has not passed."""
        expected = self.sign(key, expires, is_withdrawn=is_withdrawn)
        is_genuine = signature.isascii() and hmac.compare_digest(expected, signature)
        return is_genuine and now.timestamp() < expires


@dataclass(frozen=True, slots=True)
class MediaLinks:
    """Signatures of links that all expire at `expires`, in Unix seconds."""

    signer: LinkSigner
    expires: int

    def signature(self, key: str, *, is_withdrawn: bool = False) -> str:
        return self.signer.sign(key, self.expires, is_withdrawn=is_withdrawn)

"""Signed links to stored files; anyone with a link can read the file until the link expires."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mechshare.domain.signing_keys import SigningKeys

LINK_LIFETIME = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LinkSigner:
    """Signs the key of a blob together with the expiry time of the link."""

    keys: SigningKeys

    def expiry(self, now: datetime) -> int:
        """Returns the expiry time of a link made now, in Unix seconds: its lifetime, rounded up to the hour.

        Links made within one hour are therefore equal, so that caches can store the files.
        """
        hour = 3600
        end = int((now + LINK_LIFETIME).timestamp())
        return end - end % hour + hour

    def sign(self, key: str, expires: int, *, is_withdrawn: bool = False) -> str:
        """Returns the signature; `is_withdrawn` says whether a moderator has withdrawn the mechanism."""
        return self.keys.sign(_signed(key, expires, is_withdrawn))

    def is_valid(
        self, key: str, expires: int, signature: str, now: datetime, *, is_withdrawn: bool = False
    ) -> bool:
        """Whether `signature` is that of `key`, `expires` and `is_withdrawn`, and `expires` has not passed."""
        is_genuine = self.keys.is_signature(signature, _signed(key, expires, is_withdrawn))
        return is_genuine and now.timestamp() < expires


def _signed(key: str, expires: int, is_withdrawn: bool) -> str:
    # A withdrawal must end earlier links at once, while a moderator can still watch the clip.
    state = "\nwithdrawn" if is_withdrawn else ""
    return f"{key}\n{expires}{state}"


@dataclass(frozen=True, slots=True)
class MediaLinks:
    """Signatures of links that all expire at `expires`, in Unix seconds."""

    signer: LinkSigner
    expires: int

    def signature(self, key: str, *, is_withdrawn: bool = False) -> str:
        return self.signer.sign(key, self.expires, is_withdrawn=is_withdrawn)

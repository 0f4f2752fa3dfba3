"""The secrets of an installation, and the keys derived from them."""

import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from mechshare.domain.signing_keys import SigningKeys
from mechshare.setting_values import secrets_in


def stored_secret(path: Path) -> bytes:
    """Returns the secret in `path`. If there is none, exactly one of several concurrent processes creates it."""
    fresh = secrets.token_urlsafe(48)
    candidate = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        descriptor = os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(fresh)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(candidate, path)
        except FileExistsError:
            pass
        finally:
            candidate.unlink()
    return path.read_bytes().strip()


def stored_secrets(path: Path) -> tuple[bytes, ...]:
    """Returns the secrets in the file at `path`, one per line; creates the file with one secret if it is missing.

    Raises SettingsError as `secrets_in` does.
    """
    return secrets_in(os.fsdecode(stored_secret(path)), str(path))


def signing_keys(secrets: Sequence[bytes], purpose: str) -> SigningKeys:
    """Returns the keys that are derived from `secrets` for one purpose, in the same order."""
    return SigningKeys(tuple(derived_key(secret, purpose) for secret in secrets))


def derived_key(secret: bytes, purpose: str) -> bytes:
    """Derives a separate key for each purpose, so that a signature for one purpose is invalid for another."""
    return hashlib.blake2b(purpose.encode(), key=hashlib.sha512(secret).digest(), digest_size=32).digest()

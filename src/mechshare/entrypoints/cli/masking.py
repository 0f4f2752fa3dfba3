"""Hides passwords and keys in URLs and messages."""

import re

_HIDDEN = "***"
_SECRETS = (
    re.compile(r"(?<=://)([^/?#\s@:]*:)\S*(?=@)"),
    re.compile(r"([?&;](?:password|sig)=)[^&;\s]+", re.IGNORECASE),
    re.compile(r"\b((?:AccountKey|SharedAccessKey|SharedAccessSignature|sig)=)[^;&\s]+", re.IGNORECASE),
)


def masked(text: str) -> str:
    """Returns `text` with *** in place of each password in a URL and of the keys in connection strings."""
    for secret in _SECRETS:
        text = secret.sub(rf"\g<1>{_HIDDEN}", text)
    return text

"""Hides passwords and keys in URLs and messages."""

import re

_HIDDEN = "***"
_SECRETS = (
    re.compile(r"(?<=://)([^/?#\s@:]*:)\S*(?=@)"),
    re.compile(r"([?&;](?:password|sig)=)[^&;\s]+", re.IGNORECASE),
    re.compile(r"\b((?:AccountKey|SharedAccessKey|SharedAccessSignature|sig)=)[^;&\s]+", re.IGNORECASE),
)


def masked(text: str) -> str:
    """`text` with *** for each password in a URL, and for the keys of connection strings."""
    for secret in _SECRETS:
        text = secret.sub(rf"\g<1>{_HIDDEN}", text)
    return text

"""Hides passwords and keys in URLs and messages."""

import re

_HIDDEN = "***"
_NAMES = (
    "password|passwd|passphrase|pwd|sslpassword|sslkey|secret|token|access_token|api_?key|sas|sig|signature|"
    "secret_?access_?key|AccountKey|SharedAccessKey|SharedAccessSignature"
)
_SECRETS = (
    # A password in a URL, which may contain spaces and any of /?#@:, up to the last @ before another URL.
    (re.compile(r"(?<=://)([^/?#@:\n]*:)(?:(?!://)[^\n])*(?=@)"), r"\1***"),
    # A user without a password may be a token.
    (re.compile(r"(?<=://)[^/?#\s@:]+(?=@)"), _HIDDEN),
    # A parameter of a URL or a field of a connection string; a value may contain spaces.
    (
        re.compile(rf"((?:^|[?&;]|\b(?=Account|Shared))(?:{_NAMES})=)[^&;\n]+", re.IGNORECASE | re.MULTILINE),
        r"\1***",
    ),
    # A field elsewhere, as in libpq's `host=h password='hu sh'`.
    (
        re.compile(rf"(?<![\w?&;])((?:{_NAMES})\s*=\s*)(?:'(?:[^'\\]|\\.)*'|[^;&\s]+)", re.IGNORECASE),
        r"\1***",
    ),
)


def masked(text: str) -> str:
    """Returns `text` with *** in place of each password in a URL and of the keys in connection strings.

    Where a secret is not quoted, so that its end is not certain, it hides too much rather than too little.
    """
    for secret, shown in _SECRETS:
        text = secret.sub(shown, text)
    return text

"""Headers that every HTML page has."""

import base64
import re
from functools import lru_cache
from hashlib import sha256
from typing import Any

from litestar import Response

_INLINE_SCRIPT = re.compile(rb"<script(?: type=['\"][a-z/]+['\"])?>(.*?)</script>", re.DOTALL)


def secure_page(response: Response[Any]) -> Response[Any]:
    """`response`; if it is a page, without frames around it, and with no scripts but those that it came with."""
    if "text/html" in str(response.media_type) and isinstance(response.content, bytes | str):
        content = response.content.encode() if isinstance(response.content, str) else response.content
        response.headers.setdefault("Content-Security-Policy", _policy_of(content))
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
    return response


@lru_cache(maxsize=4)
def _policy_of(content: bytes) -> str:
    """Allows the inline scripts of `content`, by their digests, and everything of this server's own."""
    digests = [
        f"'sha256-{base64.b64encode(sha256(script).digest()).decode()}'"
        for script in _INLINE_SCRIPT.findall(content)
    ]
    scripts = " ".join(["'self'", *digests])
    return (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' https: data:; "
        "media-src 'self' https:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    )

"""Security headers of HTML pages."""

import base64
import re
from functools import lru_cache
from hashlib import sha256
from typing import Any

from litestar import Response

_INLINE_SCRIPT = re.compile(rb"<script(?: type=['\"][a-z/]+['\"])?>(.*?)</script>", re.DOTALL)


async def secure_page(response: Response[Any]) -> Response[Any]:
    """Returns `response`; an HTML page gets headers that forbid framing and foreign scripts."""
    if "text/html" in str(response.media_type) and isinstance(response.content, bytes | str):
        if "Content-Security-Policy" not in response.headers:
            content = response.content.encode() if isinstance(response.content, str) else response.content
            response.headers["Content-Security-Policy"] = _policy_of(content)
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
    return response


@lru_cache(maxsize=4)
def _policy_of(content: bytes) -> str:
    """Returns a Content-Security-Policy that allows the inline scripts of `content` (by digest) and this origin.

    Images and media may also come from any https origin.
    """
    digests = [
        f"'sha256-{base64.b64encode(sha256(script).digest()).decode()}'"
        for script in _INLINE_SCRIPT.findall(content)
    ]
    scripts = " ".join(["'self'", *digests])
    return (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' https: data:; "
        "media-src 'self' https:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    )

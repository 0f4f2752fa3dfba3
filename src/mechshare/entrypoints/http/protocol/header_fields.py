"""Header fields as ASGI has them: pairs of bytes, the names in lower case."""

from collections.abc import Iterable

_MAX_USER_AGENT = 200


def field_of(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    """Returns the first field `name`, in lower case; b"" if there is none."""
    # A loop, since a generator expression takes twice as long and every request reads several fields.
    for key, value in headers:
        if key == name:
            return value
    return b""


def user_agent_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Returns the field User-Agent, at most 200 characters; "" if there is none."""
    return field_of(headers, b"user-agent")[:_MAX_USER_AGENT].decode("latin-1")


def stated_length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Returns the length of the body in bytes as Content-Length states it, 0 without a body; None if the request does
    not state it (RFC 9112, 6.3)."""
    if field_of(headers, b"transfer-encoding"):
        return None
    stated = field_of(headers, b"content-length")
    if not stated:
        return 0
    return int(stated) if stated.isdigit() and len(stated) < 16 else None

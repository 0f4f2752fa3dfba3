"""Header fields as ASGI has them: pairs of bytes, the names in lower case."""

from collections.abc import Iterable


def field_of(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    """Returns the first field `name`, in lower case; b"" if there is none."""
    return next((value for key, value in headers if key == name), b"")
